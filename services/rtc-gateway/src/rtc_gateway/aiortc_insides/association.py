"""The SCTP association: what a stranger's packets may do to it, and how long it waits before it sends again.

aiortc dies of a handler's exception, of text that is no UTF-8 and of a repeated DCEP OPEN; it does not enforce its
receive window; it goes on sending to a page that has gone, in tasks whose errors nobody takes. Its timers are those of
RFC 4960, made for hosts that may acknowledge late, and do not back off: once a path's round trip is longer than the
timer, each message is sent twice and none is ever measured.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    SCTP_RTO_MAX,
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    Chunk,
    DataChunk,
)
from OpenSSL import SSL

log = logging.getLogger(__name__)

CHANNELS_MAX: Final = 4
BACKOFF_MAX_S: Final = 3.0
ACK_AT_ONCE: Final = 0x08
"""The I bit of a DATA chunk, RFC 9260 section 3.3.1."""


@dataclass(frozen=True)
class SctpTimers:
    """Seconds until an unacknowledged packet is sent again: at first, and at least once round trips were measured.

    `ack_at_once` asks the page to acknowledge the last packet of each burst without the usual delay (200 ms in
    browsers), so that what is measured is the path.
    """

    rto_initial_s: float
    rto_min_s: float
    ack_at_once: bool = True


OUR_TIMERS: Final = SctpTimers(rto_initial_s=0.5, rto_min_s=0.2)


def guard(sctp: RTCSctpTransport, misused: Callable[[], None]) -> None:
    """Replace the methods through which a stranger's packets could break it. `misused` is called where they try."""
    handle_packet, receive, send_chunk = sctp._handle_data, sctp._data_channel_receive, sctp._send_chunk

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

    sctp._handle_data = handle_guarded  # type: ignore[method-assign]
    sctp._data_channel_receive = receive_guarded  # type: ignore[method-assign]
    sctp._send_chunk = send_if_connected  # type: ignore[method-assign]


def set_timers(sctp: RTCSctpTransport, timers: SctpTimers) -> None:
    """Give the association these timers; to be called before it starts."""
    update, resend, begin_again, send_chunk = sctp._update_rto, sctp._t3_expired, sctp._t1_expired, sctp._send_chunk

    def measured(R: float) -> None:  # noqa: N803 - aiortc's name for a round trip in seconds
        if not 0 <= R <= SCTP_RTO_MAX:
            return  # aiortc reads the wall clock, and somebody has set it
        update(R)
        if sctp._srtt is not None and sctp._rttvar is not None:
            sctp._rto = max(timers.rto_min_s, min(sctp._srtt + 4 * sctp._rttvar, SCTP_RTO_MAX))

    def data_expired() -> None:
        # RFC 9260 section 6.3.3, E2. The next measurement sets it anew.
        sctp._rto = max(sctp._rto, min(2 * sctp._rto, BACKOFF_MAX_S))
        resend()

    def setup_expired() -> None:
        # Here the longer wait is for this packet alone; the eight tries that aiortc makes outlast the watchdog.
        sctp._rto = min(timers.rto_initial_s * 2 ** (sctp._t1_failures + 1), BACKOFF_MAX_S)
        begin_again()
        sctp._rto = timers.rto_initial_s

    async def send(chunk: Chunk) -> None:
        if isinstance(chunk, DataChunk) and not sctp._outbound_queue and not sctp._data_channel_queue:
            chunk.flags |= ACK_AT_ONCE
        await send_chunk(chunk)

    sctp._rto = timers.rto_initial_s
    sctp._update_rto = measured  # type: ignore[method-assign]
    sctp._t3_expired = data_expired  # type: ignore[method-assign]
    sctp._t1_expired = setup_expired  # type: ignore[method-assign]
    if timers.ack_at_once:
        sctp._send_chunk = send  # type: ignore[method-assign]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
