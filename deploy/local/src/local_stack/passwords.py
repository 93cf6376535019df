"""The passwords of the local servers, and what tokens are made by: made once, kept in the data directory."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.permissions import USERS
from local_stack.errors import UnusableDirectoryError
from local_stack.private_file import write_private

PASSWORD_BYTES = 24
AUTH_SECRET_BYTES = 48
_AUTH = "auth/secret"


@dataclass(frozen=True)
class Passwords:
    """`superuser` and `store` are PostgreSQL's, `bus` those of the NATS users by name; `auth` makes tokens."""

    superuser: str = field(repr=False)
    store: str = field(repr=False)
    bus: Mapping[str, str] = field(repr=False)
    auth: str | None = field(default=None, repr=False)


def load_or_make(path: Path, *, auth: bool = False) -> Passwords:
    """Read the passwords, making those that are missing; the secret for tokens only where `auth` asks for it.

    Raises UnusableDirectoryError for a file that is not ours.
    """
    known = _read(path)
    if auth:
        known.setdefault(_AUTH, secrets.token_urlsafe(AUTH_SECRET_BYTES))
    for name in ("postgres/superuser", "postgres/store", *(f"nats/{permissions.user}" for permissions in USERS)):
        known.setdefault(name, secrets.token_urlsafe(PASSWORD_BYTES))
    text = json.dumps(known, indent=2) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text)
    bus = {permissions.user: known[f"nats/{permissions.user}"] for permissions in USERS}
    return Passwords(known["postgres/superuser"], known["postgres/store"], bus, known.get(_AUTH))


def renew(path: Path, *, tokens: bool) -> Passwords:
    """Make every password anew, and with `tokens` what tokens are made by, if there is one. Kept before it is used.

    Raises UnusableDirectoryError as above.
    """
    auth = _read(path).get(_AUTH)
    if auth is not None and tokens:
        auth = secrets.token_urlsafe(AUTH_SECRET_BYTES)
    known = {} if auth is None else {_AUTH: auth}
    names = ("postgres/superuser", "postgres/store", *(f"nats/{permissions.user}" for permissions in USERS))
    known |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in names}
    write_private(path, json.dumps(known, indent=2) + "\n")
    return load_or_make(path)


def kept_auth_secret(path: Path) -> str | None:
    """What tokens are made by, if a stack was ever asked to make it. Raises UnusableDirectoryError as above."""
    return _read(path).get(_AUTH)


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnusableDirectoryError(f"{path} cannot be read as JSON; restore it from a copy") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise UnusableDirectoryError(f"{path} is not an object of passwords by name; restore it from a copy")
    return found
