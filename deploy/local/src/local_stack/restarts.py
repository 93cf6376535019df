"""When a process that died is started again, and when it is not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DEATHS_MAX: Final = 5


@dataclass(frozen=True)
class RestartPolicy:
    """Seconds. More than `deaths` within `window_s` end the stack; the wait doubles with each death in the window."""

    deaths: int = DEATHS_MAX
    window_s: float = 60.0
    first_wait_s: float = 0.1
    longest_wait_s: float = 5.0

    def recent(self, died_at: Sequence[float], now: float) -> int:
        """How many of the deaths are in the window."""
        return sum(1 for moment in died_at if now - moment <= self.window_s)

    def wait_after(self, died_at: Sequence[float], now: float) -> float | None:
        """How long to wait before the next start, given every death so far; None: do not start it again."""
        recent = self.recent(died_at, now)
        if recent > self.deaths:
            return None
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** max(0, recent - 1))
