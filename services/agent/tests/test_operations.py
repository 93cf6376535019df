"""Operations without a model: applied once, confirmed by a second read, and never claimed otherwise."""

from collections.abc import Callable

import pytest
from boards import OWNER, snapshot_of
from fake_store import FakeStore
from tests.telemetry.measured import Measured

from agent.cycle import Cycle
from agent.operations import Operations
from bus.errors import NoReplyError, Refusal, UnavailableError
from contracts import metrics
from contracts.message import ErrorCode
from contracts.operations import CompleteItem, CreateItem, DeleteItem, Operation, UndoChange
from contracts.store import TakeOverResult
from contracts.todo import Author
from contracts.turns import OperationsCompleted, Outcome, RunOperations, Verdict
from verification.model import apply
from verification.state import State

ADD = CreateItem(item_id="inew", list_id="l0", title="tea")
World = Callable[[State, tuple[Operation, ...]], State]


def store() -> FakeStore:
    return FakeStore(snapshot_of(Groceries=["milk", "eggs"], Travel=["passport"]))


async def run(
    fake: FakeStore, *operations: Operation, operation_id: str = "op1", expected_revision: int | None = None
) -> OperationsCompleted:
    asked = RunOperations(
        owner=OWNER,
        operation_id=operation_id,
        author=Author.BOARD,
        operations=operations,
        expected_revision=expected_revision,
    )
    return await Operations(fake, Cycle(fake)).run(asked)


async def test_a_confirmed_operation_says_what_the_second_read_shows() -> None:
    completed = await run(store(), ADD)
    assert completed.outcome is Outcome.CONFIRMED
    assert completed.text == "Added “tea” to “Groceries”."
    assert completed.receipt.verdict is Verdict.CONFIRMED
    assert (completed.receipt.revision_before, completed.receipt.revision_after) == (7, 8)
    assert completed.receipt.observed == completed.receipt.expected


async def test_what_changed_is_told_in_the_order_of_the_plan_and_not_of_the_ids() -> None:
    first, second = (
        CreateItem(item_id=item_id, list_id="l0", title=title) for item_id, title in (("iz", "tea"), ("ia", "bread"))
    )
    assert (await run(store(), first, second)).text == "Added “tea” and “bread” to “Groceries”."


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(lambda state, _: state, id="the write is lost"),
        pytest.param(lambda state, ops: apply(state, [*ops, DeleteItem(item_id="i0x0")]), id="another row goes too"),
        pytest.param(
            lambda state, _: apply(state, [ADD.model_copy(update={"list_id": "l1"})]), id="it lands in another list"
        ),
        pytest.param(
            lambda state, ops: apply(state, [*ops, ADD.model_copy(update={"item_id": "itwice"})]), id="it is done twice"
        ),
        pytest.param(lambda state, _: apply(state, [ADD.model_copy(update={"title": "Tea"})]), id="another value"),
    ],
)
async def test_what_the_database_does_not_show_is_refuted_however_well_the_apply_went(
    world: World, measured: Measured
) -> None:
    fake = store()
    fake.world = world
    completed = await run(fake, ADD)
    assert fake.applied == 1
    assert completed.outcome is Outcome.REFUTED
    assert completed.receipt.verdict is Verdict.REFUTED
    assert measured(metrics.VERDICTS, {"verdict": "refuted", "door": "board"}) == 1
    assert measured(metrics.OPERATIONS, {"door": "board", "outcome": "refuted"}) == 1
    assert measured(metrics.OPERATION_DURATION, {"door": "board"}) == 1


async def test_a_lost_reply_is_settled_by_sealing_and_the_effect_stands_once(measured: Measured) -> None:
    fake = store()
    fake.lose_replies = 1
    completed = await run(fake, ADD)
    assert (completed.outcome, fake.applied) == (Outcome.CONFIRMED, 1)
    assert measured(metrics.VERDICTS, {"verdict": "confirmed", "door": "board"}) == 1


async def test_an_id_that_was_used_for_something_else_confirms_nothing_of_what_is_asked_now(measured: Measured) -> None:
    fake = store()
    await run(fake, ADD)
    impossible = DeleteItem(item_id="inever")
    with pytest.raises(Refusal) as caught:
        await run(fake, impossible)
    assert (caught.value.problem.code, caught.value.problem.field) == (ErrorCode.CONFLICT, "operation_id")
    assert measured(metrics.OPERATIONS_REFUSED, {"door": "board", "code": "conflict"}) == 1


async def test_operations_that_the_store_could_not_be_asked_for_are_counted_by_why(measured: Measured) -> None:
    fake = store()
    fake.away = 99
    with pytest.raises(UnavailableError):
        await run(fake, ADD)
    assert measured(metrics.OPERATIONS_REFUSED, {"door": "board", "code": "unavailable"}) == 1
    assert measured(metrics.OPERATIONS) == 0


async def test_a_lost_request_is_settled_by_sealing_and_repeated_as_the_next_attempt() -> None:
    fake = store()
    fake.lose_requests = 1
    completed = await run(fake, ADD)
    assert (completed.outcome, fake.applied, completed.receipt.attempt) == (Outcome.CONFIRMED, 1, 2)


async def test_a_store_that_never_answers_leaves_the_outcome_unknown_and_not_failed(measured: Measured) -> None:
    fake = store()
    fake.lose_replies = 5

    async def silent(owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult:
        raise NoReplyError("silence")

    heard, fake.take_over = fake.take_over, silent  # type: ignore[method-assign]
    completed = await run(fake, ADD)
    assert completed.outcome is Outcome.UNKNOWN
    assert "Nothing was changed" not in completed.text
    assert measured(metrics.VERDICTS, {"verdict": "unknown", "door": "board"}) == 1
    fake.take_over, fake.lose_replies = heard, 0  # type: ignore[method-assign]
    assert (await run(fake, ADD)).outcome is Outcome.CONFIRMED  # asked again with the same id, it is found out
    assert fake.applied == 1


async def test_a_confirmation_that_cannot_be_read_is_unknown_and_not_a_denial() -> None:
    fake = store()
    fake.after_apply = lambda: setattr(fake, "away", 1)
    completed = await run(fake, ADD)
    assert (completed.outcome, completed.receipt.verdict) == (Outcome.UNKNOWN, Verdict.UNKNOWN)
    assert (await run(fake, ADD)).outcome is Outcome.CONFIRMED


async def test_an_id_that_was_sealed_without_effect_can_still_be_used() -> None:
    fake = store()
    assert (await run(fake, ADD, expected_revision=3)).outcome is Outcome.CONFLICT
    completed = await run(fake, ADD)
    assert (completed.outcome, fake.applied) == (Outcome.CONFIRMED, 1)
    assert completed.receipt.attempt > 1


async def test_a_repeat_of_an_id_gets_the_first_runs_proof(measured: Measured) -> None:
    fake = store()
    first = await run(fake, ADD)
    again = await run(fake, ADD)
    assert fake.applied == 1
    assert (again.outcome, again.text) == (first.outcome, first.text)
    assert again.receipt.change_id == first.receipt.change_id
    assert measured(metrics.VERDICTS, {"verdict": "confirmed", "door": "board"}) == 1  # on one change
    assert (
        measured(metrics.OPERATIONS, {"door": "board", "outcome": "confirmed"}) == 2
    )  # who asked twice has two answers


async def test_a_repeat_that_looks_needless_because_it_was_done_gets_its_proof_too() -> None:
    fake = store()
    operation = DeleteItem(item_id="i0x1")
    first = await run(fake, operation)
    again = await run(fake, operation)
    assert (first.outcome, again.outcome, fake.applied) == (Outcome.CONFIRMED, Outcome.CONFIRMED, 1)
    stale = await run(fake, operation, expected_revision=7)
    assert stale.outcome is Outcome.CONFIRMED


async def test_somebody_elses_change_before_ours_does_not_disturb_the_proof_and_is_told() -> None:
    fake = store()
    other = (CompleteItem(item_id="i1x0"),)
    fake.before_apply = lambda: fake.write(other, "cother", "theirs", Author.MCP)
    completed = await run(fake, ADD)
    assert completed.outcome is Outcome.CONFIRMED
    assert [change.id for change in completed.receipt.others.changes] == ["i1x0"]
    assert [change.id for change in completed.receipt.observed.changes] == ["inew"]


async def test_a_target_that_somebody_else_changed_first_is_a_conflict_and_nothing_is_applied() -> None:
    fake = store()
    fake.before_apply = lambda: fake.write((CompleteItem(item_id="i0x0"),), "cother", "theirs", Author.MCP)
    completed = await run(fake, DeleteItem(item_id="i0x0"))
    assert (completed.outcome, fake.applied) == (Outcome.CONFLICT, 0)


async def test_a_row_that_does_not_exist_is_not_found_and_a_stale_view_is_a_conflict() -> None:
    fake = store()
    assert (await run(fake, DeleteItem(item_id="inone"))).outcome is Outcome.NOT_FOUND
    assert (await run(fake, ADD, operation_id="op2", expected_revision=3)).outcome is Outcome.CONFLICT
    assert (await run(fake, CompleteItem(item_id="i0x0", done=False), operation_id="op3")).outcome is Outcome.ALREADY_SO
    assert fake.applied == 0


async def test_a_change_is_taken_back_and_what_the_second_read_shows_of_it_is_said() -> None:
    fake = store()
    added = await run(fake, ADD)
    assert added.receipt.change_id is not None
    undo = UndoChange(change_id=added.receipt.change_id)
    undone = await run(fake, undo, operation_id="op2")
    assert (undone.outcome, undone.receipt.verdict) == (Outcome.CONFIRMED, Verdict.CONFIRMED)
    assert undone.text == "Took the change back. Deleted “tea” from “Groceries”."
    assert undone.receipt.understood == ("take back: Added “tea” to “Groceries”.",)
    again = await run(fake, undo, operation_id="op3")
    assert (again.outcome, fake.applied) == (Outcome.ALREADY_SO, 2)
    assert undone.receipt.change_id is not None
    redone = await run(fake, UndoChange(change_id=undone.receipt.change_id), operation_id="op4")
    assert redone.text == "Took the change back. Added “tea” to “Groceries”."
    assert "inew" in fake.state.items


async def test_an_undo_that_the_database_does_not_show_is_refuted() -> None:
    fake = store()
    deleted = await run(fake, DeleteItem(item_id="i0x0"))
    assert deleted.receipt.change_id is not None
    fake.world = lambda state, _: state
    undone = await run(fake, UndoChange(change_id=deleted.receipt.change_id), operation_id="op2")
    assert undone.outcome is Outcome.REFUTED


async def test_what_somebody_changed_since_stands_in_the_way_of_an_undo() -> None:
    fake = store()
    added = await run(fake, ADD)
    await run(fake, CompleteItem(item_id="inew"), operation_id="op2")
    assert added.receipt.change_id is not None
    undone = await run(fake, UndoChange(change_id=added.receipt.change_id), operation_id="op3")
    assert (undone.outcome, undone.reason, fake.applied) == (Outcome.CONFLICT, "changed_since", 2)


async def test_an_unknown_change_and_an_undo_beside_others_are_refused_by_name() -> None:
    fake = store()
    unknown = await run(fake, UndoChange(change_id="c99"))
    assert (unknown.outcome, unknown.reason) == (Outcome.NOT_FOUND, "unknown_change")
    mixed = await run(fake, ADD, UndoChange(change_id="c99"), operation_id="op2")
    assert (mixed.outcome, mixed.reason) == (Outcome.REFUSED, "undo_alone")
    assert fake.applied == 0
