"""An open board equals the database again, whatever events were lost: real NATS, PostgreSQL, gateway and client.

The relay is left out, so that every event is lost that the test does not publish itself; where a test is about one way
of noticing a loss, the periodic look is put off beyond its end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import pytest
from pydantic import SecretStr

import bus.nats_bus
import rtc_gateway.board_feed
import rtc_gateway.boards
import rtc_gateway.bootstrap
from bus.connection import BusSettings
from bus.interface import Event
from bus.nats_bus import NatsBus
from client import AgentClient, Lists
from contracts import subjects
from contracts.gateway import OpenPeer, PeerOpened
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES
from contracts.message import Message
from contracts.operations import CreateItem, CreateList, Operation
from contracts.signaling import Limits, Ready
from contracts.store import ApplyRequest, ApplyStatus, ChangesRequest, Plan, SnapshotPart, SnapshotRequest
from contracts.todo import Author, TodoChanged
from contracts.tokens import new_session_id, owner_key, uuid7
from contracts.turns import Outcome, Receipt, TurnCompleted, TurnStarted
from local_stack.directory import DataDirectory
from local_stack.temporary import RunningNats, running_again, running_nats, temporary_directory
from rtc_gateway.aiortc_adapter import AiortcPeer
from todo_store import sessions
from todo_store.bootstrap import served
from todo_store.handlers import Handlers
from todo_store.sessions import Database
from todo_store.settings import Settings as StoreSettings

WAIT_S = 20
NEVER_S = 300.0
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMITS = Limits(frame_bytes=FRAME_MAX_BYTES, message_bytes=MESSAGE_IN_MAX_BYTES, request_bytes=8192, title_chars=500)


@dataclass
class World:
    """One owner's rows, written past the bus, and the services that show them."""

    nats: RunningNats
    directory: DataDirectory
    handlers: Handlers
    store: NatsBus
    agent: NatsBus
    signaling: NatsBus
    gateway: NatsBus
    owner: str = field(default_factory=lambda: owner_key("test", uuid7()))

    async def do(self, *operations: Operation) -> None:
        request = ApplyRequest(
            owner=self.owner,
            operation_id=uuid7(),
            author=Author.MCP,
            operations=operations,
            plan=Plan(understood=(), revision=0),
        )
        assert (await self.handlers.apply(request)).status is ApplyStatus.APPLIED

    async def add(self, *titles: str) -> None:
        """One change for each."""
        for title in titles:
            await self.do(CreateItem(item_id=uuid7().replace("-", ""), list_id="l1", title=title))

    async def tell(self, since: int) -> None:
        """Publish the entries after a revision, as the relay would."""
        while True:
            changes = await self.handlers.changes(ChangesRequest(owner=self.owner, since=since, limit=500))
            for entry in changes.entries:
                told = TodoChanged(owner=self.owner, entry=entry)
                await self.store.publish(subjects.todo_changed(self.owner), told)
                since = entry.revision
            if since == changes.revision:
                return

    async def rows(self) -> tuple[int, list[tuple[str, str]]]:
        """The revision, and each item with its id, in order."""
        parts = [part async for part in self.handlers.snapshot(SnapshotRequest(owner=self.owner))]
        return parts[0].revision, [(item.id, item.title) for part in parts for item in part.items]

    @asynccontextmanager
    async def page(self, session: str | None = None) -> AsyncIterator[AgentClient]:
        """The real client on a real data channel, let in without signaling."""
        ready = Ready(version=1, session=session or new_session_id(), owner_name="you", limits=LIMITS)
        client = AgentClient(ready)
        offer = OpenPeer(session=ready.session, owner=self.owner, attempt=1, sdp=await client._channel.offer())
        try:
            opened = await self.signaling.request(subjects.RTC_OFFER, offer, PeerOpened, timeout=WAIT_S)
            async with asyncio.timeout(WAIT_S):
                await client._channel.connect(opened.sdp)
            yield client
        finally:
            await client._channel.close()

    async def until_equal(self, board: AsyncGenerator[Lists]) -> list[int]:
        """Read the board until it shows what the database holds now; the revisions it showed."""
        revision, rows = await self.rows()
        seen: list[int] = []
        async with asyncio.timeout(WAIT_S):
            while not seen or seen[-1] < revision:
                shown = await anext(board)
                seen.append(shown.revision)
        assert [(item.id, item.title) for _, items in shown.lists for item in items] == rows
        return seen


@asynccontextmanager
async def away(gateway: NatsBus) -> AsyncIterator[None]:
    """The gateway has lost the bus, for the length of the block; it is back when the block has been left."""
    client = gateway._client
    come_back = asyncio.Event()
    connect = client._select_next_server

    async def wait_and_connect() -> None:
        await come_back.wait()
        await connect()

    client._select_next_server = wait_and_connect  # type: ignore[method-assign]
    assert client._transport is not None
    client._transport.close()
    await until(lambda: not gateway.connected)
    try:
        yield
    finally:
        come_back.set()
        await until(lambda: gateway.connected)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - nats-py tells nobody else of its state
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    async with sessions.database(StoreSettings(database_url=SecretStr(database_url))) as opened:
        yield opened


@pytest.fixture
def look_every_s(request: pytest.FixtureRequest) -> float:
    return float(getattr(request, "param", NEVER_S))


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def world(
    database: Database, look_every_s: float, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> World:
    """With a server of its own, since tests end it."""
    directory = stack.enter_context(temporary_directory())
    nats = await stack.enter_async_context(running_nats(directory))
    made: list[NatsBus] = []

    class Seen(NatsBus):
        @classmethod
        @asynccontextmanager
        async def connected_to(cls, settings: BusSettings) -> AsyncIterator[Self]:
            async with super().connected_to(settings) as connected:
                made.append(connected)
                yield connected

    monkeypatch.setattr(rtc_gateway.bootstrap, "NatsBus", Seen)
    handlers = Handlers(database, lambda: None)
    store, agent, signaling = [
        await stack.enter_async_context(NatsBus.connected_to(nats.bus_settings(user)))
        for user in ("todo-store", "agent", "signaling")
    ]
    await stack.enter_async_context(served(store, handlers))
    settings = rtc_gateway.bootstrap.Settings(
        nats_url=nats.url,
        nats_password=SecretStr(nats.bus_settings("rtc-gateway").password),
        drain_s=0,
        look_every_s=look_every_s,
    )
    await stack.enter_async_context(rtc_gateway.bootstrap.start(settings))
    world = World(nats, directory, handlers, store, agent, signaling, made[0])
    await world.do(CreateList(list_id="l1", name="Groceries"))
    return world


@pytest.mark.parametrize("look_every_s", [0.5], indirect=True)
async def test_the_last_change_is_shown_although_its_event_is_lost_and_nothing_follows(world: World) -> None:
    async with world.page() as client, aclosing(client.board()) as board:
        await world.until_equal(board)
        await world.add("milk")
        assert await world.until_equal(board) == [2]


async def test_changes_whose_events_are_lost_are_shown_with_the_next_event_each_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtc_gateway.boards, "ASK_ENTRIES", 15)
    async with world.page() as client, aclosing(client.board()) as board:
        await world.until_equal(board)
        await world.add(*(f"item {number}" for number in range(40)))
        await world.tell(since=40)
        assert await world.until_equal(board) == list(range(2, 42))


async def test_what_changes_while_the_gateway_has_lost_the_bus_is_shown_when_it_is_back(world: World) -> None:
    async with world.page() as client, aclosing(client.board()) as board:
        await world.until_equal(board)
        async with away(world.gateway):
            await world.add("milk", "eggs")
            await world.tell(since=1)  # to nobody
        assert await world.until_equal(board) == [2, 3]


async def test_what_changes_while_nats_is_dead_is_shown_when_it_runs_again(world: World, stack: AsyncExitStack) -> None:
    async with world.page() as client, aclosing(client.board()) as board:
        await world.until_equal(board)
        world.nats.child.kill()
        await asyncio.wait_for(world.nats.child.wait(), WAIT_S)
        await until(lambda: not world.gateway.connected)
        await world.add("milk", "eggs")
        await stack.enter_async_context(running_again(world.nats, world.directory))
        assert await world.until_equal(board) == [2, 3]


async def test_events_that_a_slow_gateway_drops_are_shown_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bus.nats_bus, "PENDING_EVENTS", 4)
    caplog.set_level(logging.WARNING)
    async with world.page() as client, aclosing(client.board()) as board:
        await world.until_equal(board)
        await world.add(*(f"item {number}" for number in range(60)))
        await world.tell(since=1)  # in one burst
        assert await world.until_equal(board) == list(range(2, 62))
    assert "events lost by a slow handler" in caplog.messages


@pytest.mark.parametrize("told", [True, False], ids=["told", "lost"])
@pytest.mark.parametrize("look_every_s", [0.5], indirect=True)
async def test_a_change_between_the_reading_of_the_rows_and_their_arrival_follows_them(
    world: World, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, go_on = asyncio.Event(), asyncio.Event()
    snapshot = rtc_gateway.bootstrap.NatsBus.request_many

    async def held(self: NatsBus, *args: object, **kwargs: object) -> AsyncIterator[Message]:
        async for part in snapshot(self, *args, **kwargs):  # type: ignore[arg-type, type-var]
            assert isinstance(part, SnapshotPart)
            if part.revision == 1:
                read.set()
                await go_on.wait()
            yield part

    monkeypatch.setattr(rtc_gateway.bootstrap.NatsBus, "request_many", held)
    async with world.page() as client, aclosing(client.board()) as board:
        first = asyncio.ensure_future(anext(board))
        async with asyncio.timeout(WAIT_S):
            await read.wait()
        await world.add("milk")
        if told:
            await world.tell(since=1)
        go_on.set()
        shown = await asyncio.wait_for(first, WAIT_S)
        assert shown.revision == 1
        assert await world.until_equal(board) == [2]


async def test_a_client_that_reads_nothing_for_long_is_current_in_one_step_when_it_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtc_gateway.board_feed, "KEPT_ENTRIES", 20)
    room = asyncio.Event()
    room.set()
    writable = AiortcPeer.writable

    async def held(self: AiortcPeer) -> None:
        await room.wait()
        await writable(self)

    monkeypatch.setattr(AiortcPeer, "writable", held)
    async with world.page() as client, aclosing(client.board()) as board:
        await world.until_equal(board)
        room.clear()
        count = 60
        await world.add(*(f"item {number}" for number in range(count)))
        await world.tell(since=1)
        other = world.page()  # once it has an answer, the gateway has had the events that were sent before
        async with other as second:
            room.set()
            assert (await second.lists()).revision == count + 1
        seen = await world.until_equal(board)
    assert len(seen) < 10, seen


async def test_the_outcome_of_a_turn_that_is_stored_while_the_gateway_is_away_is_told(world: World) -> None:
    async with world.page() as client:
        turn_id = uuid7()
        started: asyncio.Queue[TurnStarted] = asyncio.Queue()

        async def work(event: Event) -> None:
            started.put_nowait(TurnStarted.from_json(event.data))

        working = await world.agent.subscribe(subjects.LIVE_JOBS, work)
        asked = asyncio.ensure_future(client.ask("add milk", turn_id=turn_id, timeout=WAIT_S))
        turn = await asyncio.wait_for(started.get(), WAIT_S)
        await client.lists()  # the gateway has said that it is accepted
        completed = TurnCompleted(
            session=turn.session,
            turn_id=turn.turn_id,
            outcome=Outcome.CONFIRMED,
            text="Added milk.",
            receipt=Receipt(),
            completed_at=NOW,
        )
        async with away(world.gateway):
            await world.agent.store(subjects.turn_completed(turn.session, turn.turn_id), completed)
        assert await asyncio.wait_for(asked, WAIT_S) == completed
        await working.close()
