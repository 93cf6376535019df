"""How long to wait before connecting again, and before a token is renewed. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 10.0
RENEWAL_LEAST_S: Final = 1.0
_DOUBLINGS_MAX: Final = 5  # 0.5 s becomes 16, more than the most


def full_jitter_s(failures: int, chance: float) -> float:
    """Anything from no time at all to a ceiling that doubles with each failure in a row, so that many clients that lost
    the same server do not come back at the same moment.

    `chance` is from 0 to below 1. Source: "Exponential backoff and jitter", AWS Architecture Blog, 2015.
    """
    ceiling = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** min(_DOUBLINGS_MAX, max(0, failures - 1)))
    return chance * ceiling


@dataclass
class Backoff:
    """Counts failures in a row; `chance` gives numbers from 0 to below 1."""

    chance: Callable[[], float]
    failures: int = 0

    def after(self, lived_s: float) -> float:
        """How long to wait, in seconds, after a connection that was open for `lived_s`; 0 for one that never was.

        One that lived long enough ends the row: what opens and breaks at once is a failure like any other.
        """
        self.failures = 1 if lived_s >= BACKOFF_MAX_S else self.failures + 1
        return full_jitter_s(self.failures, self.chance())


def renewal_in_s(expires_at: datetime, now: datetime) -> float:
    """When to renew an access token: after three quarters of what is left of its life, which leaves time for more tries
    where the first ones fail."""
    return max(RENEWAL_LEAST_S, (expires_at - now).total_seconds() * 0.75)
