"""How long an SCTP association waits for an acknowledgement before it sends again.

aiortc's timers are those of RFC 9260, 3 s at first and never less than 1 s, and they do not back off: on a path whose
round trip is longer than the timer each message is sent twice, and none is ever measured. With less than a second that
is not rare, so ours back off. What was measured of them is in docs/decisions/0013.
"""

from dataclasses import dataclass
from typing import Final

from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import SCTP_RTO_MAX, Chunk, DataChunk, SackChunk
from aiortc.utils import uint32_gt

BACKOFF_MAX_S: Final = 3.0
UNMEASURED_MAX: Final = 4
ACK_AT_ONCE: Final = 0x08
"""The I bit of a DATA chunk, RFC 9260 section 3.3.1."""


@dataclass(frozen=True)
class SctpTimers:
    """Seconds until an unacknowledged packet is sent again: `initial_s` at first; once round trips were measured, their
    mean and four times their variance, which counts as `margin_s` where it is less. Linux does the same for TCP; a
    lower bound of the sum, as RFC 9260 has it, leaves no margin at all where the round trip is near that bound.

    `ack_at_once` asks the page to acknowledge the last packet of each burst without the usual delay (200 ms in
    browsers), so that what is measured is the path.
    """

    initial_s: float
    margin_s: float
    ack_at_once: bool = True


OUR_TIMERS: Final = SctpTimers(initial_s=0.5, margin_s=0.2)


class Retransmission:
    """The timers of one association that has not started yet; stands in for what aiortc has of them."""

    def __init__(self, sctp: RTCSctpTransport, timers: SctpTimers) -> None:
        self._sctp = sctp
        self._timers = timers
        self._estimate_s = timers.initial_s
        self._unmeasured = 0  # expirations since a round trip was measured
        self._update, self._resend, self._begin_again = sctp._update_rto, sctp._t3_expired, sctp._t1_expired
        self._receive_ack, self._send_chunk = sctp._receive_sack_chunk, sctp._send_chunk
        sctp._rto = timers.initial_s
        sctp._update_rto = self._measured  # type: ignore[method-assign]
        sctp._t3_expired = self._data_expired  # type: ignore[method-assign]
        sctp._t1_expired = self._setup_expired  # type: ignore[method-assign]
        sctp._receive_sack_chunk = self._acknowledged  # type: ignore[method-assign]
        if timers.ack_at_once:
            sctp._send_chunk = self._send  # type: ignore[method-assign]

    def _measured(self, R: float) -> None:  # noqa: N803 - aiortc's name for a round trip in seconds
        if not 0 <= R <= SCTP_RTO_MAX:
            return  # aiortc reads the wall clock, and somebody has set it
        self._update(R)
        if self._sctp._srtt is not None and self._sctp._rttvar is not None:
            margin_s = max(self._timers.margin_s, 4 * self._sctp._rttvar)
            self._estimate_s = self._sctp._rto = min(self._sctp._srtt + margin_s, SCTP_RTO_MAX)
            self._unmeasured = 0

    def _data_expired(self) -> None:
        """RFC 9260 section 6.3.3, E2."""
        self._unmeasured += 1
        self._sctp._rto = max(self._sctp._rto, min(2 * self._sctp._rto, BACKOFF_MAX_S))
        self._resend()

    async def _acknowledged(self, chunk: SackChunk) -> None:
        # What was sent twice is no measurement (Karn), and the RFC stays backed off until there is one. On a path that
        # loses much that takes long, so what gets through is enough, unless nothing was measured for so long that the
        # round trip itself may have become longer than the timer.
        if self._unmeasured < UNMEASURED_MAX and uint32_gt(chunk.cumulative_tsn, self._sctp._last_sacked_tsn):
            self._sctp._rto = self._estimate_s
        await self._receive_ack(chunk)

    def _setup_expired(self) -> None:
        # The longer wait is for this packet alone; the eight tries that aiortc makes outlast the watchdog.
        self._sctp._rto = min(self._timers.initial_s * 2 ** (self._sctp._t1_failures + 1), BACKOFF_MAX_S)
        self._begin_again()
        self._sctp._rto = self._timers.initial_s

    async def _send(self, chunk: Chunk) -> None:
        is_last = not self._sctp._outbound_queue and not self._sctp._data_channel_queue
        if is_last and isinstance(chunk, DataChunk):
            chunk.flags |= ACK_AT_ONCE
        await self._send_chunk(chunk)
