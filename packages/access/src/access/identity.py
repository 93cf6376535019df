"""What a proven token says of its holder. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from access.errors import Reason, TokenRefusedError
from contracts.tokens import OwnerKey, owner_key

SUBJECT_MAX_CHARS: Final = 255  # OpenID Connect Core 1.0 section 2
NAME_MAX_CHARS: Final = 80
LEEWAY_S: Final = 10
"""Clocks of the machine that signs and of this one may differ by so much."""


@dataclass(frozen=True)
class Identity:
    """Who somebody is. `expires_at` is when the token stops being taken here."""

    owner: OwnerKey
    name: str
    expires_at: datetime


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The holder of a token whose signature, issuer, audience and expiry have been checked.

    Raises TokenRefusedError for a subject that is missing, too long or not text, and for an expiry beyond all years.
    """
    issuer, subject = claims["iss"], claims.get("sub")
    if not _is_text(subject) or not 0 < len(subject) <= SUBJECT_MAX_CHARS:
        raise TokenRefusedError(Reason.INVALID)
    owner = owner_key(issuer, subject)
    try:
        expires_at = datetime.fromtimestamp(int(claims["exp"]) + LEEWAY_S, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise TokenRefusedError(Reason.INVALID) from error
    return Identity(owner, _name(claims.get("name")) or _name(subject) or owner[:8], expires_at)


def _is_text(value: object) -> TypeGuard[str]:
    """JSON's escapes can spell half of a surrogate pair, which no encoding can."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False


def _name(value: object) -> str:
    """For showing: without control and format characters, which could turn a line around, and not too long."""
    if not isinstance(value, str):
        return ""
    shown = "".join(one for one in value[: 4 * NAME_MAX_CHARS] if one.isprintable())
    return " ".join(shown.split())[:NAME_MAX_CHARS].strip()
