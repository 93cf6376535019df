"""Every private or patched piece of aiortc 1.16 and aioice 0.13 is used in this folder, and nowhere else.

`PRIVATE` names what of their insides is read or replaced; tests hold it against the installed versions, and against
what the modules here touch. What is replaced is replaced on the one connection, never for the process: other peers, a
client in the same process among them, stay as aiortc made them.
"""

from typing import Final

from aioice import Candidate
from aioice.ice import Connection
from aiortc import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport

PRIVATE: Final[dict[type, frozenset[str]]] = {
    RTCIceTransport: frozenset({"_connection"}),
    RTCDtlsTransport: frozenset({"_get_stats"}),
    RTCSctpTransport: frozenset(
        {
            "_advertised_rwnd",
            "_data_channel_queue",
            "_data_channel_receive",
            "_data_channels",
            "_flight_size",
            "_handle_data",
            "_last_sacked_tsn",
            "_outbound_queue",
            "_receive_sack_chunk",
            "_rto",
            "_rttvar",
            "_send_chunk",
            "_srtt",
            "_t1_expired",
            "_t1_failures",
            "_t3_expired",
            "_update_rto",
        }
    ),
    Connection: frozenset({"_check_list", "_closing", "_nominated", "_protocols", "_queue", "_remote_candidates"}),
    Candidate: frozenset({"_network_host"}),
}
