"""What a stranger's packets may do to an SCTP association.

aiortc dies of a handler's exception, of text that is no UTF-8 and of a repeated DCEP OPEN; it does not enforce its
receive window; it goes on sending to a page that has gone, in tasks whose errors nobody takes.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Final

from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import (
    DATA_CHANNEL_OPEN,
    WEBRTC_BINARY,
    WEBRTC_DCEP,
    WEBRTC_STRING,
    Chunk,
)
from OpenSSL import SSL

log = logging.getLogger(__name__)

CHANNELS_MAX: Final = 4


def guard(sctp: RTCSctpTransport, misused: Callable[[], None]) -> None:
    """Replace the methods through which a stranger's packets could break it. `misused` is called where they try."""
    handle_packet, receive, send_chunk = sctp._handle_data, sctp._data_channel_receive, sctp._send_chunk

    is_over = False

    async def handle_guarded(data: bytes) -> None:
        nonlocal is_over
        if is_over:
            return  # it is being closed; each further packet would be a line in the log
        try:
            await handle_packet(data)
        except ConnectionError:
            raise  # how aiortc tells itself that the connection has ended
        except Exception:
            is_over = True
            log.exception("packet refused")
            misused()
            return
        if sctp._advertised_rwnd < 0:
            is_over = True
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


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
