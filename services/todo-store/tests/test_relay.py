"""Every committed change reaches the bus, in order, whoever made it and whatever was lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import select
from tests.telemetry.measured import Measured

from bus.errors import UnavailableError
from contracts import metrics
from contracts.message import Message
from contracts.operations import CreateItem, CreateList, DeleteList
from contracts.subjects import todo_changed
from contracts.todo import TodoChanged
from contracts.tokens import uuid7
from todo_store import relay as relay_module
from todo_store.handlers import Handlers
from todo_store.relay import Relay
from todo_store.relay_watch import RelayWatch
from todo_store.repository import journal
from todo_store.schema import ChangeRow
from todo_store.sessions import Database

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")
PATIENCE_S = 10


@dataclass
class RecordingBus:
    """Keeps what is published; `away` refuses, as a bus without its server does."""

    connected: bool = True
    away: bool = False
    refused: int = 0
    published: list[tuple[str, TodoChanged]] = field(default_factory=list)
    traces: list[int] = field(default_factory=list)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def publish(self, subject: str, message: Message) -> None:
        assert isinstance(message, TodoChanged)
        async with self.grown:
            self.grown.notify_all()
            if self.away:
                self.refused += 1
                raise UnavailableError("the bus is away")
            self.published.append((subject, message))
            self.traces.append(trace.get_current_span().get_span_context().trace_id)

    def revisions(self, owner: str) -> list[int]:
        return [message.entry.revision for _, message in self.published if message.owner == owner]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self.grown:
            await self.grown.wait_for(condition)

    async def until_told(self, owner: str, revisions: list[int]) -> None:
        await self.until(lambda: self.revisions(owner) == revisions)


@pytest.fixture
def slow_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test passes because of the poll unless it is about it."""
    monkeypatch.setattr(relay_module, "POLL_S", 600.0)


@asynccontextmanager
async def relaying(url: str, bus: RecordingBus, *, keep: timedelta | None = None) -> AsyncIterator[Relay]:
    """A relay that leads, begun when PostgreSQL has seen the last one go."""
    await until_leaders(url, 0)
    relay = Relay(url, bus, keep=keep)
    async with relay.running():
        await until_leaders(url, 1)
        yield relay


async def until_leaders(url: str, count: int) -> None:
    """Wait until so many relays hold the lock."""
    held = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await connection.fetchval(held) != count:
                continue
    finally:
        await connection.close()


def waking(store: "Store", database: Database, relay: Relay) -> "Store":
    """The store of the relay's own process."""
    return type(store)(Handlers(database, relay.wake), store.owner, store.commits)


async def unpublished(database: Database, owner: str) -> list[int]:
    async with database.reading() as session:
        statement = select(ChangeRow.revision).where(ChangeRow.owner_key == owner, ChangeRow.published_at.is_(None))
        return sorted(row.revision for row in await session.rows(statement))


async def test_changes_are_published_in_order_with_their_images_and_marked(
    store: "Store", database: Database, database_url: str
) -> None:
    other = store.other()
    for n in range(3):
        await store.do(CreateList(list_id=f"l{n}", name="x"))
        await other.do(CreateList(list_id=f"l{n}", name="x"))
    bus = RecordingBus()
    async with relaying(database_url, bus):
        await bus.until(lambda: bus.revisions(store.owner) == [1, 2, 3] and bus.revisions(other.owner) == [1, 2, 3])
    mine = [(subject, message) for subject, message in bus.published if message.owner == store.owner]
    assert {subject for subject, _ in mine} == {todo_changed(store.owner)}
    assert tuple(message.entry for _, message in mine) == (await store.changes(0)).entries
    assert mine[0][1].entry.images
    assert await unpublished(database, store.owner) == []
    again = RecordingBus()
    async with relaying(database_url, again):
        pass  # leaving publishes what is there
    assert again.revisions(store.owner) == []


@pytest.mark.usefixtures("slow_poll")
async def test_leaving_publishes_what_is_there_and_does_not_wait(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bus = RecordingBus()
    async with relaying(database_url, bus):
        monkeypatch.setattr(journal, "NOTIFICATIONS", "nobody_listens_here")
        await store.do(GROCERIES)
        assert bus.revisions(store.owner) == []
    assert bus.revisions(store.owner) == [1]
    assert caplog.messages == []


@pytest.mark.usefixtures("slow_poll")
async def test_a_commit_in_this_process_is_published_without_waiting(
    store: "Store", database: Database, database_url: str
) -> None:
    bus = RecordingBus()
    async with relaying(database_url, bus) as relay:
        mine = waking(store, database, relay)
        for n in range(5):
            await mine.do(CreateList(list_id=f"l{n}", name="x"))
            await bus.until_told(store.owner, list(range(1, n + 2)))


@pytest.mark.usefixtures("slow_poll")
async def test_a_commit_in_another_process_is_published_without_waiting(store: "Store", database_url: str) -> None:
    bus = RecordingBus()
    async with relaying(database_url, bus):
        for n in range(5):
            await store.do(CreateList(list_id=f"l{n}", name="x"))  # wakes nobody here
            await bus.until_told(store.owner, list(range(1, n + 2)))


async def test_a_poll_finds_what_no_wake_told(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_S", 0.02)
    monkeypatch.setattr(journal, "NOTIFICATIONS", "nobody_sends_here")
    bus = RecordingBus()
    async with relaying(database_url, bus):
        monkeypatch.setattr(journal, "NOTIFICATIONS", "nobody_listens_here")
        await store.do(GROCERIES)
        await bus.until_told(store.owner, [1])


async def test_concurrent_writers_are_relayed_in_the_order_of_revisions(
    store: "Store", database: Database, database_url: str
) -> None:
    bus = RecordingBus()
    async with relaying(database_url, bus) as relay:
        mine = waking(store, database, relay)
        await mine.do(GROCERIES)
        await asyncio.gather(*(mine.do(CreateItem(item_id=f"i{n}", list_id="l1", title="x")) for n in range(20)))
        await bus.until(lambda: len(bus.revisions(store.owner)) == 21)
    assert bus.revisions(store.owner) == list(range(1, 22))


async def test_more_than_a_batch_is_published_at_once_and_in_order(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [store.other() for _ in range(3)]
    for n in range(35):
        for owner in others:
            await owner.do(CreateList(list_id=f"l{n}", name="x"))
    monkeypatch.setattr(relay_module, "POLL_S", 600.0)
    bus = RecordingBus()
    async with relaying(database_url, bus):
        await bus.until(lambda: all(len(bus.revisions(owner.owner)) == 35 for owner in others))
    assert all(bus.revisions(owner.owner) == list(range(1, 36)) for owner in others)


async def test_only_one_relay_publishes_and_another_takes_over_when_it_goes(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_S", 0.02)
    first, second = RecordingBus(), RecordingBus()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(relaying(database_url, first))
        await store.do(GROCERIES)
        await first.until_told(store.owner, [1])
        async with Relay(database_url, second).running():
            for n in range(5):
                await store.do(CreateItem(item_id=f"i{n}", list_id="l1", title="x"))
                await first.until_told(store.owner, list(range(1, n + 3)))
            assert second.revisions(store.owner) == []
            await stack.aclose()
            await store.do(DeleteList(list_id="l1"))
            await second.until_told(store.owner, [7])
    assert first.revisions(store.owner) == [1, 2, 3, 4, 5, 6]


async def test_what_a_bus_that_was_away_did_not_take_is_published_later(
    store: "Store", database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    monkeypatch.setattr(relay_module, "POLL_S", 0.02)
    bus = RecordingBus(away=True)
    async with relaying(database_url, bus):
        await store.do(GROCERIES)
        await bus.until(lambda: bus.refused > 1)
        assert await unpublished(database, store.owner) == [1]
        assert measured(metrics.RELAY_FAILURES, {"cause": "bus"}) >= 1
        assert measured(metrics.RELAY_LEADING) == 1
        watch = RelayWatch(database)
        async with watch.shown(every_s=3600):
            await watch.look()
            assert measured(metrics.RELAY_UNPUBLISHED) == 1
            first_age = measured(metrics.RELAY_AGE)
            await watch.look()
            assert 0 < first_age < measured(metrics.RELAY_AGE)
            assert measured(metrics.RELAY_PUBLISHED) == 0
            bus.away = False
            await bus.until_told(store.owner, [1])
            async with asyncio.timeout(PATIENCE_S):
                while await unpublished(database, store.owner):
                    continue  # it was told, and is marked next
            await watch.look()
            assert measured(metrics.RELAY_UNPUBLISHED) == measured(metrics.RELAY_AGE) == 0
    assert measured(metrics.RELAY_PUBLISHED) == 1
    assert measured(metrics.RELAY_LEADING) == 0


async def test_nothing_is_given_to_a_bus_without_a_connection(store: "Store", database_url: str) -> None:
    await store.do(GROCERIES)
    bus = RecordingBus(connected=False)
    async with relaying(database_url, bus):
        pass
    assert bus.published == []
    bus.connected = True
    async with relaying(database_url, bus):
        await bus.until_told(store.owner, [1])


async def test_a_change_is_published_within_the_trace_that_made_it(store: "Store", database_url: str) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("turn") as span:
        await store.do(GROCERIES)
    bus = RecordingBus()
    async with relaying(database_url, bus):
        await bus.until_told(store.owner, [1])
    index = next(i for i, (_, message) in enumerate(bus.published) if message.owner == store.owner)
    assert bus.traces[index] == span.get_span_context().trace_id


@pytest.mark.parametrize(("keep", "left"), [(timedelta(days=1), ("as asked",)), (timedelta(0), ())])
async def test_the_one_relay_lets_what_was_understood_age_out(
    database_url: str, store: "Store", keep: timedelta, left: tuple[str, ...]
) -> None:
    operation = CreateList(list_id="l1", name="Groceries")
    turn = uuid7()
    await store.apply(operation, operation_id=turn)
    async with relaying(database_url, RecordingBus(), keep=keep):
        pass
    repeat = await store.apply(operation, operation_id=turn)
    assert repeat.plan is not None
    assert (repeat.repeated, repeat.plan.understood) == (True, left)
