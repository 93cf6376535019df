"""The client's peer connection: aiortc with the one data channel. What is used of its insides stands only here."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aioice import Candidate
from aioice.ice import get_host_addresses
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from aiortc.rtcicetransport import parse_stun_turn_uri

from client.errors import ConnectError
from contracts.limits import CHANNEL_LABEL, CHANNEL_PROTOCOL
from contracts.message import ErrorCode
from contracts.signaling import IceServer

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S: Final = 3.0


class PeerChannel:
    """One attempt to connect, and the channel it leads to. The callbacks run in the event loop."""

    def __init__(
        self,
        ice_servers: tuple[IceServer, ...],
        *,
        on_frame: Callable[[str | bytes], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=_usable(ice_servers)))
        self._channel = self._connection.createDataChannel(CHANNEL_LABEL, protocol=CHANNEL_PROTOCOL)
        self._opened = asyncio.Event()
        self._on_frame = on_frame
        self._closing: asyncio.Task[None] | None = None
        _gather_on_loopback_if_alone(self._connection)
        self._channel.on("open", self._opened.set)
        self._channel.on("message", self._take)
        self._channel.on("close", on_closed)

    async def offer(self) -> str:
        """Gather, and return the offer with all candidates. Takes seconds if a STUN or TURN server is silent."""
        await self._connection.setLocalDescription()
        sdp: str = self._connection.localDescription.sdp
        return sdp

    async def connect(self, answer: str) -> None:
        """Take the answer and wait until the channel is open; bounded by the caller. Raises ConnectError."""
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        except Exception as error:
            # aiortc checks SDP by assert, KeyError, ValueError and more.
            raise ConnectError(ErrorCode.INVALID, "the server's answer is no SDP; is the address right?") from error
        await self._opened.wait()

    def send(self, frame: str) -> None:
        """Raises ConnectError once closed."""
        try:
            self._channel.send(frame)
        except InvalidStateError as error:
            raise ConnectError(ErrorCode.UNAVAILABLE, "the channel is closed; connect again") from error

    async def close(self) -> None:
        """Close, and wait at most CLOSE_TIMEOUT_S seconds: with a dead TURN server aiortc takes a minute, and a close
        that is cancelled halfway keeps its sockets."""
        self._closing = asyncio.get_running_loop().create_task(self._connection.close())
        await asyncio.wait({self._closing}, timeout=CLOSE_TIMEOUT_S)

    def _take(self, frame: str | bytes) -> None:
        try:
            self._on_frame(frame)
        except Exception:
            # aiortc would take it for its own and end the connection.
            log.exception("frame not handled")


def _usable(servers: tuple[IceServer, ...]) -> list[RTCIceServer]:
    """Those that aiortc can use; it raises for an address that it cannot read, such as one with IPv6."""
    usable: list[RTCIceServer] = []
    for server in servers:
        urls = [url for url in server.urls if _is_readable(url)]
        if urls:
            usable.append(RTCIceServer(urls=urls, username=server.username, credential=server.credential))
    return usable


def _is_readable(url: str) -> bool:
    try:
        parse_stun_turn_uri(url)
    except ValueError:
        return False
    return True


def _gather_on_loopback_if_alone(connection: RTCPeerConnection) -> None:
    """aioice leaves loopback out, and so has no candidate on a machine without a network."""
    if connection.sctp is None or get_host_addresses(use_ipv4=True, use_ipv6=True):
        return
    ice = connection.sctp.transport.transport._connection
    gather = ice.get_component_candidates

    async def gather_on_loopback(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await gather(component=component, addresses=["127.0.0.1"], timeout=timeout)

    ice.get_component_candidates = gather_on_loopback  # type: ignore[method-assign]
