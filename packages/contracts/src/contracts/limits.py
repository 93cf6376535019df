"""The bounds of everything a stranger can send or make grow. Sizes in bytes or characters, as named."""

from typing import Final

PROTOCOL_VERSION: Final = 1

# The data channel.
FRAME_MAX_BYTES: Final = 16 * 1024  # the size that every browser's SCTP carries unharmed
MESSAGE_IN_MAX_BYTES: Final = 64 * 1024
MESSAGE_OUT_MAX_BYTES: Final = 4 * 1024 * 1024
CHANNEL_LABEL: Final = "agent"
CHANNEL_PROTOCOL: Final = "agent.v1"

# Signaling.
SDP_MAX_CHARS: Final = 64 * 1024
CANDIDATE_MAX_CHARS: Final = 1024
CANDIDATES_MAX: Final = 64
SIGNALING_FRAME_MAX_BYTES: Final = 96 * 1024
CONNECT_TIMEOUT_S: Final = 15.0
TOKEN_MAX_CHARS: Final = 8 * 1024
SESSION_KEPT_S: Final = 7 * 24 * 3600.0
"""How long a session can be resumed after its last hello."""
REPLAY_MAX: Final = 500
"""So many events of a stream are told again to a session that comes back, the oldest first; the rest is left out."""

# What people write.
REQUEST_MAX_BYTES: Final = 8 * 1024
TITLE_MAX_CHARS: Final = 500
NOTES_MAX_CHARS: Final = 8_000

# What one owner can hold, and one plan can do.
LISTS_MAX: Final = 500
ITEMS_PER_LIST_MAX: Final = 2_000
OPERATIONS_MAX: Final = 500
STEPS_MAX: Final = 50

# The bus.
BUS_PAYLOAD_MAX_BYTES: Final = 1024 * 1024  # NATS' own default
SNAPSHOT_PART_ROWS: Final = 500
DELTA_ROWS_MAX: Final = 2_000  # of rows written since a mark; what is more is told as a whole snapshot
MARK_MAX_CHARS: Final = 200
SEARCH_LIMIT_MAX: Final = 500
PARTITIONS: Final = 32
MODEL_REPORT_EVERY_S: Final = 5.0
"""How often an agent says whether its model can be asked; who is silent for three times as long is taken for gone."""
LEASE_S: Final = 10.0
"""How long a fetched turn stays an agent's without a heartbeat; a dead agent's turn is free after this."""
