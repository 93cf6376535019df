"""The client's peer connection: aiortc with the one data channel. What is used of its insides stands only here."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aioice import Candidate
from aioice.ice import Connection, get_host_addresses
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from aiortc.rtcicetransport import parse_stun_turn_uri

from client.errors import ConnectError
from contracts.channel import CandidateType, PathProtocol, PathReport
from contracts.limits import CHANNEL_LABEL, CHANNEL_PROTOCOL
from contracts.message import ErrorCode
from contracts.signaling import IceServer

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S: Final = 3.0
GATHER_MAX_S: Final = 12.0
"""A silent TURN server costs five seconds; after so long no other one is tried."""
PRIVATE: Final = {Connection: ("_nominated", "get_component_candidates", "turn_ssl", "turn_transport")}
"""What this module reads or replaces, beside `RTCIceTransport._connection`."""


@dataclass(frozen=True)
class Path:
    """The pair of candidates that ICE chose. `address` is the gateway's end of it."""

    local: CandidateType
    remote: CandidateType
    protocol: PathProtocol
    address: tuple[str, int]
    connect_ms: float

    def report(self, message_id: str) -> PathReport:
        """What the gateway is told of it."""
        return PathReport(
            id=message_id, local=self.local, remote=self.remote, protocol=self.protocol, connect_ms=self.connect_ms
        )


class PeerChannel:
    """One attempt to connect, and the channel it leads to. The callbacks run in the event loop."""

    def __init__(
        self,
        ice_servers: tuple[IceServer, ...],
        *,
        on_frame: Callable[[str | bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._ways = _one_relay_each(ice_servers)
        self._opened = asyncio.Event()
        self._on_frame = on_frame
        self._on_closed = on_closed
        self._closing: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()
        self._begin(self._ways[0])

    def _begin(self, servers: list[RTCIceServer]) -> None:
        self._connection = connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._channel = channel = connection.createDataChannel(CHANNEL_LABEL, protocol=CHANNEL_PROTOCOL)
        _gather_on_loopback_if_alone(connection)
        channel.on("open", self._opened.set)
        channel.on("message", self._take)
        channel.on("close", lambda: self._on_closed() if self._channel is channel else None)

    async def offer(self) -> str:
        """Gather, and return the offer with all candidates. Takes seconds if a STUN or TURN server is silent.

        aiortc uses one TURN address. Where that gives no relay, the next one is tried, on a connection of its own: what
        lets no UDP out may let TCP out, and what lets no TCP out may let TLS.
        """
        for number, servers in enumerate(self._ways):
            if number > 0:
                given_up = self._connection
                self._begin(servers)
                self._close_beside(given_up)
            await self._connection.setLocalDescription()
            sdp: str = self._connection.localDescription.sdp
            if " typ relay" in sdp or time.monotonic() - self._began > GATHER_MAX_S:
                break
        return sdp

    async def connect(self, answer: str) -> Path:
        """Take the answer and wait until the channel is open; bounded by the caller. Raises ConnectError."""
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        except Exception as error:
            # aiortc checks SDP by assert, KeyError, ValueError and more.
            raise ConnectError(ErrorCode.INVALID, "the server's answer is no SDP; is the address right?") from error
        await self._opened.wait()
        return self._path((time.monotonic() - self._began) * 1000)

    def send(self, frame: str) -> None:
        """Raises ConnectError once closed."""
        try:
            self._channel.send(frame)
        except InvalidStateError as error:
            raise ConnectError(ErrorCode.UNAVAILABLE, "the channel is closed; connect again") from error

    async def close(self) -> None:
        """Close, and wait at most CLOSE_TIMEOUT_S seconds: with a dead TURN server aiortc takes a minute, and a close
        that is cancelled halfway keeps its sockets."""
        self._close_beside(self._connection)
        await asyncio.wait(self._closing, timeout=CLOSE_TIMEOUT_S)

    def _close_beside(self, connection: RTCPeerConnection) -> None:
        task = asyncio.get_running_loop().create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _path(self, connect_ms: float) -> Path:
        ice = _ice(self._connection)
        if ice is None or not ice._nominated:
            raise ConnectError(ErrorCode.UNAVAILABLE, "the channel closed as it opened; connect again")
        pair = next(iter(ice._nominated.values()))
        protocol = PathProtocol.UDP
        if pair.local_candidate.type == CandidateType.RELAY:  # by the one TURN server that aiortc uses
            protocol = PathProtocol.TLS if ice.turn_ssl else PathProtocol(ice.turn_transport)
        local, remote = CandidateType(pair.local_candidate.type), CandidateType(pair.remote_candidate.type)
        return Path(local, remote, protocol, pair.remote_addr, connect_ms)

    def _take(self, frame: str | bytes) -> None:
        try:
            self._on_frame(frame)
        except Exception:
            # aiortc would take it for its own and end the connection.
            log.exception("frame not handled")


def _one_relay_each(servers: tuple[IceServer, ...]) -> list[list[RTCIceServer]]:
    """What to gather with, first to last: a TURN address each, and STUN with the first of them; never nothing.

    Addresses that aiortc cannot read, such as one with IPv6, are left out: it raises for them.
    """
    stun: list[RTCIceServer] = []
    relays: list[RTCIceServer] = []
    for server in servers:
        for url in filter(_is_readable, server.urls):
            found = RTCIceServer(urls=[url], username=server.username, credential=server.credential)
            (relays if url.startswith("turn") else stun).append(found)
    if not relays:
        return [stun]
    # Whoever has no relay by then hardly has UDP, without which STUN is only waited for.
    return [[*stun, relays[0]], *([relay] for relay in relays[1:])]


def _is_readable(url: str) -> bool:
    try:
        parse_stun_turn_uri(url)
    except ValueError:
        return False
    return True


def _ice(connection: RTCPeerConnection) -> Connection | None:
    return None if connection.sctp is None else connection.sctp.transport.transport._connection


def _gather_on_loopback_if_alone(connection: RTCPeerConnection) -> None:
    """aioice leaves loopback out, and so has no candidate on a machine without a network."""
    ice = _ice(connection)
    if ice is None or get_host_addresses(use_ipv4=True, use_ipv6=True):
        return
    gather = ice.get_component_candidates

    async def gather_on_loopback(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await gather(component=component, addresses=["127.0.0.1"], timeout=timeout)

    ice.get_component_candidates = gather_on_loopback  # type: ignore[method-assign]
