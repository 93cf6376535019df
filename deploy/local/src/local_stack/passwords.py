"""The passwords of the local servers: made once, kept in the data directory, one for each user."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.permissions import USERS
from local_stack.errors import UnusableDirectoryError
from local_stack.private_file import write_private

PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Passwords:
    """`superuser` and `store` are PostgreSQL's, `bus` those of the NATS users by name."""

    superuser: str = field(repr=False)
    store: str = field(repr=False)
    bus: Mapping[str, str] = field(repr=False)


def load_or_make(path: Path) -> Passwords:
    """Read the passwords, making those that are missing. Raises UnusableDirectoryError for a file that is not ours."""
    known = _read(path)
    for name in ("postgres/superuser", "postgres/store", *(f"nats/{permissions.user}" for permissions in USERS)):
        known.setdefault(name, secrets.token_urlsafe(PASSWORD_BYTES))
    text = json.dumps(known, indent=2) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text)
    bus = {permissions.user: known[f"nats/{permissions.user}"] for permissions in USERS}
    return Passwords(known["postgres/superuser"], known["postgres/store"], bus)


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
