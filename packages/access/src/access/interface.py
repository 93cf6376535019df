"""What a service asks about a token. Unaware of keys, algorithms and how a token is made."""

from dataclasses import dataclass
from typing import Protocol

from access.identity import Identity


class Verifier(Protocol):
    """Tells whose token it is."""

    async def verify(self, token: str | None) -> Identity:
        """Raises TokenRefusedError, or KeysAwayError where that cannot be said now."""


@dataclass(frozen=True)
class Expected:
    """What every token has to say of who made it, and for whom."""

    issuer: str
    audience: str
