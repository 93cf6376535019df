"""What a gateway does about lost events: how often it asks, whom it tells, what a page that does not read costs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry import trace

from bus.errors import UnavailableError
from bus.interface import Event
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.channel import TurnCompletedEvent
from contracts.gateway import OpenPeer
from contracts.message import Message
from contracts.store import Changes, ChangesRequest, SnapshotPart, SnapshotRequest
from contracts.todo import Author, Image, JournalEntry, TodoChanged, TodoItem
from contracts.turns import Outcome, Receipt, TurnCompleted
from rtc_gateway.awaited import AWAITED_MAX, AwaitedTurns
from rtc_gateway.board_feed import KEPT_BYTES, Ask, BoardFeed
from rtc_gateway.boards import Boards
from rtc_gateway.measures import Measures
from rtc_gateway.model_news import ModelNews
from rtc_gateway.registry import Registry
from rtc_gateway.session import SessionLimits

OWNER = "a" * 26
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WAIT_S = 10
NEVER_S = 300.0
MANY = 5_000


def entry(revision: int) -> JournalEntry:
    row = f"i{revision}"
    item = TodoItem(id=row, list_id="l1", title="t", notes="n" * 1000, position="a", version=1)
    return JournalEntry(
        revision=revision,
        change_id=f"c{revision}",
        operation_id="o1",
        author=Author.MCP,
        at=NOW,
        images=(Image(row_id=row, after=item),),
    )


def changed(revision: int) -> Event:
    subject = subjects.todo_changed(OWNER)
    return Event(subject, TodoChanged(owner=OWNER, entry=entry(revision)).to_json())


def completed(turn_id: str) -> TurnCompletedEvent:
    turn = TurnCompleted(
        session="s1", turn_id=turn_id, outcome=Outcome.ANSWERED, text="x", receipt=Receipt(), completed_at=NOW
    )
    return TurnCompletedEvent(turn=turn)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the doubles have no event for it
            await asyncio.sleep(0.001)


def kind_of_trace() -> str:
    """Whether what is asked now begins a trace of its own, and is recorded."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return "a new one"
    return "recorded" if current.trace_flags.sampled else "unrecorded"


class Journal:
    """Answers `changes`; `held` keeps the answers back."""

    def __init__(self, newest: int) -> None:
        self.newest = newest
        self.asked: list[int] = []
        self.at_once = 0
        self.most_at_once = 0
        self.held = asyncio.Event()
        self.held.set()
        self.in_traces: set[str] = set()

    async def __call__(self, message: Message) -> Changes:
        assert isinstance(message, ChangesRequest)
        self.in_traces.add(kind_of_trace())
        self.asked.append(message.since)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.held.wait()
        self.at_once -= 1
        last = min(self.newest, message.since + message.limit)
        return Changes(revision=self.newest, entries=tuple(entry(n) for n in range(message.since + 1, last + 1)))


class TestOneOwner:
    async def test_has_one_subscription_and_one_request_at_a_time_however_many_pages_are_open(
        self, bus: Any, measures: Measures
    ) -> None:
        journal = bus.answers[subjects.TODO_CHANGES] = Journal(newest=9)
        journal.held.clear()
        boards = Boards(bus, measures, NEVER_S)
        async with boards.of(OWNER) as first, boards.of(OWNER) as second, boards.of(OWNER):
            assert first is second
            (subscription,) = bus.subscriptions
            first.feed.read_at(1)
            for revision in (3, 5, 7, 9):
                await first.take(changed(revision))
                subscription.on_loss()
                await asyncio.sleep(0)
            await until(lambda: bool(journal.asked))
            journal.held.set()
            await until(lambda: first.feed.at == 9)
        assert (journal.most_at_once, len(journal.asked) <= 2) == (1, True)
        assert not subscription.open

    async def test_is_let_go_with_its_last_page_and_taken_up_anew(self, bus: Any, measures: Measures) -> None:
        boards = Boards(bus, measures, NEVER_S)
        async with boards.of(OWNER) as first:
            pass
        async with boards.of(OWNER) as second:
            assert first is not second
            assert [subscription.open for subscription in bus.subscriptions] == [False, True]

    async def test_is_asked_for_again_until_the_store_is_back(self, bus: Any, measures: Measures) -> None:
        journal = Journal(newest=4)
        failures = iter((UnavailableError("away"), UnavailableError("away")))

        async def away_at_first(message: Message) -> Changes:
            for failure in failures:
                raise failure
            return await journal(message)

        bus.answers[subjects.TODO_CHANGES] = away_at_first
        async with Boards(bus, measures, NEVER_S).of(OWNER) as board:
            board.feed.read_at(1)
            board.lost()
            await until(lambda: board.feed.at == 4)

    async def test_is_looked_at_from_time_to_time_also_when_nothing_is_told(self, bus: Any, measures: Measures) -> None:
        journal = bus.answers[subjects.TODO_CHANGES] = Journal(newest=1)
        async with Boards(bus, measures, 0.05).of(OWNER) as board:
            board.feed.read_at(1)
            await until(lambda: len(journal.asked) >= 3)
            journal.newest = 2
            await until(lambda: board.feed.at == 2)
        assert journal.in_traces == {"unrecorded"}  # every 20 s for each owner, and mostly to find nothing

    async def test_that_nobody_has_read_is_not_asked_for(
        self, bus: Any, measures: Measures, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks: list[None] = []

        def ask(feed: BoardFeed) -> Ask | None:
            looks.append(None)
            return wanted(feed)

        wanted = BoardFeed.ask
        monkeypatch.setattr(BoardFeed, "ask", ask)
        async with Boards(bus, measures, 0.01).of(OWNER):
            await until(lambda: len(looks) >= 3)
        assert bus.asked == []


class Outcomes:
    """The stream, as AwaitedTurns reads it."""

    def __init__(self, *stored: str) -> None:
        self.stored = set(stored)
        self.failures = 0
        self.read: list[str] = []
        self.told: list[tuple[str, str | None]] = []
        self.in_traces: set[str] = set()

    def tell(self, message: TurnCompletedEvent) -> None:
        self.told.append((message.turn.turn_id, message.ref))

    async def __call__(self, turn_id: str) -> TurnCompletedEvent | None:
        self.read.append(turn_id)
        self.in_traces.add(kind_of_trace())
        if self.failures:
            self.failures -= 1
            raise UnavailableError("away")
        return completed(turn_id) if turn_id in self.stored else None


@asynccontextmanager
async def awaiting(outcomes: Outcomes, look_every_s: float) -> AsyncIterator[AwaitedTurns]:
    def tell(message: TurnCompletedEvent) -> None:
        outcomes.tell(message)
        turns.done(message.turn.turn_id)

    turns = AwaitedTurns(outcomes, tell, look_every_s)
    task = asyncio.get_running_loop().create_task(turns.run())
    yield turns
    task.cancel()


class TestAwaitedTurns:
    async def test_those_without_an_outcome_are_read_and_told_once_as_an_answer(self) -> None:
        outcomes = Outcomes("t1", "t3")
        async with awaiting(outcomes, 0.01) as turns:
            for turn_id in ("t1", "t2", "t3", "t4"):
                turns.add(turn_id, f"m-{turn_id}")
            turns.done("t3")  # its event came
            await until(lambda: outcomes.read.count("t4") == 2)
        assert outcomes.told == [("t1", "m-t1")]
        assert outcomes.read[:5] == ["t1", "t2", "t4", "t2", "t4"]

    async def test_a_stream_that_is_away_is_read_later(self) -> None:
        outcomes = Outcomes("t1", "t2")
        outcomes.failures = 2
        async with awaiting(outcomes, 0.01) as turns:
            turns.add("t1", "m1")
            turns.add("t2", "m2")
            await until(lambda: outcomes.told == [("t1", "m1"), ("t2", "m2")])

    async def test_they_are_looked_for_from_time_to_time_also_when_nothing_is_told(self) -> None:
        outcomes = Outcomes()
        async with awaiting(outcomes, 0.02) as turns:
            turns.add("t1", "m1")
            await until(lambda: len(outcomes.read) > 2)
            outcomes.stored.add("t1")
            await until(lambda: outcomes.told == [("t1", "m1")])
        assert outcomes.in_traces == {"unrecorded"}

    async def test_an_outcome_whose_event_comes_while_it_is_read_is_not_told_twice(self) -> None:
        outcomes = Outcomes("t2")
        reading, go_on = asyncio.Event(), asyncio.Event()

        async def read(turn_id: str) -> TurnCompletedEvent | None:
            if turn_id == "t1":
                reading.set()
                await go_on.wait()
                return completed("t1")
            return await outcomes(turn_id)

        turns = AwaitedTurns(read, outcomes.tell, 0.01)
        task = asyncio.get_running_loop().create_task(turns.run())
        turns.add("t1", "m1")
        turns.add("t2", "m2")
        async with asyncio.timeout(WAIT_S):
            await reading.wait()
        turns.done("t1")
        go_on.set()
        await until(lambda: ("t2", "m2") in outcomes.told)
        assert ("t1", "m1") not in outcomes.told
        task.cancel()

    async def test_the_oldest_beyond_the_bound_are_let_go(self) -> None:
        outcomes = Outcomes()
        async with awaiting(outcomes, 0.01) as turns:
            for number in range(AWAITED_MAX + 3):
                turns.add(f"t{number}", "m")
            await until(lambda: len(outcomes.read) >= AWAITED_MAX)
        assert outcomes.read[0] == "t3"


async def test_five_thousand_changes_past_a_page_that_does_not_read_cost_one_word_on_a_real_bus(
    nats_server: Any, peers: Any, measures: Measures
) -> None:
    asked: list[int] = []

    async def snapshot(_: SnapshotRequest) -> AsyncIterator[Message]:
        yield SnapshotPart(revision=MANY if asked else 0)

    async def changes(request: ChangesRequest) -> Changes:
        asked.append(request.since)
        last = min(MANY, request.since + 20)
        return Changes(revision=MANY, entries=tuple(entry(n) for n in range(request.since + 1, last + 1)))

    async with (
        NatsBus.connected_to(nats_server.bus_settings("todo-store")) as store,
        NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as gateway,
    ):
        await store.serve_many(subjects.TODO_SNAPSHOT, SnapshotRequest, snapshot, queue=subjects.QUEUE_TODO)
        await store.serve(subjects.TODO_CHANGES, ChangesRequest, changes, queue=subjects.QUEUE_TODO)
        limits = SessionLimits(look_every_s=0.2, silent_max_s=NEVER_S, ping_every_s=NEVER_S)
        registry = Registry(
            instance="g1",
            bus=gateway,
            peers=peers,
            capacity=2,
            owner_capacity=2,
            limits=limits,
            measures=measures,
            model=ModelNews(gateway, silent_after_s=NEVER_S),
        )
        async with asyncio.timeout(60), registry.running():
            await registry.open(OpenPeer(session="s1", owner=OWNER, attempt=1, sdp="offer"))
            page = peers.made[0]
            page.handlers.on_open()
            page.handlers.on_message('{"type": "state.get", "id": "first"}')
            assert (await page.messages.get()).type == "session.current"
            assert (await page.messages.get()).revision == 0
            (session,) = [entry.session for entry in registry._entries]
            feed = registry._boards._open[OWNER].board.feed
            page.room.clear()
            most_bytes = most_entries = 0
            for revision in range(1, MANY + 1):
                told = TodoChanged(owner=OWNER, entry=entry(revision))
                await store.publish(subjects.todo_changed(OWNER), told)
                if revision % 100 == 0:
                    await asyncio.sleep(0)
                    most_bytes = max(most_bytes, feed.held_bytes)
                    most_entries = max(most_entries, len(session._outbox._bulk))
            await until(lambda: feed.at == MANY)
            assert (most_bytes <= 2 * KEPT_BYTES, most_entries <= 1) == (True, True)
            page.room.set()
            heard = [await page.messages.get()]
            while heard[-1].type != "state.stale":
                heard.append(await page.messages.get())
            # What was in hand when it stopped to read, and then the one word.
            assert len(heard) <= 2
            assert heard[-1].revision == MANY
            page.handlers.on_message('{"type": "state.get", "id": "again"}')
            state = await page.messages.get()
            assert (state.type, state.ref, state.revision) == ("state.list", "again", MANY)
            assert page.messages.empty()
            assert not page.closed
