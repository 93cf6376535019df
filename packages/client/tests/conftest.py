"""A server on the real wire: `/ai/ws` over websockets, a data channel over aiortc, answers that the test scripts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from client import AgentClient
from contracts import frames
from contracts.channel import FROM_PAGE, PageMessage, PathReport, Ping, Pong
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES
from contracts.message import Message
from contracts.signaling import FROM_CLIENT, Answer, Bye, Hello, Limits, Offer, Ready, SignalingError

WAIT_S = 10
READY = Ready(
    version=1,
    session="s1",
    owner_name="you",
    limits=Limits(frame_bytes=FRAME_MAX_BYTES, message_bytes=MESSAGE_IN_MAX_BYTES, request_bytes=8192, title_chars=500),
)

Respond = Callable[[PageMessage], list[Message]]


@dataclass
class FakeServer:
    """What the server does at each step. `respond` answers the messages of the channel; `on_open` is said first on one.

    `channel` is the newest, of several at once. Pings and reports of the path are kept apart from what is `received`.
    """

    respond: Respond = lambda _: []
    on_hello: Message | Callable[[Hello], Message] | None = READY
    on_offer: Message | None = None  # instead of a real answer
    on_open: tuple[Message, ...] = ()
    answers_pings: bool = True
    hellos: list[Hello] = field(default_factory=list)
    received: list[PageMessage] = field(default_factory=list)
    pings: list[Ping] = field(default_factory=list)
    reports: list[PathReport] = field(default_factory=list)
    heard: asyncio.Condition = field(default_factory=asyncio.Condition)
    bye: asyncio.Event = field(default_factory=asyncio.Event)
    channels: list[RTCDataChannel] = field(default_factory=list)
    url: str = ""
    before_answer: Callable[[], Awaitable[object]] | None = None

    def __post_init__(self) -> None:
        self._peers: list[RTCPeerConnection] = []
        self._sockets: list[ServerConnection] = []
        self._closing: dict[RTCPeerConnection, asyncio.Future[None]] = {}

    @property
    def channel(self) -> RTCDataChannel | None:
        return self.channels[-1] if self.channels else None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeServer"]:
        server: Server
        async with serve(self._talk, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
            yield self
        for peer in self._peers:
            await self._close(peer)

    def say(self, *messages: Message, on: int = -1) -> None:
        """On the newest channel, or on the one with that number."""
        for message in messages:
            for frame in frames.split(message.to_json(), message_id="f1"):
                self.channels[on].send(frame)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), self.heard:
            await self.heard.wait_for(condition)

    async def until_hellos(self, count: int) -> None:
        await self.until(lambda: len(self.hellos) >= count)

    async def closed(self, number: int) -> None:
        """Until the channel with that number is closed."""
        await self.until(lambda: self.channels[number].readyState == "closed")

    async def abort_sockets(self) -> None:
        """End every socket, and what waits there for an answer."""
        for connection in self._sockets:
            connection.transport.abort()

    async def drop(self) -> None:
        """The newest peer goes away without a word on the socket."""
        await self._close(self._peers[-1])

    async def _close(self, peer: RTCPeerConnection) -> None:
        # One close for each: aiortc waits for ever for one that was cancelled.
        if peer not in self._closing:
            self._closing[peer] = asyncio.ensure_future(peer.close())
        await asyncio.shield(self._closing[peer])

    async def _talk(self, connection: ServerConnection) -> None:
        self._sockets.append(connection)
        try:
            async for text in connection:
                await self._handle(connection, FROM_CLIENT.validate_json(text))
                await self._notify()
        except ConnectionClosed:
            pass

    async def _handle(self, connection: ServerConnection, message: Message) -> None:
        answer: Message | None = None
        if isinstance(message, Hello):
            self.hellos.append(message)
            answer = self.on_hello(message) if callable(self.on_hello) else self.on_hello
        elif isinstance(message, Offer):
            if self.before_answer is not None:
                await self.before_answer()
            answer = self.on_offer or Answer(attempt=message.attempt, sdp=await self._answer(message.sdp))
        elif isinstance(message, Bye):
            self.bye.set()
        if answer is not None:
            await connection.send(answer.to_json().decode())
            if isinstance(answer, SignalingError):
                await connection.close(1008)

    async def _answer(self, sdp: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        peer.on("datachannel", self._on_channel)
        await peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        await peer.setLocalDescription()
        answer: str = peer.localDescription.sdp
        return answer

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self.channels.append(channel)
        assembler = frames.Assembler(MESSAGE_IN_MAX_BYTES)

        async def take(frame: str) -> None:
            payload = assembler.feed(frame)
            if payload is not None:
                await self._take(FROM_PAGE.validate_json(payload), self.channels.index(channel))

        channel.on("message", take)
        channel.on("close", self._notify)
        self.say(*self.on_open)

    async def _take(self, message: PageMessage, channel: int) -> None:
        if isinstance(message, Ping):
            self.pings.append(message)
            if self.answers_pings:
                self.say(Pong(ref=message.id), on=channel)
        elif isinstance(message, PathReport):
            self.reports.append(message)
        else:
            self.received.append(message)
            self.say(*self.respond(message), on=channel)
        await self._notify()

    async def _notify(self) -> None:
        async with self.heard:
            self.heard.notify_all()


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer().serving() as running:
        yield running


@pytest.fixture
async def client(server: FakeServer) -> AsyncIterator[AgentClient]:
    async with AgentClient.connect(server.url, time_zone="Europe/Vienna") as connected:
        yield connected


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
