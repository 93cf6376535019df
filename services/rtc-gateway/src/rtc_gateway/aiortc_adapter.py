"""aiortc behind a small door: every private or patched piece of aiortc 1.16 and aioice 0.13 stands in this module.

What it mends, and why: aiortc dies of a handler's exception, of text that is no UTF-8 and of a repeated DCEP OPEN; it
does not enforce its receive window; it never gives up connecting while candidates may still come; it goes on sending to
a page that has gone, in tasks whose errors nobody takes; `close()` can take a minute, and must not be cancelled; aioice
queues datagrams without bound and leaves loopback out. `PRIVATE` names what is used of their insides; a test holds it
against the installed version.

SCTP's timers (`SCTP_RTO_MIN` 1 s, `SCTP_RTO_INITIAL` 3 s) are left as they are until they have been measured with
browsers.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aioice import Candidate
from aioice.ice import Connection, get_host_addresses
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSctpTransport, RTCSessionDescription
from aiortc.rtcsctptransport import DATA_CHANNEL_OPEN, WEBRTC_BINARY, WEBRTC_DCEP, WEBRTC_STRING, Chunk
from aiortc.sdp import candidate_from_sdp
from OpenSSL import SSL

from contracts.limits import CANDIDATES_MAX, CHANNEL_LABEL, CHANNEL_PROTOCOL, CONNECT_TIMEOUT_S
from contracts.message import ErrorCode, Problem
from contracts.signaling import IceCandidate
from rtc_gateway.peer import CloseReason, PeerClosedError, PeerError, PeerHandlers, PeerStats
from rtc_gateway.sdp import candidates_in, usable_candidate, usable_offer

log = logging.getLogger(__name__)

HIGH_WATER_BYTES: Final = 64 * 1024
LOW_WATER_BYTES: Final = 16 * 1024
DATAGRAMS_MAX: Final = 1024
CHANNELS_MAX: Final = 4
LINGER_S: Final = 1.0
CLOSE_TIMEOUT_S: Final = 10.0

_OF_SCTP: Final = "_advertised_rwnd _data_channel_receive _data_channels _handle_data _send_chunk _srtt"
PRIVATE: Final = {
    RTCSctpTransport: tuple(_OF_SCTP.split()),
    Connection: ("_nominated", "_queue", "data_received", "get_component_candidates"),
}
"""What this module reads or replaces, beside `RTCIceTransport._connection` and `RTCDtlsTransport._get_stats`."""


@dataclass(frozen=True)
class AiortcSettings:
    """`ice_addresses`: the only local addresses to offer; empty for all, or loopback where there is nothing else."""

    ice_addresses: tuple[str, ...] = ()
    connect_timeout_s: float = CONNECT_TIMEOUT_S


class AiortcPeers:
    """Makes peers, and keeps the tasks that close them."""

    def __init__(self, settings: AiortcSettings) -> None:
        self._settings = settings
        self._closing: set[asyncio.Task[None]] = set()

    def create(self, handlers: PeerHandlers) -> "AiortcPeer":
        return AiortcPeer(self._settings, handlers, self._closing)

    async def close(self) -> None:
        """Wait for the peers that are closing, at most CLOSE_TIMEOUT_S seconds; what is left then is cancelled."""
        if not self._closing:
            return
        _, left = await asyncio.wait(self._closing, timeout=CLOSE_TIMEOUT_S)
        for task in left:
            task.cancel()
        if left:
            log.warning("peers did not close in time", extra={"count": len(left)})
            await asyncio.wait(left, timeout=1)


class AiortcPeer:
    """One RTCPeerConnection that can only answer, and its one channel."""

    def __init__(self, settings: AiortcSettings, handlers: PeerHandlers, closing: set[asyncio.Task[None]]) -> None:
        self._settings = settings
        self._handlers = handlers
        self._closing = closing
        # Without a list aiortc would ask stun.l.google.com; the relay, if one is needed, is on the client's side.
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel: RTCDataChannel | None = None
        self._low = asyncio.Event()
        self._described = False
        self._early: list[str] = []
        self._candidates = 0
        self._closed = False
        self._began = time.monotonic()
        self._watchdog = asyncio.get_running_loop().call_later(
            settings.connect_timeout_s, self._close, CloseReason.NOT_CONNECTED
        )

    async def accept(self, sdp: str) -> str:
        """See Peer. Besides a bad offer it refuses with `capacity` if no socket could be had."""
        connection = self._connection
        connection.on("datachannel", self._guarded(self._on_channel))
        connection.on("connectionstatechange", self._guarded(self._on_state))
        try:
            await connection.setRemoteDescription(RTCSessionDescription(sdp=usable_offer(sdp), type="offer"))
            _guard(self._transport(), self._settings.ice_addresses, self._misused)
            self._described = True
            for text in self._early:
                await self._add(text)
            await connection.setLocalDescription()
        except PeerError:
            raise
        except Exception as error:
            # aiortc checks SDP by assert, KeyError, ValueError and more; the text may quote the stranger's.
            log.info("offer failed", extra={"error_type": type(error).__qualname__})
            detail = "could not be answered; send a new offer as the browser made it"
            raise PeerError(Problem(code=ErrorCode.INVALID, field="sdp", detail=detail)) from error
        answer: str = connection.localDescription.sdp
        if candidates_in(answer) == 0:
            # aioice only logs that it got no socket, and would then wait for ever.
            log.error("no local candidate; are file descriptors or addresses missing?")
            raise PeerError(Problem(code=ErrorCode.CAPACITY, detail="this gateway has no socket left; try again"))
        return answer

    async def add_candidate(self, candidate: IceCandidate) -> bool:
        """See Peer. Those that come before the offer wait for it; aiortc would lose them."""
        self._candidates += 1
        if self._candidates > CANDIDATES_MAX:
            detail = f"is beyond the {CANDIDATES_MAX} candidates that one attempt may send; make a new offer"
            raise PeerError(Problem(code=ErrorCode.LIMIT, field="candidate", detail=detail))
        text = usable_candidate(candidate.candidate)
        if text is None or self._closed:
            return False
        if self._described:
            await self._add(text)
        else:
            self._early.append(text)
        return True

    async def _add(self, text: str) -> None:
        parsed = candidate_from_sdp(text)
        parsed.sdpMLineIndex = 0  # there is one section
        await self._connection.addIceCandidate(parsed)

    def send(self, frame: str) -> None:
        if self._closed or self._channel is None or self._channel.readyState != "open":
            raise PeerClosedError
        self._channel.send(frame)

    async def writable(self) -> None:
        """See Peer. Beyond HIGH_WATER_BYTES it waits for LOW_WATER_BYTES, so a control frame is never far behind."""
        channel = self._channel
        if channel is not None and channel.bufferedAmount > HIGH_WATER_BYTES:
            self._low.clear()
            await self._low.wait()
        if self._closed:
            raise PeerClosedError

    def close(self) -> None:
        self._close(CloseReason.LOCAL)

    def stats(self) -> PeerStats:
        if self._connection.sctp is None:
            return PeerStats()
        sctp = self._transport()
        pairs = list(sctp.transport.transport._connection._nominated.values())
        counted = [vars(entry) for entry in sctp.transport._get_stats().values()]
        return PeerStats(
            path=f"{pairs[0].local_candidate.type}/{pairs[0].remote_candidate.type}" if pairs else None,
            rtt_ms=None if sctp._srtt is None else sctp._srtt * 1000,
            bytes_sent=sum(entry["bytesSent"] for entry in counted),
            bytes_received=sum(entry["bytesReceived"] for entry in counted),
        )

    def _transport(self) -> RTCSctpTransport:
        sctp = self._connection.sctp
        if sctp is None:
            raise ValueError("the offer made no SCTP transport")
        return sctp

    def _guarded(self, handler: Callable[..., None]) -> Callable[..., None]:
        """An exception in a handler would end the whole connection."""

        def call(*args: object) -> None:
            try:
                handler(*args)
            except Exception:
                log.exception("peer handler failed")

        return call

    def _on_channel(self, channel: RTCDataChannel) -> None:
        reliable = channel.ordered and channel.maxRetransmits is None and channel.maxPacketLifeTime is None
        ours = channel.label == CHANNEL_LABEL and channel.protocol == CHANNEL_PROTOCOL and reliable
        if self._channel is not None or not ours:
            log.info("unexpected data channel closed")
            channel.close()
            return
        self._channel = channel
        self._watchdog.cancel()
        channel.bufferedAmountLowThreshold = LOW_WATER_BYTES
        channel.on("bufferedamountlow", self._low.set)
        channel.on("message", self._guarded(self._handlers.on_message))
        channel.on("close", self._guarded(lambda: self._close(CloseReason.REMOTE)))
        elapsed_ms = round((time.monotonic() - self._began) * 1000, 1)
        log.info("channel open", extra={"elapsed_ms": elapsed_ms, "path": self.stats().path})
        self._handlers.on_open()

    def _on_state(self) -> None:
        if self._connection.connectionState in {"failed", "closed"}:
            self._close(CloseReason.LOST)

    def _misused(self) -> None:
        self._close(CloseReason.MISUSE)

    def _close(self, reason: CloseReason) -> None:
        if self._closed:
            return
        self._closed = True
        self._watchdog.cancel()
        self._low.set()
        task = asyncio.get_running_loop().create_task(self._shut())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._guarded(self._handlers.on_closed)(reason)

    async def _shut(self) -> None:
        channel = self._channel
        if channel is not None and channel.readyState == "open":
            # A stream reset is answered after everything before it was delivered; an abort would lose it.
            delivered = asyncio.Event()
            channel.on("close", delivered.set)
            channel.close()
            try:
                async with asyncio.timeout(LINGER_S):
                    await delivered.wait()
            except TimeoutError:
                log.info("channel did not close in time")
        try:
            await self._connection.close()
        except Exception:
            log.exception("peer did not close cleanly")


def _guard(sctp: RTCSctpTransport, addresses: tuple[str, ...], misused: Callable[[], None]) -> None:
    """Replace, on this one connection, the methods through which a stranger's packets could break it."""
    ice = sctp.transport.transport._connection
    gather, queue_datagram = ice.get_component_candidates, ice.data_received
    handle_packet, receive, send_chunk = sctp._handle_data, sctp._data_channel_receive, sctp._send_chunk

    async def gather_chosen(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await gather(component=component, addresses=local, timeout=timeout)

    def queue_bounded(data: bytes, component: int) -> None:
        if ice._queue.qsize() < DATAGRAMS_MAX:
            queue_datagram(data, component)

    async def handle_guarded(data: bytes) -> None:
        try:
            await handle_packet(data)
        except ConnectionError:
            raise  # how aiortc tells itself that the connection has ended
        except Exception:
            log.exception("packet refused")
            misused()
        if sctp._advertised_rwnd < 0:
            log.warning("receive window exceeded")
            misused()

    async def receive_guarded(stream_id: int, pp_id: int, data: bytes) -> None:
        if pp_id == WEBRTC_DCEP and data[:1] == bytes([DATA_CHANNEL_OPEN]):
            known = sctp._data_channels
            if stream_id in known or len(known) >= CHANNELS_MAX:
                return
        if pp_id == WEBRTC_STRING and not _is_utf8(data):
            pp_id = WEBRTC_BINARY  # whoever reads it refuses binary frames
        await receive(stream_id, pp_id, data)

    async def send_if_connected(chunk: Chunk) -> None:
        # What cannot be sent is lost, as on the way. That DTLS has ended is noticed where it is read.
        with contextlib.suppress(ConnectionError, SSL.Error):
            await send_chunk(chunk)

    local = list(addresses) or get_host_addresses(use_ipv4=True, use_ipv6=True) or ["127.0.0.1"]
    ice.get_component_candidates = gather_chosen  # type: ignore[method-assign]
    ice.data_received = queue_bounded  # type: ignore[method-assign]
    sctp._handle_data = handle_guarded  # type: ignore[method-assign]
    sctp._data_channel_receive = receive_guarded  # type: ignore[method-assign]
    sctp._send_chunk = send_if_connected  # type: ignore[method-assign]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
