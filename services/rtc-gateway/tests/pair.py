"""A page, played by bare aiortc, and the adapter's peer, connected on this machine's own addresses."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
import uvloop
from aioice.ice import Connection
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSctpTransport, RTCSessionDescription

from contracts.limits import CHANNEL_LABEL, CHANNEL_PROTOCOL
from rtc_gateway.addresses import rule_of
from rtc_gateway.aiortc_adapter import AiortcPeer, AiortcPeers, AiortcSettings
from rtc_gateway.peer import CloseReason, PeerHandlers

WAIT_S = 10
LOOPBACK = (rule_of("127.0.0.1"),)
LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]
MakeLoop = Callable[[], asyncio.AbstractEventLoop]


@dataclass
class Heard:
    """What the adapter told its session."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    messages: asyncio.Queue[str | bytes] = field(default_factory=asyncio.Queue)
    closed: asyncio.Future[CloseReason] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    fail_on: str | None = None

    def on_message(self, frame: str | bytes) -> None:
        if frame == self.fail_on:
            raise RuntimeError("a handler's fault")
        self.messages.put_nowait(frame)

    @property
    def handlers(self) -> PeerHandlers:
        # set_result raises if it is called twice: the promise is "exactly once".
        return PeerHandlers(on_open=self.opened.set, on_message=self.on_message, on_closed=self.closed.set_result)


@dataclass
class Pair:
    """A page, played by bare aiortc, and the adapter's peer."""

    page: RTCPeerConnection
    channel: RTCDataChannel
    received: asyncio.Queue[str | bytes]
    peer: AiortcPeer
    heard: Heard
    peers: AiortcPeers

    async def message(self) -> str | bytes:
        return await soon(self.received.get())


T = TypeVar("T")


async def soon(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(WAIT_S):
        return await awaitable


def new_page() -> tuple[RTCPeerConnection, RTCDataChannel, asyncio.Queue[str | bytes]]:
    page = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = page.createDataChannel(CHANNEL_LABEL, protocol=CHANNEL_PROTOCOL)
    received: asyncio.Queue[str | bytes] = asyncio.Queue()
    channel.on("message", received.put_nowait)
    return page, channel, received


async def offer_of(page: RTCPeerConnection) -> str:
    await page.setLocalDescription()
    sdp: str = page.localDescription.sdp
    return sdp


def without(sdp: str, prefix: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(prefix))


@asynccontextmanager
async def connected(
    change: Callable[[str], str] = lambda sdp: sdp, settings: AiortcSettings | None = None
) -> AsyncIterator[Pair]:
    page, channel, received = new_page()
    heard = Heard()
    peers = AiortcPeers(settings or AiortcSettings())
    peer = peers.create(heard.handlers)
    page_open = asyncio.Event()
    channel.on("open", page_open.set)
    try:
        answer = await soon(peer.accept(change(await offer_of(page))))
        await page.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        await soon(heard.opened.wait())
        await soon(page_open.wait())
        yield Pair(page, channel, received, peer, heard, peers)
    finally:
        peer.close()
        await page.close()
        await peers.close()


def candidates_in(sdp: str) -> list[list[str]]:
    """The words of each candidate: foundation, component, transport, priority, address, port, `typ`, type."""
    return [line.split() for line in sdp.splitlines() if line.startswith("a=candidate:")]


def sctp_of(connection: RTCPeerConnection) -> RTCSctpTransport:
    assert connection.sctp is not None
    return connection.sctp


def ice_of(connection: RTCPeerConnection) -> Connection:
    return sctp_of(connection).transport.transport._connection


def run_on(loop: MakeLoop, scenario: Callable[[], Awaitable[None]]) -> None:
    """The services run on uvloop, tests on asyncio's own."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(bounded())


def open_sockets() -> set[str]:
    """The sockets of this process, each by its inode."""
    found: set[str] = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:
            continue  # the listing's own
        if target.startswith("socket:"):
            found.add(target)
    return found


async def ended(tasks: set[asyncio.Task[object]]) -> None:
    """aiortc's own tasks see that their connection is closed, and end."""
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=WAIT_S)
        assert left == set()


async def accepted(peers: AiortcPeers) -> tuple[AiortcPeer, str]:
    """A peer that has answered an offer whose page does no more."""
    page, _, _ = new_page()
    peer = peers.create(Heard().handlers)
    try:
        return peer, await peer.accept(await offer_of(page))
    except BaseException:
        peer.close()
        raise
    finally:
        await page.close()
