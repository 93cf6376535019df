"""The whole gateway: real NATS with permissions in force, real WebRTC, and each neighbour as its own bus user."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from bus.errors import BusLostError, RemoteError, UnavailableError
from bus.interface import Event
from bus.nats_bus import NatsBus
from client.channel import PeerChannel
from contracts import frames, subjects
from contracts.channel import (
    FROM_GATEWAY,
    GatewayMessage,
    Ping,
    RunOperation,
    SessionCurrent,
    StateGet,
    TurnCancelRequest,
    TurnStart,
)
from contracts.gateway import ClosePeer, Done, OpenPeer, PeerOpened
from contracts.limits import MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode, Message
from contracts.model_status import ModelReport, ModelState, ModelStatus
from contracts.operations import CreateList
from contracts.signaling import Seen
from contracts.store import CancelRequest, CancelResult, SnapshotPart, SnapshotRequest
from contracts.todo import Author, JournalEntry, TodoChanged, TodoItem, TodoList
from contracts.tokens import new_session_id, uuid7
from contracts.turns import (
    OperationsCompleted,
    Outcome,
    Phase,
    Receipt,
    RunOperations,
    TurnCompleted,
    TurnPhase,
    TurnStarted,
)
from local_stack.temporary import running_nats, temporary_directory
from rtc_gateway.bootstrap import start
from rtc_gateway.settings import Settings

OWNER = "c" * 26
WAIT_S = 15
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Page:
    """What a browser would be: an offer, a channel, messages."""

    def __init__(self, signaling: NatsBus, session: str) -> None:
        self.session = session
        self._signaling = signaling
        self._messages: asyncio.Queue[GatewayMessage] = asyncio.Queue()
        self._assembler = frames.Assembler(MESSAGE_OUT_MAX_BYTES)
        self.closed = asyncio.Event()
        self._channel = PeerChannel((), on_frame=self._take, on_closed=self.closed.set)

    async def connect(self, attempt: int = 1, **given: Any) -> PeerOpened:
        sdp = await self._channel.offer()
        request = OpenPeer(session=self.session, owner=OWNER, attempt=attempt, sdp=sdp, **given)
        opened = await self._signaling.request(subjects.RTC_OFFER, request, PeerOpened, timeout=WAIT_S)
        async with asyncio.timeout(WAIT_S):
            await self._channel.connect(opened.sdp)
        return opened

    def send(self, message: Message) -> None:
        for frame in frames.split(message.to_json(), message_id="page"):
            self._channel.send(frame)

    async def next(self) -> Any:
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self._messages.get()
                if not isinstance(message, Ping | SessionCurrent):
                    return message

    async def close(self) -> None:
        await self._channel.close()

    def _take(self, frame: str | bytes) -> None:
        payload = self._assembler.feed(frame)
        if payload is not None:
            self._messages.put_nowait(FROM_GATEWAY.validate_json(payload))


class Neighbours:
    """Connections as the services beside the gateway."""

    def __init__(self, signaling: NatsBus, agent: NatsBus, store: NatsBus, open_page: Callable[[], Page]) -> None:
        self.signaling = signaling
        self.agent = agent
        self.store = store
        self.page = open_page


@pytest.fixture
async def around(nats_server: Any) -> AsyncIterator[Neighbours]:
    """A running gateway and its neighbours."""
    async with AsyncExitStack() as stack:
        users = ("signaling", "agent", "todo-store")
        signaling, agent, store = [
            await stack.enter_async_context(NatsBus.connected_to(nats_server.bus_settings(user))) for user in users
        ]
        pages: list[Page] = []

        def open_page() -> Page:
            pages.append(Page(signaling, new_session_id()))
            return pages[-1]

        async with gateway(nats_server):
            yield Neighbours(signaling, agent, store, open_page)
            for page in pages:
                await page.close()


@asynccontextmanager
async def gateway(nats_server: Any, **given: Any) -> AsyncIterator[Any]:
    password = nats_server.bus_settings("rtc-gateway").password
    settings = Settings(nats_url=nats_server.url, nats_password=SecretStr(password), drain_s=0.2, **given)
    async with start(settings) as running:
        assert await running.ready() is None
        yield running


async def test_a_turn_goes_out_as_a_job_and_its_phases_and_outcome_come_back(around: Neighbours) -> None:
    page = around.page()
    jobs: asyncio.Queue[TurnStarted] = asyncio.Queue()

    async def work(event: Event) -> None:
        job = TurnStarted.from_json(event.data)
        if job.session != page.session:
            return
        jobs.put_nowait(job)
        phase = TurnPhase(session=job.session, turn_id=job.turn_id, phase=Phase.PLAN, attempt=1, elapsed_ms=1)
        await around.agent.store(subjects.turn_phase(job.session, job.turn_id, phase.phase), phase)
        turn = TurnCompleted(
            session=job.session,
            turn_id=job.turn_id,
            outcome=Outcome.CONFIRMED,
            text="Added milk.",
            receipt=Receipt(),
            completed_at=NOW,
        )
        await around.agent.store(subjects.turn_completed(job.session, job.turn_id), turn)

    working = await around.agent.subscribe(subjects.LIVE_JOBS, work)
    await page.connect()
    turn_id = uuid7()
    page.send(TurnStart(id="m1", turn_id=turn_id, text="add milk"))
    accepted, phase, completed = [await page.next() for _ in range(3)]
    assert (accepted.type, accepted.ref, accepted.turn_id) == ("turn.accepted", "m1", turn_id)
    assert (phase.type, phase.turn_id, phase.phase) == ("turn.phase", turn_id, Phase.PLAN)
    assert phase.seq is not None
    assert (completed.type, completed.turn.text) == ("turn.completed", "Added milk.")
    assert completed.seq > accepted.seq
    job = await jobs.get()
    assert (job.owner, job.text) == (OWNER, "add milk")

    page.send(TurnStart(id="m2", turn_id=turn_id, text="add milk"))
    again = await page.next()
    assert (again.type, again.ref) == ("turn.accepted", "m2")
    assert await page.next() == completed.model_copy(update={"ref": "m2"})
    assert jobs.empty()
    await working.close()


async def test_a_turn_that_is_sent_again_while_it_is_under_way_is_only_accepted_again(around: Neighbours) -> None:
    page = around.page()
    await page.connect()
    turn_id = uuid7()
    for message_id in ("m1", "m2"):
        page.send(TurnStart(id=message_id, turn_id=turn_id, text="add milk"))
        accepted = await page.next()
        assert (accepted.type, accepted.ref) == ("turn.accepted", message_id)
    page.send(Ping(id="p"))
    assert (await page.next()).type == "pong"


async def test_each_page_is_told_of_the_model_once_and_then_what_changes(around: Neighbours) -> None:
    async def say(state: ModelState) -> None:
        report = ModelReport(instance="a1", state=state, name="qwen")
        await around.agent.publish(subjects.agent_model("a1"), report)

    first, second = around.page(), around.page()
    await first.connect()
    await say(ModelState.LOADING)
    assert await first.next() == ModelStatus(state=ModelState.LOADING, name="qwen")
    await second.connect()
    assert await second.next() == ModelStatus(state=ModelState.LOADING, name="qwen")
    await say(ModelState.LOADING)
    await say(ModelState.READY)
    for page in (first, second):
        assert await page.next() == ModelStatus(state=ModelState.READY, name="qwen")
        page.send(Ping(id="p"))
        assert (await page.next()).type == "pong"


async def test_clicks_state_changes_and_cancels_reach_their_services(around: Neighbours) -> None:
    async def run(request: RunOperations) -> OperationsCompleted:
        assert request.owner == OWNER
        return OperationsCompleted(
            operation_id=request.operation_id, outcome=Outcome.CONFIRMED, text="Created.", receipt=Receipt()
        )

    async def snapshot(request: SnapshotRequest) -> AsyncIterator[Message]:
        assert request.owner == OWNER
        yield SnapshotPart(revision=2, lists=(TodoList(id="l1", name="Travel", position="a", version=1),))
        item = TodoItem(id="i1", list_id="l1", title="passport", position="a", version=1, notes="n" * 5000)
        yield SnapshotPart(revision=2, items=tuple(item.model_copy(update={"id": f"i{n}"}) for n in range(20)))

    cancelled: asyncio.Queue[CancelRequest] = asyncio.Queue()

    async def cancel(request: CancelRequest) -> CancelResult:
        cancelled.put_nowait(request)
        return CancelResult(too_late=False)

    await around.agent.serve(subjects.OPS_RUN, RunOperations, run, queue=subjects.QUEUE_OPS)
    await around.store.serve_many(subjects.TODO_SNAPSHOT, SnapshotRequest, snapshot, queue=subjects.QUEUE_TODO)
    await around.store.serve(subjects.TODO_CANCEL, CancelRequest, cancel, queue=subjects.QUEUE_TODO)
    page = around.page()
    await page.connect()

    page.send(RunOperation(id="m1", operation_id="o1", operations=(CreateList(list_id="l1", name="Travel"),)))
    done = await page.next()
    assert (done.type, done.ref, done.result.operation_id) == ("op.completed", "m1", "o1")

    page.send(StateGet(id="m2"))
    state = await page.next()
    assert (state.type, state.revision, state.list.name, state.last) == ("state.list", 2, "Travel", True)
    assert [item.id for item in state.items] == [f"i{n}" for n in range(20)]

    entry = JournalEntry(revision=3, change_id="c1", operation_id="o1", author=Author.MCP, at=NOW)
    await around.store.publish(subjects.todo_changed(OWNER), TodoChanged(owner=OWNER, entry=entry))
    assert (await page.next()).entry == entry

    page.send(TurnCancelRequest(id="m3", turn_id="t1"))
    async with asyncio.timeout(WAIT_S):
        assert await cancelled.get() == CancelRequest(owner=OWNER, operation_id="t1")


async def test_a_bad_offer_is_refused_by_name(around: Neighbours) -> None:
    request = OpenPeer(session="s1", owner=OWNER, attempt=1, sdp="v=0\r\nm=video 9 x y\r\n")
    with pytest.raises(RemoteError) as refused:
        await around.signaling.request(subjects.RTC_OFFER, request, PeerOpened, timeout=WAIT_S)
    assert (refused.value.problem.code, refused.value.problem.field) == (ErrorCode.INVALID, "sdp")


async def test_bye_closes_the_channel(around: Neighbours) -> None:
    page = around.page()
    opened = await page.connect()
    bye = ClosePeer(session=page.session, attempt=1)
    await around.signaling.request(subjects.rtc_close(opened.instance), bye, Done, timeout=WAIT_S)
    async with asyncio.timeout(WAIT_S):
        await page.closed.wait()


async def test_a_second_connection_of_a_session_closes_the_first_for_good(around: Neighbours) -> None:
    first = around.page()
    await first.connect()
    second = around.page()
    second.session = first.session
    await second.connect(attempt=2)
    last = await first.next()
    assert (last.type, last.code, last.final) == ("error", ErrorCode.SUPERSEDED, True)
    async with asyncio.timeout(WAIT_S):
        await first.closed.wait()
    assert not second.closed.is_set()


async def test_a_connection_through_another_gateway_takes_the_session_over_and_is_told_what_it_missed(
    around: Neighbours, nats_server: Any
) -> None:
    first = around.page()
    (opened,) = [await first.connect()]
    await complete(around.agent, first.session, "t1")
    seen = (await first.next()).seq
    second = around.page()
    second.session = first.session
    async with gateway(nats_server):
        others = [await second.connect(epoch=2, resumed=True, last_seen=Seen(chat=seen - 1))]
        while others[-1].instance == opened.instance:
            # Whichever gateway is free answers; the next one takes over from this one.
            second = around.page()
            second.session = first.session
            epoch = 2 + len(others)
            others.append(await second.connect(epoch=epoch, resumed=True, last_seen=Seen(chat=seen - 1)))
        last = await first.next()
        assert (last.type, last.code, last.final) == ("error", ErrorCode.SUPERSEDED, True)
        again = await second.next()
        assert (again.type, again.seq, again.turn.turn_id) == ("turn.completed", seen, "t1")
        await complete(around.agent, first.session, "t2")
        assert (await second.next()).turn.turn_id == "t2"
        await second.close()


async def test_a_full_gateway_leaves_offers_to_another(nats_server: Any) -> None:
    async with (
        NatsBus.connected_to(nats_server.bus_settings("signaling")) as signaling,
        gateway(nats_server, sessions_max=1),
        gateway(nats_server, sessions_max=1),
    ):
        pages = [Page(signaling, new_session_id()) for _ in range(3)]
        first, second = [(await taken(page)).instance for page in pages[:2]]
        assert first != second
        with pytest.raises((UnavailableError, RemoteError)):
            await pages[2].connect()
        await pages[0].close()
        assert (await taken(pages[2])).instance == first
        for page in pages:
            await page.close()


async def taken(page: Page) -> PeerOpened:
    """Connect as soon as a gateway has noticed that it has room, or that it has none."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await page.connect()
            except (UnavailableError, RemoteError):
                await asyncio.sleep(0.01)


async def complete(agent: NatsBus, session: str, turn_id: str) -> None:
    turn = TurnCompleted(
        session=session, turn_id=turn_id, outcome=Outcome.ANSWERED, text="x", receipt=Receipt(), completed_at=NOW
    )
    await agent.store(subjects.turn_completed(session, turn_id), turn)


async def test_a_gateway_that_goes_takes_no_more_offers_says_so_and_closes(nats_server: Any) -> None:
    async with NatsBus.connected_to(nats_server.bus_settings("signaling")) as signaling:
        page, late = Page(signaling, new_session_id()), Page(signaling, new_session_id())
        async with gateway(nats_server):
            await page.connect()
        assert (await page.next()).type == "draining"
        async with asyncio.timeout(WAIT_S):
            await page.closed.wait()
        with pytest.raises(UnavailableError):
            await late.connect()
        await page.close()
        await late.close()


async def test_a_gateway_that_loses_the_bus_tells_its_pages_to_go_elsewhere_and_closes() -> None:
    with temporary_directory() as directory:
        async with (
            running_nats(directory) as server,
            NatsBus.connected_to(server.bus_settings("signaling")) as signaling,
        ):
            page = Page(signaling, new_session_id())

            async def serve_until_it_is_lost() -> None:
                async with asyncio.timeout(2 * WAIT_S), gateway(server, bus_lost_after_s=0.2):
                    await page.connect()
                    server.child.stop()
                    await asyncio.Event().wait()

            with pytest.raises(BusLostError):
                await serve_until_it_is_lost()
            assert (await page.next()).type == "draining"
            async with asyncio.timeout(WAIT_S):
                await page.closed.wait()
            await page.close()
