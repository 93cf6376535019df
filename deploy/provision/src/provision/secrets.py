"""The secrets of a deployment: made once and kept, and laid out so that each service finds its own and no other's.

A folder is what one container mounts; a file in it is one secret, named as the setting that it is (SECRETS_DIR). The
files may be read by whoever sees the folder: that only one container does is the deployment's part. What all folders
are in is closed to the host's other users; a mount of one folder does not pass through it.
"""

import json
import os
import secrets
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from contracts.permissions import USERS
from provision import nats_server
from provision.errors import ProvisionError

PASSWORD_BYTES: Final = 32
PRIVATE: Final = 0o700
POSTGRES_SUPERUSER: Final = "postgres/superuser"
POSTGRES_STORE: Final = "postgres/store"
TURN: Final = "turn/secret"
TURN_BEFORE: Final = "turn/before"
STORE_ROLE: Final = "todo_store"

NATS: Final = "nats"
STORE: Final = "store"
RELAY: Final = "turn"
SUPERUSER: Final = "superuser"
RENEWABLE: Final = (NATS, RELAY, STORE, SUPERUSER)
"""What can be renewed. PostgreSQL's superuser is changed in the database by a person; here, what is kept of it."""

Layout = Mapping[str, Mapping[str, str]]
"""What each folder's files hold."""


@dataclass(frozen=True)
class Database:
    """Where PostgreSQL is for the store. `password`: its superuser's of the first start, where one is given."""

    host: str = "postgres"
    port: int = 5432
    name: str = "todo"
    password: str | None = field(default=None, repr=False)


def made(kept: Mapping[str, str], database: Database) -> dict[str, str]:
    """All the secrets: those that are kept, the one that a person gives, and new ones for the rest.

    What is kept comes first: a database that is there has that password, whatever is given later.
    """
    whole = dict(kept)
    if database.password:
        whole.setdefault(POSTGRES_SUPERUSER, database.password)
    for name in (POSTGRES_SUPERUSER, POSTGRES_STORE, TURN, *(f"nats/{user.user}" for user in USERS)):
        # Letters, digits, _ and -: nobody has to quote them.
        whole.setdefault(name, secrets.token_urlsafe(PASSWORD_BYTES))
    # Empty, the secret before would let everybody in (deploy/coturn).
    whole.setdefault(TURN_BEFORE, whole[TURN])
    return whole


@dataclass(frozen=True)
class Given:
    """Secrets that only a person has. Empty: none."""

    auth_secret: str = field(default="", repr=False)
    model_api_key: str = field(default="", repr=False)


def renewed(whole: Mapping[str, str], what: Collection[str]) -> dict[str, str]:
    """`whole` without what is to be made anew. TURN's secret stays good as the one before, until it is retired."""
    gone = {name for kind, name in ((STORE, POSTGRES_STORE), (SUPERUSER, POSTGRES_SUPERUSER)) if kind in what}
    if NATS in what:
        gone |= {f"nats/{user.user}" for user in USERS}
    left = {name: secret for name, secret in whole.items() if name not in gone}
    if RELAY in what and TURN in left:
        left[TURN_BEFORE] = left.pop(TURN)
    return left


def retired(whole: Mapping[str, str]) -> dict[str, str]:
    """`whole`, with TURN's secret of before good for nobody any more."""
    return {name: secret for name, secret in whole.items() if name != TURN_BEFORE}


def laid_out(whole: Mapping[str, str], database: Database, place: nats_server.Place, given: Given = Given()) -> Layout:
    """Which files each container is to find. coturn's are made by deploy/coturn/fill.py."""
    passwords = {permissions.user: whole[f"nats/{permissions.user}"] for permissions in USERS}
    services = {user: {"nats_password": password} for user, password in passwords.items()}
    # The newest first: by that one signaling makes passwords. coturn knows both.
    services["signaling"]["turn_secret"] = ",".join(dict.fromkeys((whole[TURN], whole[TURN_BEFORE])))
    services["todo-store"]["database_url"] = database_url(database, whole[POSTGRES_STORE])
    if given.auth_secret:
        services["signaling"]["auth_secret"] = services["mcp-bridge"]["auth_secret"] = given.auth_secret
    if given.model_api_key:
        services["agent"]["model_api_key"] = given.model_api_key
    return {
        **services,
        "nats": {"nats.conf": nats_server.text_of(nats_server.configuration(place, passwords))},
        "postgres": {
            "superuser_password": whole[POSTGRES_SUPERUSER],
            "store_password": whole[POSTGRES_STORE],
        },
    }


def database_url(database: Database, password: str) -> str:
    """DATABASE_URL of the store's own role, for SQLAlchemy and asyncpg."""
    return (
        f"postgresql+asyncpg://{STORE_ROLE}:{quote(password, safe='')}@{database.host}:{database.port}/"
        f"{quote(database.name, safe='')}"
    )


def kept_in(path: Path) -> dict[str, str]:
    """What an earlier step kept; nothing where there was none. Raises ProvisionError for a file that is not ours."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ProvisionError(f"{path} cannot be read as JSON; restore it from a copy") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ProvisionError(f"{path} is not an object of secrets by name; restore it from a copy")
    return found


def keep(path: Path, whole: Mapping[str, str]) -> None:
    """Keep the secrets for the next time, for their owner's eyes alone. On disk before it is named so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".new")
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(whole, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def write(root: Path, layout: Layout) -> None:
    """Write every file under `root`, each folder by its name; other files in these folders go.

    A file that holds it already is left alone.

    Raises ProvisionError where `root` cannot be closed to others.
    """
    root.mkdir(parents=True, exist_ok=True)
    try:
        # In an image it is closed already, and the file system may be read-only.
        if stat.S_IMODE(root.stat().st_mode) != PRIVATE:
            root.chmod(PRIVATE)
    except OSError as error:
        raise ProvisionError(f"{root} is another user's; make it one of this step's user, of mode 0700") from error
    for folder, files in layout.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = root / folder / name
            if path.is_file() and path.read_text(encoding="utf-8") == content:
                continue
            written = path.with_name(f".{name}.new")
            written.write_text(content, encoding="utf-8")
            written.chmod(0o444)
            written.replace(path)
        for path in (root / folder).iterdir():
            # What a person gave before and gives no longer, and what an interrupted step left.
            if path.name not in files and path.is_file():
                path.unlink()
