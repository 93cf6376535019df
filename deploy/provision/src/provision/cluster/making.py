"""The Secrets of a namespace: made where they are missing, given the keys that they lack, and never changed otherwise:
servers keep what they were told.

Three are sources, which nothing is derived from but by us: `nats`, `postgres` and `coturn`. Each service has one of its
own beside them, with its part, and may read no other.
"""

import secrets
from collections.abc import Mapping
from typing import Final, Protocol

from contracts.permissions import USERS
from provision.errors import ProvisionError
from provision.nats_server import ROUTES
from provision.secrets import PASSWORD_BYTES, Database, database_url

NATS: Final = "nats"
POSTGRES: Final = "postgres"
COTURN: Final = "coturn"

SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    NATS: (*(user.user for user in USERS), ROUTES),
    POSTGRES: ("superuser_password", "store_password"),
    COTURN: ("turn_secret", "turn_secret_before"),
}
"""The keys of each."""
ADDABLE: Final = frozenset({NATS})
"""Whose servers remember nothing else. PostgreSQL was made with its passwords, and coturn's are a pair."""

Values = Mapping[str, str]


class Namespace(Protocol):
    """Where Secrets are. All raise ProvisionError."""

    def read(self, name: str) -> dict[str, str] | None:
        """What one holds; None where there is none."""

    def make(self, name: str, values: Values) -> bool:
        """False where one was made meanwhile."""

    def add(self, name: str, values: Values) -> None:
        """Give one further keys."""


def complete(namespace: Namespace, database: Database) -> tuple[str, ...]:
    """Make what is missing; returns the names of what was made or completed. Raises ProvisionError for a Secret that
    lacks what cannot be added, or that holds a password which is good no longer.
    """
    made: list[str] = []
    sources = {name: _there(namespace, name, _source(name), made, addable=name in ADDABLE) for name in SOURCES}
    for name, values in derived(sources, database).items():
        held = _there(namespace, name, values, made, addable=True)
        if held["nats_password"] != values["nats_password"]:
            raise ProvisionError(
                f"Secret {name} holds another nats_password than Secret {NATS} has for it; take that key out, "
                "and it is added anew"
            )
    return tuple(made)


def derived(sources: Mapping[str, Values], database: Database) -> dict[str, dict[str, str]]:
    """The Secret of each user of the bus, out of the sources."""
    services = {user.user: {"nats_password": sources[NATS][user.user]} for user in USERS}
    turn = sources[COTURN]
    # Passwords are made by the first; coturn takes those of both.
    services["signaling"]["turn_secret"] = ",".join(dict.fromkeys((turn["turn_secret"], turn["turn_secret_before"])))
    services["todo-store"]["database_url"] = database_url(database, sources[POSTGRES]["store_password"])
    return services


def _source(name: str) -> dict[str, str]:
    # Letters, digits, _ and -: nobody has to quote them.
    values = {key: secrets.token_urlsafe(PASSWORD_BYTES) for key in SOURCES[name]}
    if name == COTURN:
        # There is none before the first. Empty, it would let everybody in (deploy/coturn).
        values["turn_secret_before"] = values["turn_secret"]
    return values


def _there(namespace: Namespace, name: str, values: Values, made: list[str], *, addable: bool) -> Values:
    """What the Secret holds, once it is there and has every key of `values`."""
    held = namespace.read(name)
    if held is None:
        if namespace.make(name, values):
            made.append(name)
            return values
        held = namespace.read(name) or {}
    missing = {key: value for key, value in values.items() if not held.get(key)}
    if missing and not addable:
        raise ProvisionError(f"Secret {name} lacks {', '.join(missing)}, which was given out before; add it")
    if missing:
        namespace.add(name, missing)
        made.append(name)
    return {**held, **missing}
