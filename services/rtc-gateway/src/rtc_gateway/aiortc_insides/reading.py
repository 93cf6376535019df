"""What is known of a connection's path; aiortc's own getStats says nothing of data channels."""

from aioice.ice import Connection
from aiortc import RTCDataChannel, RTCSctpTransport

from rtc_gateway.peer import PeerStats


def ice_of(sctp: RTCSctpTransport) -> Connection:
    """The ICE connection below."""
    return sctp.transport.transport._connection


def stats_of(sctp: RTCSctpTransport, channel: RTCDataChannel | None, dropped: int) -> PeerStats:
    """A few dictionary look-ups; of what is buffered, at most one message has to be counted up."""
    pair = next(iter(ice_of(sctp)._nominated.values()), None)
    counted = [vars(entry) for entry in sctp.transport._get_stats().values()]
    waiting = 0 if channel is None else channel.bufferedAmount
    return PeerStats(
        local_type=None if pair is None else pair.local_candidate.type,
        remote_type=None if pair is None else pair.remote_candidate.type,
        protocol=None if pair is None else pair.local_candidate.transport,
        rtt_ms=None if sctp._srtt is None else sctp._srtt * 1000,
        bytes_sent=sum(entry["bytesSent"] for entry in counted),
        bytes_received=sum(entry["bytesReceived"] for entry in counted),
        bytes_buffered=waiting + sum(len(chunk.user_data) for chunk in sctp._outbound_queue),
        bytes_unacked=sctp._flight_size,
        datagrams_dropped=dropped,
    )
