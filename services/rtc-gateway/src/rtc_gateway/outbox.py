"""What waits to be sent to one page, and the one task that sends it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from contracts import frames
from contracts.channel import (
    ChannelDraining,
    ChannelError,
    GatewayMessage,
    Ping,
    Pong,
    TurnAccepted,
    TurnPhaseEvent,
    TurnRejected,
)
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode
from contracts.model_status import ModelStatus
from rtc_gateway.peer import Peer

_CONTROL: Final = (Ping, Pong, TurnAccepted, TurnRejected, TurnPhaseEvent, ModelStatus, ChannelError, ChannelDraining)


@dataclass
class _Series:
    messages: Iterator[GatewayMessage]
    sent: asyncio.Future[None]

    def done(self) -> None:
        if not self.sent.done():
            self.sent.set_result(None)


class Outbox:
    """Two lanes: short control messages go between the frames of long ones. Each lane keeps its order.

    Bounded by count and by bytes; what does not fit is not queued, and `on_overflow` is called. So it is where the peer
    takes nothing for `stalled_max_s`.
    """

    def __init__(
        self, *, count_max: int, bytes_max: int, stalled_max_s: float, on_overflow: Callable[[], None]
    ) -> None:
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._stalled_max_s = stalled_max_s
        self._on_overflow = on_overflow
        self._control: deque[bytes] = deque()
        self._bulk: deque[bytes | _Series] = deque()
        self._bytes = 0  # of both lanes
        self._frames: deque[str] = deque()  # of the bulk message under way
        self._series: _Series | None = None  # the series that it belongs to
        self._messages = 0
        self._ended = False
        self._wake = asyncio.Event()
        self._taken = asyncio.Event()  # something has left

    def push(self, message: GatewayMessage) -> None:
        """Queue one message; without effect once ended."""
        if self._ended:
            return
        payload = _payload(message)
        if len(self._control) + len(self._bulk) >= self._count_max or self._bytes + len(payload) > self._bytes_max:
            self._on_overflow()
            return
        self._bytes += len(payload)
        # A control message is one frame, unless someone makes it long; then it waits like the others.
        is_control = isinstance(message, _CONTROL) and len(payload) <= FRAME_MAX_BYTES
        (self._control if is_control else self._bulk).append(payload)
        self._wake.set()

    async def room(self) -> None:
        """Wait until less than half of it is taken: for what can wait where it is. Returns once ended, too."""
        while not self._ended and (
            2 * self._bytes > self._bytes_max or 2 * (len(self._control) + len(self._bulk)) > self._count_max
        ):
            self._taken.clear()
            await self._taken.wait()

    async def stream(self, messages: Iterator[GatewayMessage]) -> None:
        """Queue a series in the place of one bulk message and wait until all of it was handed over.

        Each message is made when its turn comes, so a long series takes no room. What is pushed later comes later.
        """
        await self.begin(messages)

    def begin(self, messages: Iterator[GatewayMessage]) -> asyncio.Future[None]:
        """As `stream`, without waiting: the future is done once all was handed over, or nothing will be any more."""
        series = _Series(messages, asyncio.get_running_loop().create_future())
        if self._ended:
            series.done()
            return series.sent
        self._bulk.append(series)
        self._wake.set()
        return series.sent

    def end(self, final: GatewayMessage | None) -> None:
        """Drop what is queued, send `final`, and let `run` return."""
        if self._ended:
            return
        for entry in (self._series, *self._bulk):
            if isinstance(entry, _Series):
                entry.done()
        self._control.clear()
        self._bulk.clear()
        self._frames.clear()
        self._series, self._bytes = None, 0
        if final is not None:
            self.push(final)
        self._ended = True
        self._wake.set()
        self._taken.set()

    async def run(self, peer: Peer) -> None:
        """Send until ended. Raises PeerClosedError."""
        while True:
            if not (self._control or self._frames or self._series or self._bulk):
                if self._ended:
                    return
                self._wake.clear()
                await self._wake.wait()
            if not await self._writable(peer):
                last = self._next()
                if last is not None:
                    peer.send(last)  # it may still get there, behind what is in the way
                return
            frame = self._next()
            self._taken.set()
            if frame is not None:
                peer.send(frame)

    async def _writable(self, peer: Peer) -> bool:
        """False if the peer took nothing for too long, which has been said then."""
        try:
            async with asyncio.timeout(self._stalled_max_s):
                await peer.writable()
        except TimeoutError:
            self._on_overflow()
            return False
        return True

    def _next(self) -> str | None:
        """The frame to send now: chosen only once there is room, so that control messages overtake."""
        if self._control:
            payload = self._control.popleft()
            self._bytes -= len(payload)
            return payload.decode()
        while not self._frames:
            if not self._begin_bulk():
                return None
        return self._frames.popleft()

    def _begin_bulk(self) -> bool:
        """Cut the next bulk message into frames; False if there is none."""
        if self._series is None:
            if not self._bulk:
                return False
            entry = self._bulk.popleft()
            if isinstance(entry, bytes):
                self._bytes -= len(entry)
                self._cut(entry)
                return True
            self._series = entry
        message = next(self._series.messages, None)
        if message is not None:
            self._cut(_payload(message))
            return True
        self._series.done()
        self._series = None
        return True

    def _cut(self, payload: bytes) -> None:
        self._messages += 1
        self._frames.extend(frames.split(payload, message_id=f"g{self._messages}"))


def _payload(message: GatewayMessage) -> bytes:
    """The JSON of a message, or of the error that stands for one that is too long for a page."""
    payload = message.to_json()
    if len(payload) <= MESSAGE_OUT_MAX_BYTES:
        return payload
    ref = getattr(message, "ref", None)
    detail = f"is a {message.type} of {len(payload)} bytes; at most {MESSAGE_OUT_MAX_BYTES} can be sent"
    return ChannelError(code=ErrorCode.TOO_LARGE, detail=detail, ref=ref).to_json()
