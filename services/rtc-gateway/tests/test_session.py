"""A session against a bus and a peer that do what the test says."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.telemetry.measured import Measured

from bus.errors import NoReplyError, RemoteError, UnavailableError
from bus.interface import Event, Stored
from contracts import frames, metrics, subjects
from contracts.channel import ChannelDraining
from contracts.limits import MESSAGE_IN_MAX_BYTES, MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode, Message, Problem
from contracts.store import CancelRequest, CancelResult, SnapshotPart
from contracts.todo import Author, JournalEntry, TodoChanged, TodoItem, TodoList
from contracts.turns import (
    OperationsCompleted,
    Outcome,
    Phase,
    Receipt,
    RunOperations,
    TurnCancel,
    TurnCompleted,
    TurnDelta,
    TurnPhase,
    TurnStarted,
)
from rtc_gateway.session import SessionLimits

OWNER = "a" * 26
SESSION = "s1"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WAIT_S = 5
TURN = {"type": "turn.start", "id": "m1", "turn_id": "t1", "text": "add milk"}
CLICK = {
    "type": "op.run",
    "id": "m2",
    "operation_id": "o1",
    "operations": [{"op": "create_list", "list_id": "l1", "name": "Travel"}],
}
DONE = OperationsCompleted(operation_id="o1", outcome=Outcome.CONFIRMED, text="Created.", receipt=Receipt())
TRACE = "0af7651916cd43dd8448eb211c80319c"

OpenPage = Callable[..., Awaitable[Any]]


def phase(turn: str = "t1", name: Phase = Phase.PLAN) -> TurnPhase:
    return TurnPhase(session=SESSION, turn_id=turn, phase=name, attempt=1, elapsed_ms=3.5)


def completed(turn: str = "t1", text: str = "Added milk.") -> TurnCompleted:
    return TurnCompleted(
        session=SESSION, turn_id=turn, outcome=Outcome.CONFIRMED, text=text, receipt=Receipt(), completed_at=NOW
    )


def todo_list(number: int) -> TodoList:
    return TodoList(id=f"l{number}", name=f"List {number}", position="a", version=1)


def todo_item(number: int, list_number: int, notes: str = "") -> TodoItem:
    return TodoItem(
        id=f"i{number}", list_id=f"l{list_number}", title=f"item {number}", position="a", version=1, notes=notes
    )


async def ended(page: Any) -> str:
    async with asyncio.timeout(WAIT_S):
        return str(await asyncio.shield(page.ended))


class TestTurns:
    async def test_a_turn_is_stored_with_the_owner_and_zone_of_the_session_and_accepted(
        self, open_page: OpenPage
    ) -> None:
        page = await open_page()
        page.send(TURN | {"owner": "b" * 26, "session": "other"})
        answer = await page.next()
        assert (answer.type, answer.ref, answer.turn_id, answer.seq) == ("turn.accepted", "m1", "t1", 7)
        [(subject, stored)] = page.bus.kept
        assert subject == subjects.turn_started(SESSION, "t1")
        assert stored == TurnStarted(
            session=SESSION, turn_id="t1", owner=OWNER, text="add milk", time_zone="Europe/Vienna", accepted_at=NOW
        )

    async def test_a_turn_that_was_stored_before_is_accepted_again(
        self, open_page: OpenPage, measured: Measured
    ) -> None:
        page = await open_page()
        page.bus.on_store = Stored(sequence=None, repeated=True)
        page.send(TURN)
        answer = await page.next()
        assert (answer.type, answer.turn_id) == ("turn.accepted", "t1")
        await page.nothing_more()  # it is under way, and its outcome will come
        assert measured(metrics.TURN_STARTS, {"result": "repeated"}) == measured(metrics.TURN_STARTS) == 1
        assert measured(metrics.RECEIVED, {"type": "turn.start"}) == 1

    async def test_the_outcome_of_a_turn_that_is_done_is_told_again_once(self, open_page: OpenPage) -> None:
        page = await open_page()
        subject = subjects.turn_completed(SESSION, "t1")
        page.bus.streams[subject] = Event(subject, completed().to_json(), 12)

        async def store(_: Message) -> Stored:
            await page.event(f"live.{subject}", completed(), 12)  # it was stored just now
            return Stored(sequence=None, repeated=True)

        page.bus.on_store = store
        page.send(TURN)
        assert (await page.next()).type == "turn.accepted"
        told = await page.next()
        assert (told.type, told.turn.turn_id, told.seq, told.ref) == ("turn.completed", "t1", 12, None)
        await page.nothing_more()
        page.send(TURN | {"id": "m2"})  # asked for again, it is told again, and not as an event
        assert (await page.next()).type == "turn.accepted"
        told = await page.next()
        assert (told.type, told.turn.turn_id, told.seq, told.ref) == ("turn.completed", "t1", 12, "m2")

    async def test_a_turn_sent_again_while_it_is_stored_is_not_rejected(self, open_page: OpenPage) -> None:
        page = await open_page()
        subject = subjects.turn_completed(SESSION, "t1")
        page.bus.streams[subject] = Event(subject, completed().to_json(), 12)
        gate = asyncio.Event()

        async def store(_: Message) -> Stored:
            await gate.wait()
            return Stored(sequence=None, repeated=True)

        page.bus.on_store = store
        page.send(TURN)
        page.send(TURN)
        page.send({"type": "ping", "id": "p1"})
        assert (await page.next()).type == "pong"  # both are under way
        gate.set()
        answers = [(await page.next()).type for _ in range(3)]
        assert sorted(answers) == ["turn.accepted", "turn.accepted", "turn.completed"]

    async def test_a_new_turn_is_not_looked_up(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.send(TURN)
        assert (await page.next()).type == "turn.accepted"
        await page.nothing_more()
        assert page.bus.looked_up == []

    async def test_an_outcome_that_cannot_be_looked_up_leaves_the_turn_accepted(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.on_store = Stored(sequence=None, repeated=True)
        page.bus.streams[subjects.turn_completed(SESSION, "t1")] = UnavailableError("the bus is away")
        page.send(TURN)
        assert (await page.next()).type == "turn.accepted"
        await page.nothing_more()

    async def test_the_trace_of_the_page_goes_on(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.send(TURN | {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "baggage": "a=b"})
        assert (await page.next()).trace_id == TRACE

    @pytest.mark.parametrize(
        ("error", "code", "retry"),
        [
            (RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="full")), ErrorCode.OVERLOADED, 1000),
            (UnavailableError("the bus is away"), ErrorCode.UNAVAILABLE, 1000),
        ],
    )
    async def test_a_turn_that_could_not_be_stored_is_rejected(
        self, open_page: OpenPage, error: Exception, code: ErrorCode, retry: int
    ) -> None:
        page = await open_page()
        page.bus.on_store = error
        page.send(TURN)
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref, answer.turn_id) == ("turn.rejected", code, "m1", "t1")
        assert answer.retry_after_ms == retry

    async def test_a_store_without_an_answer_is_tried_once_more(self, open_page: OpenPage) -> None:
        page = await open_page()
        outcomes: list[Any] = [NoReplyError("silence"), Stored(sequence=None, repeated=True)]

        async def store(_: Message) -> Stored:
            outcome = outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return Stored(sequence=None, repeated=True)

        page.bus.on_store = store
        page.send(TURN)
        assert (await page.next()).type == "turn.accepted"
        assert len(page.bus.kept) == 2

    async def test_a_turn_that_may_be_stored_is_not_called_rejected(
        self, open_page: OpenPage, measured: Measured
    ) -> None:
        page = await open_page()
        page.bus.on_store = NoReplyError("silence")
        page.send(TURN)
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref, answer.value) == ("error", ErrorCode.TIMEOUT, "m1", "t1")
        assert measured(metrics.TURN_STARTS, {"result": "timeout"}) == measured(metrics.TURN_STARTS) == 1

    async def test_a_second_try_that_is_refused_does_not_say_what_became_of_the_first(
        self, open_page: OpenPage
    ) -> None:
        page = await open_page()
        outcomes = [NoReplyError("silence"), UnavailableError("the bus is away")]

        async def store(_: Message) -> Stored:
            raise outcomes.pop(0)

        page.bus.on_store = store
        page.send(TURN)
        answer = await page.next()
        assert (answer.type, answer.code, answer.value) == ("error", ErrorCode.TIMEOUT, "t1")

    async def test_accepted_goes_out_before_the_events_of_a_quick_agent(self, open_page: OpenPage) -> None:
        page = await open_page()

        async def store(_: Message) -> Stored:
            await page.event(f"live.evt.out.{SESSION}.t1.plan", phase())
            await page.event(f"live.evt.chat.{SESSION}.t1.completed", completed())
            await page.event(f"live.evt.out.{SESSION}.t0.plan", phase("t0"))
            for _ in range(5):
                await asyncio.sleep(0)  # time enough for them to go out
            return Stored(sequence=8)

        page.bus.on_store = store
        page.send(TURN)
        order = [await page.next() for _ in range(4)]
        assert [(message.type, getattr(message, "turn_id", None)) for message in order] == [
            ("turn.accepted", "t1"),
            ("turn.phase", "t1"),
            ("turn.phase", "t0"),  # short messages go before long ones
            ("turn.completed", None),
        ]

    async def test_turns_are_stored_in_the_order_they_came(self, open_page: OpenPage) -> None:
        page = await open_page()
        gate = asyncio.Event()

        async def store(_: Message) -> Stored:
            await gate.wait()
            return Stored(sequence=1)

        page.bus.on_store = store
        for number in range(5):
            page.send(TURN | {"id": f"m{number}", "turn_id": f"t{number}"})
        await page.nothing_more()
        assert [message.turn_id for _, message in page.bus.kept] == ["t0"]
        gate.set()
        assert [(await page.next()).turn_id for _ in range(5)] == [f"t{number}" for number in range(5)]
        assert [message.turn_id for _, message in page.bus.kept] == [f"t{number}" for number in range(5)]

    async def test_cancel_leaves_the_mark_and_tells_agents_after_it(self, open_page: OpenPage) -> None:
        page = await open_page()
        marked = asyncio.Event()

        async def mark(_: Message) -> CancelResult:
            assert page.bus.published == []
            marked.set()
            return CancelResult(too_late=False)

        page.bus.answers[subjects.TODO_CANCEL] = mark
        page.send({"type": "turn.cancel", "id": "m9", "turn_id": "t1"})
        await page.nothing_more()
        assert marked.is_set()
        assert page.bus.published == [
            (subjects.cancel_turn("t1"), TurnCancel(session=SESSION, turn_id="t1", owner=OWNER))
        ]
        assert page.bus.asked == [(subjects.TODO_CANCEL, CancelRequest(owner=OWNER, operation_id="t1"))]

    async def test_a_cancel_that_comes_too_late_stops_nobody(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.TODO_CANCEL] = CancelResult(too_late=True)
        page.send({"type": "turn.cancel", "id": "m9", "turn_id": "t1"})
        await page.nothing_more()
        assert len(page.bus.asked) == 1
        assert page.bus.published == []

    async def test_a_cancel_that_left_no_mark_is_said(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.TODO_CANCEL] = UnavailableError("nobody serves it")
        page.send({"type": "turn.cancel", "id": "m9", "turn_id": "t1"})
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref) == ("error", ErrorCode.UNAVAILABLE, "m9")


class TestOperations:
    async def test_a_click_is_run_for_the_owner_and_its_result_comes_back(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.OPS_RUN] = DONE
        page.send(CLICK)
        answer = await page.next()
        assert (answer.type, answer.ref, answer.result) == ("op.completed", "m2", DONE)
        [(subject, asked)] = page.bus.asked
        assert subject == subjects.OPS_RUN
        assert isinstance(asked, RunOperations)
        assert (asked.owner, asked.operation_id, asked.author) == (OWNER, "o1", Author.BOARD)
        assert asked.operations[0].op == "create_list"

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (RemoteError(Problem(code=ErrorCode.LIMIT, detail="too many lists")), ErrorCode.LIMIT),
            (UnavailableError("nobody serves it"), ErrorCode.UNAVAILABLE),
            (NoReplyError("silence"), ErrorCode.TIMEOUT),
        ],
    )
    async def test_what_went_wrong_comes_back_with_the_reference(
        self, open_page: OpenPage, error: Exception, code: ErrorCode
    ) -> None:
        page = await open_page()
        page.bus.answers[subjects.OPS_RUN] = error
        page.send(CLICK)
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref, answer.final) == ("error", code, "m2", False)

    async def test_a_fault_of_ours_shows_only_an_id(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.OPS_RUN] = RuntimeError("secret inside")
        page.send(CLICK)
        answer = await page.next()
        assert (answer.code, answer.ref) == (ErrorCode.INTERNAL, "m2")
        assert answer.error_id
        assert "secret" not in answer.model_dump_json()
        await page.nothing_more()

    async def test_a_ping_is_answered_while_an_operation_runs_and_clicks_keep_their_order(
        self, open_page: OpenPage
    ) -> None:
        page = await open_page()
        gate = asyncio.Event()

        async def run(message: Message) -> OperationsCompleted:
            await gate.wait()
            assert isinstance(message, RunOperations)
            return DONE.model_copy(update={"operation_id": message.operation_id})

        page.bus.answers[subjects.OPS_RUN] = run
        for number in range(3):
            page.send(CLICK | {"id": f"c{number}", "operation_id": f"o{number}"})
        await page.nothing_more()
        assert len(page.bus.asked) == 1
        gate.set()
        assert [(await page.next()).result.operation_id for _ in range(3)] == ["o0", "o1", "o2"]

    async def test_more_requests_at_once_than_allowed_are_refused_by_name(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(in_flight_max=2))
        gate = asyncio.Event()

        async def run(_: Message) -> OperationsCompleted:
            await gate.wait()
            return DONE

        page.bus.answers[subjects.OPS_RUN] = run
        for number in range(3):
            page.send(CLICK | {"id": f"c{number}"})
        page.send(TURN)
        click = await page.next()
        assert (click.type, click.code, click.ref) == ("error", ErrorCode.OVERLOADED, "c2")
        turn = await page.next()
        assert (turn.type, turn.code, turn.turn_id) == ("turn.rejected", ErrorCode.OVERLOADED, "t1")
        gate.set()
        assert [(await page.next()).ref for _ in range(2)] == ["c0", "c1"]


class TestState:
    async def test_an_owner_without_lists_gets_one_empty_message(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.TODO_SNAPSHOT] = [SnapshotPart(revision=0)]
        page.send({"type": "state.get", "id": "g"})
        answer = await page.next()
        assert (answer.type, answer.ref, answer.index, answer.last) == ("state.list", "g", 0, True)
        assert answer.list is None
        assert answer.items == ()

    async def test_each_list_comes_with_its_items_in_order_and_the_last_is_marked(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.TODO_SNAPSHOT] = [
            SnapshotPart(revision=4, lists=(todo_list(1), todo_list(2)), items=(todo_item(1, 1),)),
            SnapshotPart(revision=4, items=(todo_item(2, 2), todo_item(3, 1), todo_item(4, 9))),
        ]
        page.send({"type": "state.get", "id": "g"})
        first, second = await page.next(), await page.next()
        assert (first.list.id, [item.id for item in first.items], first.last) == ("l1", ["i1", "i3"], False)
        assert (second.list.id, [item.id for item in second.items], second.last) == ("l2", ["i2"], True)
        assert (first.index, second.index, first.revision, second.revision) == (0, 1, 4, 4)
        await page.nothing_more()

    async def test_a_change_during_a_long_answer_comes_after_it_and_a_ping_within_it(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.TODO_SNAPSHOT] = [
            SnapshotPart(
                revision=4,
                lists=tuple(todo_list(number) for number in range(3)),
                items=tuple(todo_item(number, number % 3, notes="n" * 7000) for number in range(30)),
            )
        ]
        page.peer.room.clear()
        page.send({"type": "state.get", "id": "g"})
        async with asyncio.timeout(WAIT_S):
            while not page.bus.asked:  # noqa: ASYNC110 - the fake bus has no event for it
                await asyncio.sleep(0)
        await page.event(f"evt.todo.{OWNER}.changed", TodoChanged(owner=OWNER, entry=entry(5)))
        page.send({"type": "ping", "id": "between"})
        await asyncio.sleep(0)
        page.peer.room.set()
        kinds = [(await page.next()).type for _ in range(5)]
        assert kinds == ["pong", "state.list", "state.list", "state.list", "state.changed"]
        assert len(page.peer.frames) > 15

    async def test_a_list_too_long_for_a_page_is_named_as_that(self, open_page: OpenPage) -> None:
        page = await open_page()
        items = tuple(todo_item(number, 1, notes="n" * 8000) for number in range(MESSAGE_OUT_MAX_BYTES // 8000 + 1))
        page.bus.answers[subjects.TODO_SNAPSHOT] = [SnapshotPart(revision=1, lists=(todo_list(1),), items=items)]
        page.send({"type": "state.get", "id": "g"})
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref) == ("error", ErrorCode.TOO_LARGE, "g")

    async def test_a_store_that_is_away_is_said(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.TODO_SNAPSHOT] = UnavailableError("nobody serves it")
        page.send({"type": "state.get", "id": "g"})
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref) == ("error", ErrorCode.UNAVAILABLE, "g")


def entry(revision: int) -> JournalEntry:
    return JournalEntry(revision=revision, change_id="c1", operation_id="o1", author=Author.CHAT, at=NOW)


class TestEvents:
    async def test_what_the_bus_says_reaches_the_page_with_its_sequence(self, open_page: OpenPage) -> None:
        page = await open_page()
        await page.event(f"live.evt.out.{SESSION}.t1.plan", phase(), 11)
        heard = await page.next()
        assert (heard.type, heard.turn_id, heard.phase, heard.attempt, heard.elapsed_ms, heard.seq) == (
            "turn.phase", "t1", Phase.PLAN, 1, 3.5, 11,
        )  # fmt: skip
        delta = TurnDelta(session=SESSION, turn_id="t1", attempt=1, offset=4, text="ten")
        await page.event(f"live.evt.prose.{SESSION}.t1.delta", delta)
        heard = await page.next()
        assert (heard.type, heard.turn_id, heard.offset, heard.text) == ("turn.delta", "t1", 4, "ten")
        await page.event(f"live.evt.chat.{SESSION}.t1.completed", completed(), 12)
        heard = await page.next()
        assert (heard.type, heard.turn, heard.seq) == ("turn.completed", completed(), 12)
        await page.event(f"evt.todo.{OWNER}.changed", TodoChanged(owner=OWNER, entry=entry(3)))
        heard = await page.next()
        assert (heard.type, heard.entry) == ("state.changed", entry(3))

    async def test_unknown_and_malformed_events_are_ignored(self, open_page: OpenPage) -> None:
        page = await open_page()
        await page.event(f"live.evt.weather.{SESSION}.t1.rain", phase())
        await page.event(f"live.evt.chat.{SESSION}.t1.began", completed())
        await page.event(f"live.evt.out.{SESSION}.t1.plan", b"{")
        await page.event(f"live.evt.out.{SESSION}.t1.plan", b'{"session": "s1"}')
        await page.nothing_more()

    async def test_events_before_the_channel_opens_wait_for_it(self, open_page: OpenPage) -> None:
        page = await open_page(opened=False)
        await page.event(f"live.evt.out.{SESSION}.t1.plan", phase())
        assert page.peer.frames == []
        page.peer.handlers.on_open()
        assert (await page.next()).type == "turn.phase"


class TestHistory:
    async def test_a_session_has_its_turns_again_behind_what_was_queued_before(self, open_page: OpenPage) -> None:
        page = await open_page()
        started = TurnStarted(session=SESSION, turn_id="t1", owner=OWNER, text="add milk", accepted_at=NOW)
        start, end = f"job.chat.3.{SESSION}.t1", subjects.turn_completed(SESSION, "t1")
        page.bus.streams = {start: Event(start, started.to_json(), 4), end: Event(end, completed().to_json(), 6)}
        page.send({"type": "history.get", "id": "h1"})
        answer = await page.next()
        assert (answer.type, answer.ref, answer.more) == ("history.page", "h1", False)
        (turn,) = answer.turns
        assert (turn.seq, turn.turn_id, turn.text, turn.accepted_at) == (4, "t1", "add milk", NOW)
        assert turn.completed == completed()

    async def test_pages_wait_for_each_other_and_take_no_room_meanwhile(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(outbox_bytes_max=20_000))
        started = TurnStarted(session=SESSION, turn_id="t1", owner=OWNER, text="x" * 8000, accepted_at=NOW)
        start = f"job.chat.3.{SESSION}.t1"
        page.bus.streams = {start: Event(start, started.to_json(), 4)}
        page.peer.room.clear()
        for number in range(5):
            page.send({"type": "history.get", "id": f"h{number}"})
        for _ in range(200):
            await asyncio.sleep(0)  # time enough to read them all, and to be closed for what is queued
        page.peer.room.set()
        assert [(await page.next()).ref for _ in range(5)] == [f"h{number}" for number in range(5)]


class TestBadInput:
    @pytest.mark.parametrize(
        ("frame", "code", "field", "ref"),
        [
            ("{", ErrorCode.INVALID, None, None),
            ("[1]", ErrorCode.INVALID, None, None),
            ("", ErrorCode.INVALID, None, None),
            (b"\xff\xfe", ErrorCode.INVALID, None, None),
            ("[" * 15_000, ErrorCode.INVALID, None, None),
            ('{"type": "turn.fly", "id": "x1"}', ErrorCode.UNKNOWN_TYPE, "type", "x1"),
            ('{"id": "x1"}', ErrorCode.UNKNOWN_TYPE, "type", "x1"),
            ('{"type": "ping"}', ErrorCode.INVALID, "id", None),
            ('{"type": "ping", "id": "no spaces"}', ErrorCode.INVALID, "id", None),
            ('{"type": "op.run", "id": "x1", "operation_id": "o", "operations": []}', ErrorCode.INVALID, "operations",
             "x1"),
            ('{"type": "history.get", "id": "x1", "limit": 0}', ErrorCode.INVALID, "limit", "x1"),
            (json.dumps({"type": "ping", "id": "x1", "pad": "x" * 17_000}), ErrorCode.TOO_LARGE, None, "x1"),
            ('{"part": 1, "id": "p", "last": true, "data": "x"}', ErrorCode.INVALID, "part", "p"),
            ('{"part": "x", "id": "p"}', ErrorCode.INVALID, None, "p"),
        ],
    )  # fmt: skip
    async def test_it_is_named_and_the_session_lives(
        self, open_page: OpenPage, frame: str | bytes, code: ErrorCode, field: str | None, ref: str | None
    ) -> None:
        page = await open_page()
        page.send(frame)
        answer = await page.next()
        assert (answer.type, answer.code, answer.field, answer.ref) == ("error", code, field, ref)
        assert answer.detail
        assert not answer.final
        await page.nothing_more()

    @pytest.mark.parametrize(
        ("change", "field", "turn_id"),
        [
            ({"text": "x" * 9000}, "text", "t1"),
            ({"text": "  "}, "text", "t1"),
            ({"text": "bell \x07"}, "text", "t1"),
            ({"turn_id": "a.b"}, "turn_id", None),
            ({"turn_id": 5}, "turn_id", None),
            ({"traceparent": "00-xyz"}, "traceparent", "t1"),
        ],
    )
    async def test_a_turn_with_a_bad_field_is_rejected_by_name_and_not_stored(
        self, open_page: OpenPage, change: dict[str, Any], field: str, turn_id: str | None
    ) -> None:
        page = await open_page()
        page.send(TURN | change)
        answer = await page.next()
        assert (answer.type, answer.code, answer.field) == ("turn.rejected", ErrorCode.INVALID, field)
        assert (answer.ref, answer.turn_id, answer.retry_after_ms) == ("m1", turn_id, None)
        await page.nothing_more()
        assert page.bus.kept == []

    async def test_a_title_of_501_characters_is_refused_with_its_place(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.send(CLICK | {"operations": [{"op": "create_list", "list_id": "l1", "name": "x" * 501}]})
        answer = await page.next()
        assert (answer.code, answer.field, answer.ref) == (
            ErrorCode.INVALID, "operations.0.create_list.name", "m2",
        )  # fmt: skip
        assert "501" in answer.detail
        assert page.bus.asked == []

    async def test_a_message_in_parts_is_read_and_one_beyond_the_limit_is_refused(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.bus.answers[subjects.OPS_RUN] = DONE
        operations = [
            {"op": "create_item", "list_id": "l1", "item_id": f"i{number}", "title": "é" * 400} for number in range(50)
        ]
        whole = json.dumps(CLICK | {"operations": operations}, ensure_ascii=False).encode()
        assert len(whole) < MESSAGE_IN_MAX_BYTES
        for frame in frames.split(json.dumps(CLICK | {"operations": operations[:20]}).encode(), message_id="big"):
            page.send(frame)
        assert (await page.next()).type == "op.completed"
        for frame in frames.split(b'{"pad": "' + b"x" * MESSAGE_IN_MAX_BYTES + b'"}', message_id="bigger"):
            page.send(frame)
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref) == ("error", ErrorCode.TOO_LARGE, "bigger")
        await page.nothing_more()

    async def test_what_is_ignored_gets_no_answer(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.send({"type": "ack", "id": "a1", "seq": 4})
        page.send({"type": "pong", "ref": "never-sent"})
        await page.nothing_more()


class TestBounds:
    async def test_beyond_the_rate_frames_are_refused_by_name_and_the_session_lives(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(messages_per_s=0.001, messages_burst=2))
        for number in range(4):
            page.send({"type": "ping", "id": f"p{number}"})
        answers = [await page.next() for _ in range(4)]
        assert {(answer.type, answer.ref) for answer in answers} == {
            ("pong", "p0"), ("pong", "p1"), ("error", "p2"), ("error", "p3"),
        }  # fmt: skip
        assert {answer.code for answer in answers if answer.type == "error"} == {ErrorCode.RATE}
        assert not page.ended.done()

    async def test_a_turn_beyond_the_rate_is_rejected(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(messages_per_s=0.001, messages_burst=0))
        page.send(TURN)
        answer = await page.next()
        assert (answer.type, answer.code, answer.turn_id) == ("turn.rejected", ErrorCode.RATE, "t1")
        assert answer.retry_after_ms

    async def test_a_page_that_does_not_stop_is_closed(self, open_page: OpenPage) -> None:
        page = await open_page(
            SessionLimits(messages_per_s=0.001, messages_burst=1, refusals_per_s=0.001, refusals_burst=3)
        )
        for number in range(5):
            page.send({"type": "ping", "id": f"p{number}"})
        answer = await page.next()
        assert (answer.type, answer.code, answer.final) == ("error", ErrorCode.RATE, True)
        assert await ended(page) == "rate"
        assert page.peer.closed

    async def test_an_inbox_that_is_full_refuses_by_name(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(inbox_max=2))
        for number in range(3):
            page.send({"type": "ping", "id": f"p{number}"})
        answer = await page.next()
        assert (answer.type, answer.code, answer.ref) == ("error", ErrorCode.OVERLOADED, "p2")
        assert [(await page.next()).ref for _ in range(2)] == ["p0", "p1"]

    @pytest.mark.parametrize("limits", [SessionLimits(outbox_count_max=10), SessionLimits(outbox_bytes_max=1000)])
    async def test_a_page_that_asks_and_does_not_read_is_told_and_closed(
        self, open_page: OpenPage, limits: SessionLimits
    ) -> None:
        page = await open_page(limits)
        page.peer.room.clear()
        for number in range(60):
            page.send({"type": "ping", "id": f"p{number}"})
        async with asyncio.timeout(WAIT_S):
            while not page.session.ended:  # noqa: ASYNC110 - it ends by what it reads
                await asyncio.sleep(0)
        page.peer.room.set()
        answer = await page.next()
        while answer.type == "pong":  # the one that was being written
            answer = await page.next()
        assert (answer.type, answer.code, answer.final) == ("error", ErrorCode.SLOW_READER, True)
        assert await ended(page) == "slow_reader"

    async def test_events_wait_for_a_page_that_reads_slowly_and_take_no_room(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(outbox_count_max=10))
        page.peer.room.clear()
        for number in range(50):
            await page.event(f"live.evt.chat.{SESSION}.t{number}.completed", completed(f"t{number}"), number + 1)
        await asyncio.sleep(0)
        assert not page.session.ended
        page.peer.room.set()
        assert [(await page.next()).seq for _ in range(50)] == list(range(1, 51))

    async def test_a_page_that_reads_nothing_is_closed_all_the_same(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(stalled_max_s=0.05))
        page.peer.room.clear()
        assert await ended(page) == "slow_reader"
        assert page.peer.closed


class TestLiveness:
    async def test_the_gateway_pings_and_closes_a_silent_page(self, open_page: OpenPage) -> None:
        page = await open_page(SessionLimits(ping_every_s=0.02, silent_max_s=0.1))
        assert (await page.next(but=("session.current",))).type == "ping"
        assert await ended(page) == "silent"
        assert page.peer.closed

    async def test_a_page_that_answers_is_kept(self, open_page: OpenPage, measured: Measured) -> None:
        page = await open_page(SessionLimits(ping_every_s=0.02, silent_max_s=0.1))
        async with asyncio.timeout(WAIT_S):
            for _ in range(15):  # three times as long as silence would be borne
                ping = await page.next(but=("session.current",))
                page.send({"type": "pong", "ref": ping.id})
        assert not page.ended.done()
        assert measured(metrics.ROUND_TRIP) >= 14

    async def test_the_path_that_a_page_came_by_is_measured_once_in_seconds(
        self, open_page: OpenPage, measured: Measured
    ) -> None:
        page = await open_page()
        path = {"local": "relay", "remote": "host", "protocol": "tls"}
        for n in range(2):
            page.send({"type": "path.report", "id": f"m{n}", "connect_ms": 400, **path})
        await page.nothing_more()
        assert measured(metrics.CONNECT, path) == measured(metrics.CONNECT) == 1


class TestEnd:
    async def test_draining_is_announced_and_the_session_goes_on(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.session.announce(ChannelDraining(retry_after_ms=250))
        answer = await page.next()
        assert (answer.type, answer.retry_after_ms) == ("draining", 250)
        await page.nothing_more()

    async def test_a_last_word_goes_out_before_the_peer_closes(self, open_page: OpenPage) -> None:
        page = await open_page()
        page.peer.room.clear()
        page.session.close(Problem(code=ErrorCode.SUPERSEDED, detail="another connection has this session"))
        await asyncio.wait({page.ended}, timeout=0.05)  # it has the time that it would take to be too quick
        page.peer.room.set()
        answer = await page.next()
        assert (answer.type, answer.code, answer.final) == ("error", ErrorCode.SUPERSEDED, True)
        assert await ended(page) == "superseded"
        assert page.peer.closed

    async def test_a_peer_that_is_gone_ends_the_session_and_what_it_had_under_way(self, open_page: OpenPage) -> None:
        page = await open_page()
        cancelled = asyncio.Event()

        async def run(_: Message) -> OperationsCompleted:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            return DONE

        page.bus.answers[subjects.OPS_RUN] = run
        page.send(CLICK)
        await page.nothing_more()
        page.peer.close()
        assert await ended(page) == "local"
        assert cancelled.is_set()

    async def test_a_session_whose_peer_never_opened_ends_at_once(self, open_page: OpenPage) -> None:
        page = await open_page(opened=False)
        loop = asyncio.get_running_loop()
        began = loop.time()
        page.session.close()
        assert await ended(page) == "closed"
        assert loop.time() - began < 0.5
