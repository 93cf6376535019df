"""Short-lived TURN credentials (draft-uberti-behave-turn-rest-00), as coturn's `use-auth-secret` checks them. Pure.

The secret is changed in three steps. Give coturn the new one beside the old, a line `static-auth-secret` each: it takes
either. Then give TURN_SECRET the new one in front of the old: the first is what credentials are made by. When the last
ones by the old secret have expired, remove it from both.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.tokens import OwnerKey


@dataclass(frozen=True)
class TurnCredentials:
    """For one connect and its retries: an allocation outlives its credentials, so they may be short."""

    username: str
    credential: str
    expires_at: datetime


def password(secret: str, username: str) -> str:
    """base64(HMAC-SHA1(secret, username)). SHA-1 is what TURN servers speak; as an HMAC it is not broken."""
    return base64.b64encode(hmac.digest(secret.encode(), username.encode(), "sha1")).decode()


def mint(secret: str, owner: OwnerKey, *, now: float, ttl_s: int) -> TurnCredentials:
    """Credentials for `owner` from `now` (Unix seconds) on, for `ttl_s` seconds.

    The owner's key stands behind the expiry, so that coturn's `user-quota` counts by owner. It is no personal name:
    TURN user names travel in clear text.
    """
    expiry = int(now) + ttl_s
    username = f"{expiry}:{owner}"
    return TurnCredentials(username, password(secret, username), datetime.fromtimestamp(expiry, UTC))
