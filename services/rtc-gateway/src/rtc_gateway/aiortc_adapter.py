"""aiortc behind a small door. Whatever it takes of aiortc's and aioice's insides stands in `aiortc_insides`.

It gives up connecting, which aiortc never does while candidates may still come; it says which address pages are to use;
and it closes in the background, since `close()` can take a minute, and must not be cancelled.
"""

import asyncio
import ipaddress
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSctpTransport, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from contracts.limits import CANDIDATES_MAX, CHANNEL_LABEL, CHANNEL_PROTOCOL, CONNECT_TIMEOUT_S
from contracts.message import ErrorCode, Problem
from contracts.signaling import IceCandidate
from rtc_gateway.addresses import (
    IPAddress,
    PortRange,
    Rule,
    address_towards,
    addresses_of_this_machine,
    usable_addresses,
)
from rtc_gateway.aiortc_insides import association, reading
from rtc_gateway.aiortc_insides.gathering import CLOSED, Sockets
from rtc_gateway.aiortc_insides.timers import OUR_TIMERS, Retransmission, SctpTimers
from rtc_gateway.peer import CloseReason, PeerClosedError, PeerError, PeerHandlers, PeerStats
from rtc_gateway.sdp import announcing, usable_candidate, usable_offer

log = logging.getLogger(__name__)

HIGH_WATER_BYTES: Final = 64 * 1024
LOW_WATER_BYTES: Final = 16 * 1024
LINGER_S: Final = 1.0
PEER_CLOSE_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True)
class AiortcSettings:
    """`addresses`: which of this machine's to listen on, see `usable_addresses`. `ports`: None for any. `announced`:
    the public address in front of this machine. `timers`: None for aiortc's own."""

    addresses: tuple[Rule, ...] = ()
    ports: PortRange | None = None
    announced: ipaddress.IPv4Address | None = None
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    timers: SctpTimers | None = OUR_TIMERS

    def usable(self) -> Sequence[IPAddress]:
        """The addresses to listen on now: interfaces come and go."""
        return usable_addresses(self.addresses, addresses_of_this_machine())


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
        self._sockets = Sockets(settings.usable, settings.ports)
        self._channel: RTCDataChannel | None = None
        self._low = asyncio.Event()
        self._described = False
        self._early: list[str] = []
        self._candidates = 0
        self._closed = False
        self._opening = _Opening()
        self._watchdog = asyncio.get_running_loop().call_later(
            settings.connect_timeout_s, self._close, CloseReason.NOT_CONNECTED
        )

    async def accept(self, sdp: str) -> str:
        """See Peer. Besides a bad offer it refuses with `capacity` if a socket or a port could not be had."""
        connection = self._connection
        connection.on("datachannel", self._guarded(self._on_channel))
        connection.on("connectionstatechange", self._guarded(self._on_state))
        try:
            await connection.setRemoteDescription(RTCSessionDescription(sdp=usable_offer(sdp), type="offer"))
            self._prepare(self._transport())
            self._described = True
            for text in self._early:
                await self._add(text)
            await connection.setLocalDescription()
            answer = self._announced(connection.localDescription.sdp)
        except PeerError:
            raise
        except Exception as error:
            # aiortc checks SDP by assert, KeyError, ValueError and more; the text may quote the stranger's.
            log.info("offer failed", extra={"error_type": type(error).__qualname__, "closed": self._closed})
            if self._closed:
                raise PeerError(CLOSED) from error
            detail = "could not be answered; send a new offer as the browser made it"
            raise PeerError(Problem(code=ErrorCode.INVALID, field="sdp", detail=detail)) from error
        if self._closed:
            raise PeerError(CLOSED)
        self._opening.mark("answered")
        return answer

    def _prepare(self, sctp: RTCSctpTransport) -> None:
        """What has to be in place before the connection starts."""
        self._sockets.gather_for(reading.ice_of(sctp))
        association.guard(sctp, self._misused)
        if self._settings.timers is not None:
            Retransmission(sctp, self._settings.timers)
        dtls = sctp.transport
        ice = dtls.transport
        ice.on("statechange", lambda: self._opening.mark("ice", ice.state == "completed"))
        dtls.on("statechange", lambda: self._opening.mark("dtls", dtls.state == "connected"))

    def _announced(self, answer: str) -> str:
        announced = self._settings.announced
        return answer if announced is None else announcing(answer, announced, address_towards(announced))

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
        sctp = self._connection.sctp
        return PeerStats() if sctp is None else reading.stats_of(sctp, self._channel, self._sockets.dropped)

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
        if self._closed:
            return
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
        stats = self.stats()
        log.info(
            "channel open",
            extra={"path": stats.path, "protocol": stats.protocol, **self._opening.milliseconds()},
        )
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
        await self._deliver()
        ending = asyncio.get_running_loop().create_task(self._connection.close())
        try:
            await asyncio.wait({ending}, timeout=PEER_CLOSE_TIMEOUT_S)
            if not ending.done():
                log.warning("peer did not close in time, its sockets are taken from it")
            elif (error := ending.exception()) is not None:
                log.error("peer did not close cleanly", exc_info=error)
        finally:
            self._sockets.close()
            ending.cancel()

    async def _deliver(self) -> None:
        """A stream reset is answered after everything before it was delivered; an abort would lose it."""
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        delivered = asyncio.Event()
        channel.on("close", delivered.set)
        channel.close()
        try:
            async with asyncio.timeout(LINGER_S):
                await delivered.wait()
        except TimeoutError:
            log.info("channel did not close in time")


class _Opening:
    """When each part of an opening was done."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._at: dict[str, float] = {}

    def mark(self, part: str, done: bool = True) -> None:
        """The first time counts."""
        if done:
            self._at.setdefault(part, time.monotonic())

    def milliseconds(self) -> dict[str, float]:
        """How long each part took, and all of it until now, as fields for a log line."""
        answered = self._at.get("answered", self._began)
        ice = self._at.get("ice", answered)
        dtls = self._at.get("dtls", ice)
        spans = {
            "accept_ms": answered - self._began,
            "ice_ms": ice - answered,
            "dtls_ms": dtls - ice,
            "open_ms": time.monotonic() - self._began,
        }
        return {name: round(seconds * 1000, 1) for name, seconds in spans.items()}
