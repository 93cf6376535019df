"""What is compared: SCTP's timers at the gateway, and what is sent under them."""

from dataclasses import dataclass
from typing import Final

from rtc_gateway.aiortc_insides.timers import SctpTimers

AIORTC: Final = "aiortc's 1 s"
TIMERS: Final[dict[str, SctpTimers | None]] = {
    AIORTC: None,
    "0.4 s": SctpTimers(initial_s=1.0, margin_s=0.4, ack_at_once=False),
    "0.4 s, ack at once": SctpTimers(initial_s=1.0, margin_s=0.4),
    "0.2 s": SctpTimers(initial_s=0.5, margin_s=0.2, ack_at_once=False),
    "0.2 s, ack at once": SctpTimers(initial_s=0.5, margin_s=0.2),
}
"""By the least time, beyond the measured round trip, until a packet is sent again."""


@dataclass(frozen=True)
class Traffic:
    """Messages of one kind from the gateway to the page."""

    name: str
    every_ms: int
    answered: bool
    connections: int


TRAFFIC: Final = (
    Traffic("one each 250 ms", every_ms=250, answered=False, connections=5),
    Traffic("one each 250 ms, answered", every_ms=250, answered=True, connections=5),
    Traffic("20 a second", every_ms=50, answered=False, connections=2),
)
