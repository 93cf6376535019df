"""Tokens by a secret that whoever makes them shares with whoever checks them (HS256)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import jwt

from access.checking import bounded, verified
from access.identity import Identity
from access.interface import Expected

ALGORITHM: Final = "HS256"
SECRET_MIN_BYTES: Final = 32  # RFC 7518 section 3.2: as many as the hash has
SECRETS_MAX: Final = 4


class UnusableSecretError(ValueError):
    """What is wrong with a secret, without the secret."""


def secrets_of(text: str) -> tuple[str, ...]:
    """The secrets in `text`, newest first, with commas between. Raises UnusableSecretError."""
    secrets = tuple(part.strip() for part in text.split(",") if part.strip())
    if not 0 < len(secrets) <= SECRETS_MAX:
        raise UnusableSecretError(f"holds {len(secrets)} secrets; give 1 to {SECRETS_MAX}, with commas between")
    for number, secret in enumerate(secrets, 1):
        size = len(secret.encode("utf-8", "surrogateescape"))
        if size < SECRET_MIN_BYTES:
            raise UnusableSecretError(
                f"holds a secret of {size} bytes (number {number}); at least {SECRET_MIN_BYTES} are needed, as "
                "`openssl rand -base64 48` makes"
            )
        try:
            jwt.get_algorithm_by_name(ALGORITHM).prepare_key(secret)
        except (jwt.InvalidKeyError, UnicodeEncodeError) as error:
            raise UnusableSecretError(
                f"holds a key file's text (number {number}); give a secret of your own"
            ) from error
    return secrets


@dataclass(frozen=True)
class SharedSecrets:
    """Verifies by any of several secrets, so that they can be changed; makes tokens by the first."""

    secrets: Sequence[str] = field(repr=False)
    expected: Expected

    async def verify(self, token: str | None) -> Identity:
        return verified(bounded(token), self.secrets, [ALGORITHM], self.expected)

    def mint(self, owner_name: str, lifetime: timedelta, *, now: datetime | None = None) -> str:
        """A token for whoever is called `owner_name`, from `now` on."""
        issued = now or datetime.now(UTC)
        claims = {
            "iss": self.expected.issuer,
            "aud": self.expected.audience,
            "sub": owner_name,
            "name": owner_name,
            "iat": issued,
            "exp": issued + lifetime,
        }
        return jwt.encode(claims, self.secrets[0], algorithm=ALGORITHM)
