"""Doubles of what is beside a session: a bus that does what the test says, and a peer that keeps what it was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from bus.interface import Bus, Event, EventHandler, LossHandler, ReplyT, Stored, Stretch, Subscription
from bus.matching import covers
from contracts.channel import FROM_GATEWAY, GatewayMessage
from contracts.frames import Assembler
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_OUT_MAX_BYTES
from contracts.message import Message
from contracts.signaling import IceCandidate, Seen
from rtc_gateway.boards import OwnerBoard
from rtc_gateway.event_feed import EventFeed
from rtc_gateway.history import History
from rtc_gateway.measures import Measures
from rtc_gateway.peer import CloseReason, PeerClosedError, PeerError, PeerHandlers, PeerStats
from rtc_gateway.requests import Caller, Requests
from rtc_gateway.session import Session, SessionLimits

WAIT_S = 5
OWNER = "a" * 26
SESSION = "s1"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
T = TypeVar("T")


@dataclass
class FakeSubscription:
    subject: str
    handler: EventHandler
    on_loss: LossHandler | None = None
    open: bool = True

    async def close(self) -> None:
        self.open = False


@dataclass
class FakeBus:
    """Implements the part of Bus that the gateway uses. A test sets what each subject answers: a value, an exception,
    or an async function of the message."""

    answers: dict[str, Any] = field(default_factory=dict)
    on_store: Any = field(default_factory=lambda: Stored(sequence=7))
    asked: list[tuple[str, Message]] = field(default_factory=list)
    kept: list[tuple[str, Message]] = field(default_factory=list)
    streams: dict[str, Event | Exception] = field(default_factory=dict)
    looked_up: list[str] = field(default_factory=list)
    read: list[tuple[str, int]] = field(default_factory=list)
    on_publish: list[Exception] = field(default_factory=list)
    published: list[tuple[str, Message]] = field(default_factory=list)
    subscriptions: list[FakeSubscription] = field(default_factory=list)
    on_subscribe: Exception | None = None
    connected: bool = True
    lacks: str | None = None

    async def request(self, subject: str, message: Message, reply: type[ReplyT], *, timeout: float) -> ReplyT:
        self.asked.append((subject, message))
        answer = await _outcome(self.answers[subject], message)
        assert isinstance(answer, reply)
        return answer

    async def request_many(
        self, subject: str, message: Message, part: type[ReplyT], *, timeout: float
    ) -> AsyncIterator[ReplyT]:
        self.asked.append((subject, message))
        for answer in await _outcome(self.answers[subject], message):
            yield answer

    async def publish(self, subject: str, message: Message) -> None:
        if self.on_publish:
            raise self.on_publish.pop(0)
        self.published.append((subject, message))

    async def store(self, subject: str, message: Message) -> Stored:
        self.kept.append((subject, message))
        stored = await _outcome(self.on_store, message)
        assert isinstance(stored, Stored)
        return stored

    async def stored(self, stream: str, subject: str) -> Event | None:
        self.looked_up.append(subject)
        return self._newest([self.streams[name] for name in self.streams if covers(subject, name)])

    async def next_stored(
        self, stream: str, subject: str, *, behind: int = 0, since: datetime | None = None
    ) -> Event | None:
        self.read.append((subject, behind))
        found = [kept for name, kept in self.streams.items() if covers(subject, name)]
        left = [kept for kept in found if isinstance(kept, Exception) or (kept.sequence or 0) > behind]
        return self._newest(left[:1])

    async def stretch(self, stream: str, subject: str, *, behind: int = 0, limit: int) -> Stretch:
        kept = [kept for name, kept in self.streams.items() if covers(subject, name) and isinstance(kept, Event)]
        found = [event for event in kept if (event.sequence or 0) > behind]
        return Stretch(tuple(found[:limit]), rest=max(0, len(found) - limit))

    @staticmethod
    def _newest(found: list[Event | Exception]) -> Event | None:
        for one in found:
            if isinstance(one, Exception):
                raise one
        return found[-1] if found else None  # type: ignore[return-value]

    async def subscribe(
        self, subject: str, handler: EventHandler, *, on_loss: LossHandler | None = None
    ) -> Subscription:
        if self.on_subscribe is not None:
            raise self.on_subscribe
        subscription = FakeSubscription(subject, handler, on_loss)
        self.subscriptions.append(subscription)
        return subscription

    async def serve(self, *_: object, **__: object) -> Subscription:
        raise NotImplementedError("bootstrap serves; nothing under test here does")

    serve_many = work = serve


async def _outcome(outcome: Any, message: Message) -> Any:
    if isinstance(outcome, Exception):
        raise outcome
    return await outcome(message) if callable(outcome) else outcome


@dataclass
class FakePeer:
    """Keeps the frames it was handed. `room` cleared makes it a slow reader."""

    handlers: PeerHandlers
    frames: list[str] = field(default_factory=list)
    candidates: list[IceCandidate] = field(default_factory=list)
    on_accept: PeerError | None = None
    closed: bool = False
    room: asyncio.Event = field(default_factory=asyncio.Event)
    sent: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.room.set()
        self._assembler = Assembler(MESSAGE_OUT_MAX_BYTES)
        self.messages: asyncio.Queue[GatewayMessage] = asyncio.Queue()

    async def accept(self, sdp: str) -> str:
        if self.on_accept is not None:
            raise self.on_accept
        return f"answer to {sdp}"

    async def add_candidate(self, candidate: IceCandidate) -> bool:
        self.candidates.append(candidate)
        return True

    def send(self, frame: str) -> None:
        if self.closed:
            raise PeerClosedError
        assert len(frame.encode()) <= FRAME_MAX_BYTES
        self.frames.append(frame)
        payload = self._assembler.feed(frame)
        if payload is not None:
            self.messages.put_nowait(FROM_GATEWAY.validate_json(payload))

    async def writable(self) -> None:
        await self.room.wait()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.room.set()
            self.handlers.on_closed(CloseReason.LOCAL)

    def stats(self) -> PeerStats:
        return PeerStats()


@dataclass
class FakePeers:
    made: list[FakePeer] = field(default_factory=list)
    on_accept: PeerError | None = None

    def create(self, handlers: PeerHandlers) -> FakePeer:
        peer = FakePeer(handlers, on_accept=self.on_accept)
        self.made.append(peer)
        return peer

    async def close(self) -> None:
        pass


@dataclass
class Page:
    """A session with an open channel, seen from the page."""

    session: Session
    board: OwnerBoard
    peer: FakePeer
    bus: FakeBus
    ended: asyncio.Task[str]

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        self.peer.handlers.on_message(json.dumps(message) if isinstance(message, dict) else message)

    async def next(self, *, but: tuple[str, ...] = ("ping", "session.current")) -> GatewayMessage:
        """The next message that is neither a ping nor the word that nothing was missed."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.peer.messages.get()
                if message.type not in but:
                    return message

    async def nothing_more(self) -> None:
        """A ping is answered, and nothing was said before it."""
        self.send({"type": "ping", "id": "last"})
        pong = await self.next()
        assert (pong.type, pong.ref) == ("pong", "last")

    async def event(self, subject: str, message: Message | bytes, sequence: int | None = None) -> None:
        data = message if isinstance(message, bytes) else message.to_json()
        take = self.board.take if subject.startswith("evt.todo.") else self.session.feed.take
        await take(Event(subject, data, sequence))


def caller() -> Caller:
    return Caller(session=SESSION, owner=OWNER, time_zone="Europe/Vienna")


OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
def measures() -> Measures:
    return Measures()


@pytest.fixture
def bus() -> FakeBus:
    return FakeBus()


@pytest.fixture
async def open_page(bus: FakeBus, measures: Measures) -> AsyncIterator[OpenPage]:
    """Opens a page's session; the end of the test ends it."""
    tasks: list[asyncio.Task[Any]] = []
    as_bus: Bus = bus

    async def open_one(
        limits: SessionLimits | None = None,
        *,
        opened: bool = True,
        resumed: bool = False,
        seen: Seen | None = None,
        until: datetime | None = None,
    ) -> Page:
        limits = limits or SessionLimits()
        feed = EventFeed(as_bus, SESSION, measures, seen=seen, fresh=not resumed)
        history = History(as_bus, SESSION, asyncio.Semaphore(1))
        session = Session(Requests(as_bus, caller(), lambda: NOW, history), limits, measures, feed, until)
        board = OwnerBoard(OWNER, as_bus, measures, asyncio.Semaphore(1), limits.look_every_s)
        peer = FakePeer(session.handlers)
        task = asyncio.get_running_loop().create_task(session.run(peer, board))
        tasks.extend((task, asyncio.get_running_loop().create_task(board.run())))
        if opened:
            peer.handlers.on_open()
        await asyncio.sleep(0)  # the session's task starts
        return Page(session, board, peer, bus, task)

    yield open_one
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def peers() -> FakePeers:
    return FakePeers()
