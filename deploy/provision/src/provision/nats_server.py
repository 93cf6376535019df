"""The configuration of a NATS server as data: its users and permissions out of `contracts`, every message on disk
before it is acknowledged (`sync_interval: always`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.permissions import USERS, Permissions
from contracts.streams import STREAMS

# The server counts a stream's limit as taken when it is declared, however little it holds.
STORE_BYTES: Final = sum(stream.max_bytes for stream in STREAMS) + 512 * 1024**2
CLUSTER: Final = "todo-agent"
ROUTES: Final = "routes"
"""What servers of a cluster call themselves to each other, where they are asked for a password."""


@dataclass(frozen=True)
class Place:
    """Where a server is and what it is called: addresses as `host:port`, `store` its directory.

    `monitoring` serves HTTP to whoever reaches it. `routes` are all servers of a cluster as `host:port`, itself among
    them or not: a server knows itself. Without a `cluster_password`, whoever reaches `cluster_listen` joins.
    """

    name: str
    listen: str
    store: str
    monitoring: str | None = None
    cluster_listen: str | None = None
    cluster_password: str | None = field(default=None, repr=False)
    routes: Sequence[str] = ()


def configuration(
    place: Place, passwords: Mapping[str, str], users: Sequence[Permissions] = USERS
) -> dict[str, object]:
    """What `nats-server --config` reads. `passwords` by user, for every one of `users`."""
    return {
        "server_name": place.name,
        "listen": place.listen,
        **({} if place.monitoring is None else {"http": place.monitoring}),
        **({} if place.cluster_listen is None else {"cluster": _cluster(place)}),
        "jetstream": {
            "store_dir": place.store,
            "sync_interval": "always",
            "max_file_store": STORE_BYTES,
            "max_memory_store": 64 * 1024**2,
        },
        "max_payload": BUS_PAYLOAD_MAX_BYTES,
        "max_connections": 256,
        "ping_interval": "10s",
        "write_deadline": "5s",
        "lame_duck_grace_period": "2s",
        "lame_duck_duration": "30s",
        "authorization": {
            "timeout": 2,
            "users": [_user(permissions, passwords[permissions.user]) for permissions in users],
        },
    }


def text_of(configuration: Mapping[str, object]) -> str:
    """The configuration as a file. NATS' own format contains JSON, and JSON quotes whatever a path may hold."""
    return json.dumps(configuration, indent=2, ensure_ascii=False) + "\n"


def _cluster(place: Place) -> dict[str, object]:
    password = place.cluster_password
    login = "" if password is None else f"{ROUTES}:{quote(password, safe='')}@"
    return {
        "name": CLUSTER,
        "listen": place.cluster_listen,
        **({} if password is None else {"authorization": {"user": ROUTES, "password": password, "timeout": 2}}),
        "routes": [f"nats://{login}{route}" for route in place.routes],
    }


def _user(permissions: Permissions, password: str) -> dict[str, object]:
    allowed: dict[str, object] = {
        "publish": {"allow": list(permissions.publish)} if permissions.publish else {"deny": ">"},
        "subscribe": {"allow": [*permissions.subscribe, f"{permissions.inbox_prefix}.>"]},
    }
    if permissions.responses:
        allowed["allow_responses"] = {"max": permissions.responses, "expires": "1m"}
    return {"user": permissions.user, "password": password, "permissions": allowed}
