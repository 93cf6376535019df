"""A turn is brought to its end once, whatever is delivered again, away, or lying meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boards import OWNER, snapshot_of
from fake_store import FakeStore
from tests.telemetry.measured import Measured

from agent import counting
from agent.cancelling import Cancelling
from agent.cycle import Clock, Cycle, Ended
from agent.faults import ModelError, ModelFault
from agent.planner import Planned
from agent.receipts import RECEIPT_MAX_BYTES
from agent.turns import Turns
from bus.errors import LetGo, RemoteError, TooLargeError, UnavailableError, Unprocessable
from bus.interface import Event, Job, Stored
from contracts import metrics, streams, subjects
from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.message import ErrorCode, Message, Problem
from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    Operation,
    RenameList,
    UpdateItem,
)
from contracts.planning import ModelPlan
from contracts.store import ApplyRequest, ApplyStatus, Plan, Snapshot
from contracts.todo import Author
from contracts.turns import DeadTurn, Outcome, Phase, Receipt, Timings, TurnCompleted, TurnPhase, TurnStarted, Verdict
from verification.expect import expect


class FakeBus:
    """Keeps what is stored, one message a subject, and what is published; can be away for some stores."""

    def __init__(self) -> None:
        self.kept: dict[str, Message] = {}
        self.phases: list[str] = []
        self.away = 0

    async def publish(self, subject: str, message: Message) -> None:
        assert isinstance(message, TurnPhase)
        waits = f" waits for {message.waits_for}" if message.waits_for else ""
        self.phases.append(f"{message.phase}{message.attempt}{waits}")

    async def store(self, subject: str, message: Message) -> Stored:
        if self.away:
            self.away -= 1
            raise UnavailableError("away")
        if len(message.to_json()) > BUS_PAYLOAD_MAX_BYTES:
            raise TooLargeError("too large")
        repeated = subject in self.kept
        self.kept.setdefault(subject, message)
        return Stored(len(self.kept), repeated)

    async def stored(self, stream: str, subject: str) -> Event | None:
        assert stream == streams.CHAT
        if self.away:
            self.away -= 1
            raise UnavailableError("away")
        message = self.kept.get(subject)
        return None if message is None else Event(subject, message.to_json(), 1)


class FakeModel:
    """Answers with these steps, or a fault; `meanwhile` happens while it thinks."""

    def __init__(self, *steps: dict[str, Any], fault: ModelFault | None = None) -> None:
        self.steps = steps
        self.fault = fault
        self.calls = 0
        self.meanwhile: Callable[[], Awaitable[None] | None] = lambda: None

    async def plan(self, messages: list[dict[str, str]], *, lists: tuple[str, ...], items: tuple[str, ...]) -> Planned:
        self.calls += 1
        meanwhile = self.meanwhile()
        if meanwhile is not None:
            await meanwhile
        if self.fault is not None:
            raise ModelError(self.fault)
        return Planned(ModelPlan.model_validate({"steps": self.steps}), "fake", 1, 1, 1, 0.0)


class Stage:
    """One turn with everything around it fake."""

    def __init__(self, snapshot: Snapshot, text: str, *steps: dict[str, Any], fault: ModelFault | None = None) -> None:
        self.bus = FakeBus()
        self.store = FakeStore(snapshot)
        self.model = FakeModel(*steps, fault=fault)
        self.started = TurnStarted(
            session="s", turn_id="t", owner=OWNER, text=text, accepted_at=datetime(2026, 11, 22, 12, tzinfo=UTC)
        )

    def before_each_apply(self, *operations: Operation) -> None:
        """Somebody else makes these changes, one right before each apply."""
        waiting = list(operations)

        def write() -> None:
            if waiting:
                self.store.write((waiting.pop(0),), f"cother{len(waiting)}", f"theirs{len(waiting)}", Author.BOARD)

        self.store.before_apply = write

    async def deliver(self, deliveries: int = 1) -> TurnCompleted:
        cancelling = Cancelling(self.store)
        turns = Turns(self.bus, self.store, self.model, Cycle(self.store), cancelling, outage_retry_s=0)  # type: ignore[arg-type]
        await turns.handle(Job("job.chat.1.s.t", self.started.to_json(), sequence=7, deliveries=deliveries))
        completed = self.bus.kept[subjects.turn_completed("s", "t")]
        assert isinstance(completed, TurnCompleted)
        return completed


GROCERIES = snapshot_of(Groceries=["milk", "eggs"])
ADD = {"op": "add_item", "list": "L1", "text": "tea"}
FAILED = TurnCompleted(
    session="s",
    turn_id="t",
    outcome=Outcome.FAILED,
    text="Given up.",
    reason="poison",
    receipt=Receipt(),
    completed_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
)


async def test_a_turn_goes_through_its_phases_and_is_completed_with_its_receipt(measured: Measured) -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    completed = await stage.deliver()
    assert completed.outcome is Outcome.CONFIRMED
    assert stage.bus.phases == ["plan1", "execute1", "confirm1"]
    assert completed.receipt.request == "add tea to Groceries"
    assert completed.receipt.model is not None
    assert measured(metrics.TURNS, {"outcome": "confirmed"}) == measured(metrics.TURN_DURATION) == 1
    assert measured(metrics.VERDICTS, {"verdict": "confirmed", "door": "chat"}) == 1
    assert [measured(metrics.PHASE_DURATION, {"phase": phase}) for phase in ("queued", *Phase)] == [1, 1, 1, 1]


async def test_a_turn_has_waited_until_a_worker_has_it_and_not_while_that_waits_for_the_store() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.started = stage.started.model_copy(update={"accepted_at": datetime.now(UTC) - timedelta(seconds=30)})
    stage.model.meanwhile = lambda: asyncio.sleep(0.2)
    timings = (await stage.deliver()).receipt.timings
    assert timings.queued is not None
    assert 30_000 <= timings.queued < 30_000 + 10_000
    assert timings.total is not None
    assert timings.total < 10_000


async def test_the_waiting_is_counted_as_it_stands_in_the_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[tuple[float, dict[str, str]]] = []
    monkeypatch.setattr(counting._PHASES, "record", lambda value, labels: recorded.append((value, labels)))
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    receipt = Receipt(timings=Timings(queued=2_000, total=1_000))
    # Accepted years ago, and told now: the stream was away meanwhile, and the agent had it for long.
    counting.turn_ended(stage.started, Ended(Outcome.ANSWERED, "x", receipt))
    assert recorded == [(2.0, {"phase": "queued", "door": "chat"})]


async def test_a_plan_that_is_made_twice_takes_the_time_of_both() -> None:
    clock = Clock()
    now = time.perf_counter()
    clock.lap("plan", now - 2)
    clock.lap("plan", now - 3)
    assert clock.timings.plan == pytest.approx(5_000, abs=500)


async def test_a_turn_delivered_again_after_its_effect_is_confirmed_and_not_done_again(measured: Measured) -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    await stage.deliver()
    first = stage.bus.kept.pop(subjects.turn_completed("s", "t"))
    again = await stage.deliver(deliveries=2)
    assert isinstance(first, TurnCompleted)
    assert (stage.store.applied, stage.model.calls) == (1, 1)
    assert (again.outcome, again.text) == (first.outcome, first.text)
    assert again.receipt.change_id == first.receipt.change_id


async def test_a_turn_that_has_its_answer_does_nothing_when_its_ack_was_forgotten(measured: Measured) -> None:
    stage = Stage(GROCERIES, "mark tea as done", {"op": "complete_item", "item": "L1.3"})
    assert (await stage.deliver()).outcome is not Outcome.CONFIRMED
    stage.store.write((CreateItem(item_id="itea", list_id="l0", title="tea"),), "cother", "theirs", Author.CHAT)
    stage.bus.away = 1
    await stage.deliver(deliveries=2)
    assert (stage.store.applied, stage.model.calls) == (0, 1)
    assert measured(metrics.TURNS) == 1


async def test_a_delivery_that_looks_like_the_first_finds_what_another_worker_has_applied() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    first = await stage.deliver()
    stage.bus.kept.clear()
    taken = Problem(code=ErrorCode.CONFLICT, field="operation_id", value="t", detail="was used for other operations")

    def refuse() -> None:
        raise RemoteError(taken)

    stage.store.before_apply = refuse
    again = await stage.deliver()
    assert (again.outcome, again.text, stage.store.applied) == (Outcome.CONFIRMED, first.text, 1)
    assert again.receipt.change_id == first.receipt.change_id


async def test_what_another_worker_has_applied_is_not_told_as_having_been_so_already() -> None:
    stage = Stage(GROCERIES, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    first = await stage.deliver()
    stage.bus.kept.clear()
    again = await stage.deliver()
    assert (first.outcome, again.outcome, again.text) == (Outcome.CONFIRMED, Outcome.CONFIRMED, first.text)


async def test_a_turn_without_an_effect_is_closed_before_it_says_so() -> None:
    stage = Stage(GROCERIES, "what is on Groceries?", {"op": "show", "list": "L1"})
    completed = await stage.deliver()
    assert (completed.outcome, stage.store.closed) == (Outcome.ANSWERED, {"t"})


async def test_a_turn_that_another_worker_has_answered_meanwhile_is_counted_by_that_one_alone(
    measured: Measured,
) -> None:
    answered = Stage(GROCERIES, "what is in Groceries?", {"op": "show", "list": "L1"})
    theirs = await answered.deliver()
    stage = Stage(GROCERIES, "what is in Groceries?", {"op": "show", "list": "L1"})
    stage.model.meanwhile = lambda: stage.bus.kept.update({subjects.turn_completed("s", "t"): theirs})
    assert await stage.deliver() == theirs
    assert stage.model.calls == 1
    assert measured(metrics.TURNS) == measured(metrics.TURN_DURATION) == 1


async def test_a_turn_delivered_again_before_its_effect_is_sealed_and_planned_anew() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    completed = await stage.deliver(deliveries=2)
    assert (completed.outcome, completed.receipt.attempt, stage.store.applied) == (Outcome.CONFIRMED, 2, 1)


async def test_a_sealed_attempt_lets_go_and_says_nothing() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.store.attempts["t"] = 2
    with pytest.raises(LetGo):
        await stage.deliver()
    assert stage.bus.kept == {}


async def test_the_third_crash_ends_the_turn_with_a_copy_for_operators(measured: Measured) -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.store.crashes["t"] = 2
    completed = await stage.deliver(deliveries=4)
    assert (completed.outcome, completed.reason, stage.model.calls) == (Outcome.FAILED, "poison", 0)
    assert isinstance(stage.bus.kept[subjects.dead_turn("s", "t")], DeadTurn)
    assert measured(metrics.DEAD_LETTERS, {"reason": "poison"}) == measured(metrics.TURNS, {"outcome": "failed"}) == 1


async def test_a_turn_that_is_given_up_once_more_is_one_copy_and_counted_as_one(measured: Measured) -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.store.crashes["t"] = 2
    await stage.deliver(deliveries=4)
    del stage.bus.kept[subjects.turn_completed("s", "t")]  # its worker died between the two
    await stage.deliver(deliveries=5)
    assert measured(metrics.DEAD_LETTERS, {"reason": "poison"}) == 1


async def test_a_turn_that_crashed_three_times_after_its_effect_is_unknown_and_never_failed(measured: Measured) -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    await stage.deliver()
    stage.bus.kept.clear()
    stage.store.crashes["t"] = 2
    completed = await stage.deliver(deliveries=4)
    assert completed.outcome is Outcome.UNKNOWN
    assert completed.receipt.verdict is Verdict.UNKNOWN
    assert "Nothing was changed" not in completed.text
    assert measured(metrics.VERDICTS, {"verdict": "unknown", "door": "chat"}) == 1


async def test_what_is_no_turn_is_answered_kept_for_operators_and_never_delivered_again(measured: Measured) -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    cancelling = Cancelling(stage.store)
    turns = Turns(stage.bus, stage.store, stage.model, Cycle(stage.store), cancelling, outage_retry_s=0)  # type: ignore[arg-type]
    with pytest.raises(Unprocessable):
        await turns.handle(Job("job.chat.1.s.t", b'{"session":"s"}', sequence=7, deliveries=1))
    completed = stage.bus.kept[subjects.turn_completed("s", "t")]
    dead = stage.bus.kept[subjects.dead_turn("s", "t")]
    assert isinstance(completed, TurnCompleted)
    assert (completed.outcome, completed.reason) == (Outcome.FAILED, "unreadable")
    assert isinstance(dead, DeadTurn)
    assert (dead.owner, dead.stream_sequence) == (None, 7)
    assert measured(metrics.DEAD_LETTERS, {"reason": "unreadable"}) == measured(metrics.TURNS) == 1


async def test_an_outage_is_waited_out_and_counts_as_no_crash() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.store.away = 20
    stage.bus.away = 5
    completed = await asyncio.wait_for(stage.deliver(), 10)
    assert (completed.outcome, stage.store.applied) == (Outcome.CONFIRMED, 1)
    assert stage.store.crashes.get("t", 0) == 0
    assert "plan1 waits for store" in stage.bus.phases


async def test_a_confirm_that_could_not_be_read_is_read_later_and_not_planned_again() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.store.after_apply = lambda: setattr(stage.store, "away", 3)
    completed = await asyncio.wait_for(stage.deliver(), 10)
    assert (completed.outcome, stage.store.applied, stage.model.calls) == (Outcome.CONFIRMED, 1, 1)


async def test_what_the_store_refuses_as_such_ends_the_turn_at_once() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)

    def refuse() -> None:
        raise RemoteError(Problem(code=ErrorCode.TOO_LARGE, detail="too much"))

    stage.store.before_apply = refuse
    completed = await stage.deliver()
    assert (completed.outcome, completed.reason) == (Outcome.REFUSED, "too_large")
    assert "Nothing was changed." in completed.text


async def test_a_store_that_lost_its_commit_is_asked_what_became_of_it() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.store.lose_replies = 1
    completed = await stage.deliver()
    assert (completed.outcome, stage.store.applied) == (Outcome.CONFIRMED, 1)


async def test_a_model_that_gives_no_plan_changes_nothing_and_says_why() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", fault=ModelFault.UNREACHABLE)
    completed = await stage.deliver()
    assert (completed.outcome, completed.reason) == (Outcome.FAILED, "model_unreachable")
    assert completed.text.endswith("Nothing was changed.")
    assert stage.store.applied == 0


async def test_what_is_said_to_be_so_already_is_so_after_the_model_has_thought() -> None:
    snapshot = snapshot_of(Groceries=["x milk", "eggs"])
    both = ({"op": "complete_item", "item": "L1.1"}, {"op": "complete_item", "item": "L1.2"})
    stage = Stage(snapshot, "mark milk and eggs as done", *both)
    reopened = (CompleteItem(item_id="i0x0", done=False),)
    stage.model.meanwhile = lambda: stage.store.write(reopened, "cother", "theirs", Author.BOARD)
    completed = await stage.deliver()
    assert completed.outcome is Outcome.CONFIRMED
    assert "already" not in completed.text
    assert all(item.done for item in stage.store.state.items_of("l0"))


async def test_what_is_said_to_be_so_already_is_relied_on() -> None:
    snapshot = snapshot_of(Groceries=["x milk", "eggs"])
    both = ({"op": "complete_item", "item": "L1.1"}, {"op": "complete_item", "item": "L1.2"})
    stage = Stage(snapshot, "mark milk and eggs as done", *both)
    stage.before_each_apply(CompleteItem(item_id="i0x0", done=False))
    completed = await stage.deliver()
    assert completed.text == "Marked “milk” and “eggs” in “Groceries” as done."
    assert (completed.receipt.attempt, stage.model.calls) == (2, 2)


async def test_a_conflict_is_planned_once_more_over_the_rows_as_they_are_now() -> None:
    stage = Stage(GROCERIES, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    stage.before_each_apply(UpdateItem(item_id="i0x0", notes="two bottles"))
    completed = await stage.deliver()
    assert (completed.outcome, completed.text) == (Outcome.CONFIRMED, "Marked “milk” in “Groceries” as done.")
    assert stage.bus.phases == ["plan1", "execute1", "plan2", "execute2", "confirm2"]
    assert completed.receipt.model is not None
    assert (completed.receipt.model.calls, completed.receipt.model.prompt_tokens) == (2, 2)
    assert stage.store.state.items["i0x0"].notes == "two bottles"


async def test_a_second_conflict_is_told_and_nothing_is_tried_again() -> None:
    stage = Stage(GROCERIES, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    stage.before_each_apply(*(UpdateItem(item_id="i0x0", notes=f"{number} bottles") for number in (1, 2, 3)))
    completed = await stage.deliver()
    assert (completed.outcome, completed.reason, stage.model.calls) == (Outcome.CONFLICT, "conflict", 2)
    assert (stage.store.applied, stage.store.state.items["i0x0"].notes) == (0, "2 bottles")
    assert "Nothing was changed." in completed.text


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (DeleteItem(item_id="i0x0"), "Deleted “milk” from “Groceries”."),
        (UpdateItem(item_id="i0x0", title="cream"), "“milk”: renamed to “cream”."),
        (RenameList(list_id="l0", name="Food"), "Renamed the list “Groceries” to “Food”."),
        (DeleteList(list_id="l0"), "Deleted the list “Groceries” and the 2 items in it."),
    ],
)
async def test_what_somebody_does_to_our_rows_right_after_us_is_told(theirs: Operation, told: str) -> None:
    stage = Stage(GROCERIES, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    stage.store.after_apply = lambda: stage.store.write((theirs,), "cother", "theirs", Author.BOARD)
    completed = await stage.deliver()
    assert completed.outcome is Outcome.CONFIRMED
    assert completed.text == f"Marked “milk” in “Groceries” as done. Since then, by somebody else: {told}"


async def test_what_somebody_did_before_us_or_elsewhere_is_not_told_as_having_happened_since() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.before_each_apply(RenameList(list_id="l0", name="Food"))
    stage.store.after_apply = lambda: stage.store.write(
        (CompleteItem(item_id="i0x1"),), "celse", "elsewhere", Author.BOARD
    )
    completed = await stage.deliver()
    assert completed.text == "Added “tea” to “Food”."


async def test_a_target_that_is_renamed_away_before_the_apply_is_not_changed_under_its_new_name() -> None:
    stage = Stage(GROCERIES, "delete milk", {"op": "delete_item", "item": "L1.1"})
    stage.before_each_apply(UpdateItem(item_id="i0x0", title="passport"))
    completed = await stage.deliver()
    assert (stage.store.applied, completed.receipt.verdict) == (0, None)
    assert stage.store.state.items["i0x0"].title == "passport"


async def test_a_turn_that_another_worker_took_over_in_a_conflict_is_let_go() -> None:
    stage = Stage(GROCERIES, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    stage.before_each_apply(UpdateItem(item_id="i0x0", notes="two bottles"))
    other = Stage(GROCERIES, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    await other.deliver()
    stage.store.after_apply = lambda: stage.store.results.update(other.store.results)
    with pytest.raises(LetGo):
        await stage.deliver()
    assert stage.bus.kept == {}


async def test_an_alias_means_what_it_meant_to_the_model_though_rows_have_moved_up() -> None:
    snapshot = snapshot_of(Groceries=["eggs", "milk", "tea"])
    stage = Stage(snapshot, "delete milk", {"op": "delete_item", "item": "L1.2"})
    gone = (DeleteItem(item_id="i0x0"),)
    stage.model.meanwhile = lambda: stage.store.write(gone, "cother", "theirs", Author.BOARD)
    completed = await stage.deliver()
    assert completed.text == "Deleted “milk” from “Groceries”."


async def test_a_list_that_somebody_made_meanwhile_is_not_made_twice() -> None:
    stage = Stage(GROCERIES, "create a list called Work", {"op": "create_list", "text": "Work"})
    made = (CreateList(list_id="lwork", name="Work"),)
    stage.model.meanwhile = lambda: stage.store.write(made, "cother", "theirs", Author.BOARD)
    assert (await stage.deliver()).outcome is Outcome.ALREADY_SO


async def test_a_receipt_that_is_too_large_is_cut_and_marked_and_the_turn_is_answered() -> None:
    snapshot = snapshot_of(Big=[f"{number} {'x' * 490}" for number in range(900)])
    stage = Stage(snapshot, "yes, delete the list Big", {"op": "delete_list", "list": "L1"})
    completed = await stage.deliver()
    assert completed.outcome is Outcome.CONFIRMED
    assert completed.receipt.truncated
    assert len(completed.receipt.to_json()) <= RECEIPT_MAX_BYTES
    assert "900 items" in completed.text


async def test_more_changes_than_fit_one_apply_are_refused_with_their_number() -> None:
    snapshot = snapshot_of(Big=[f"thing{number}" for number in range(510)])
    step = {"op": "complete_item", "list": "L1", "select": "all"}
    completed = await Stage(snapshot, "mark everything on Big as done", step).deliver()
    assert completed.outcome is Outcome.REFUSED
    assert "510" in completed.text


async def test_a_turn_that_was_told_to_have_failed_is_not_carried_out_when_it_is_delivered_again() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD, fault=ModelFault.UNREACHABLE)
    first = await stage.deliver()
    stage.model.fault = None
    again = await stage.deliver(deliveries=2)
    assert again == first
    assert (first.outcome, stage.store.applied, stage.model.calls) == (Outcome.FAILED, 0, 1)
    assert stage.store.crashes == {}


async def test_an_old_turn_is_not_carried_out_anew_though_its_consumer_was_made_anew_and_knows_of_no_delivery() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD, fault=ModelFault.UNREACHABLE)
    stage.started = stage.started.model_copy(update={"accepted_at": datetime.now(UTC) - timedelta(hours=1)})
    await stage.deliver()
    stage.model.fault = None
    assert (await stage.deliver()).outcome is Outcome.FAILED
    assert stage.store.applied == 0


async def applied_elsewhere(stage: Stage) -> None:
    """Another worker takes the turn over and applies a plan of its own."""
    taken = await stage.store.take_over(OWNER, "t", crashed=True)
    operations = (CreateList(list_id="ltheirs", name="Theirs"),)
    state = stage.store.state
    plan = Plan(understood=(), revision=state.revision, expected=expect(state, operations))
    asked = ApplyRequest(
        owner=OWNER, operation_id="t", attempt=taken.attempt, author=Author.CHAT, operations=operations, plan=plan
    )
    assert (await stage.store.apply(asked)).status is ApplyStatus.APPLIED


async def test_a_worker_that_was_away_for_its_lease_tells_what_another_one_did() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", fault=ModelFault.UNREACHABLE)
    stage.model.meanwhile = lambda: applied_elsewhere(stage)
    completed = await stage.deliver()
    assert (completed.outcome, stage.store.applied) == (Outcome.CONFIRMED, 1)


async def test_the_word_that_nothing_was_changed_is_true_for_good() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", fault=ModelFault.UNREACHABLE)
    assert (await stage.deliver()).outcome is Outcome.FAILED
    with pytest.raises(AssertionError):
        await applied_elsewhere(stage)
    assert stage.store.applied == 0


async def test_a_question_whose_worker_died_before_it_was_answered_is_answered_all_the_same() -> None:
    stage = Stage(GROCERIES, "what is on Groceries?", {"op": "show", "list": "L1"})
    await stage.store.close(OWNER, "t")
    completed = await stage.deliver(deliveries=2)
    assert completed.outcome is Outcome.ANSWERED


async def test_what_was_closed_is_not_applied_later_nor_called_cancelled() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    await stage.store.close(OWNER, "t")
    completed = await stage.deliver(deliveries=2)
    assert (completed.outcome, completed.reason, stage.store.applied) == (Outcome.FAILED, "interrupted", 0)


async def test_a_plan_that_is_refused_because_another_one_was_applied_is_not_said_to_have_changed_nothing() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)
    stage.model.meanwhile = lambda: applied_elsewhere(stage)

    def refuse() -> None:
        if stage.store.applied:
            raise RemoteError(Problem(code=ErrorCode.CONFLICT, detail="was used for other operations"))

    stage.store.before_apply = refuse
    completed = await stage.deliver()
    assert (completed.outcome, stage.store.applied) == (Outcome.CONFIRMED, 1)


async def test_a_worker_that_wakes_up_into_an_outage_does_nothing_for_a_turn_that_was_answered_meanwhile() -> None:
    stage = Stage(GROCERIES, "add tea to Groceries", ADD)

    def given_up_meanwhile() -> None:
        stage.model.meanwhile = lambda: None
        stage.store.attempts["t"] = 3
        stage.bus.kept[subjects.turn_completed("s", "t")] = FAILED
        stage.store.away = 1

    stage.model.meanwhile = given_up_meanwhile
    assert (await stage.deliver()) == FAILED
    assert (stage.store.applied, stage.model.calls) == (0, 1)


async def test_an_answer_holds_what_was_written_behind_the_journal_since_the_turn_before() -> None:
    stage = Stage(GROCERIES, "what is on Groceries?", {"op": "show", "list": "L1"})
    turns = Turns(stage.bus, stage.store, stage.model, Cycle(stage.store), Cancelling(stage.store))  # type: ignore[arg-type]
    texts = []
    for turn_id in ("t1", "t2"):
        started = stage.started.model_copy(update={"turn_id": turn_id})
        await turns.handle(Job("job.chat.1.s.t", started.to_json(), sequence=7, deliveries=1))
        completed = stage.bus.kept[subjects.turn_completed("s", turn_id)]
        assert isinstance(completed, TurnCompleted)
        texts.append(completed.text)
        stage.store.tamper("i0x0", title="oat milk")
    assert ["oat milk" in text for text in texts] == [False, True]
    # The model is shown what the revision tells; the rest of the turn rests on what the database has.
    assert stage.store.reads == ["whole", "delta", "trusting", "delta"]
