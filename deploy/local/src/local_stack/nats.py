"""NATS with JetStream from its wheel: users and permissions out of `contracts`, on the loopback, in the foreground.

Every message is on disk before it is acknowledged (`sync_interval: always`).
"""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bus.nats_bus import BusSettings
from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.permissions import USERS, Permissions
from contracts.streams import STREAMS
from local_stack.account import Account
from local_stack.child import Command
from local_stack.directory import DataDirectory
from local_stack.ports import LOOPBACK
from local_stack.private_file import write_private

# The server counts a stream's limit as taken when it is declared, however little it holds.
_STORE_BYTES: Final = sum(stream.max_bytes for stream in STREAMS) + 512 * 1024**2


@dataclass(frozen=True)
class Member:
    """What makes a server one of a cluster on this machine: its name, its port for the others, and all such ports."""

    name: str
    port: int
    ports: tuple[int, ...]


@dataclass(frozen=True)
class Nats:
    """One server: where it stores, who runs it, and the port it serves."""

    binary: Path
    directory: Path
    account: Account | None
    port: int
    monitoring_port: int | None = None
    member: Member | None = None

    @classmethod
    def of(cls, directory: DataDirectory, binary: Path, port: int) -> "Nats":
        return cls(binary, directory.nats, directory.account, port)

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    def configure(self, passwords: Mapping[str, str], users: Sequence[Permissions] = USERS) -> None:
        """Write the configuration. `passwords` by user, for every one of `users`."""
        configuration = server_configuration(
            port=self.port,
            monitoring_port=self.monitoring_port,
            store=self.directory / "jetstream",
            passwords=passwords,
            users=users,
            member=self.member,
        )
        # NATS' own format contains JSON, and JSON quotes whatever a path may hold.
        text = json.dumps(configuration, indent=2, ensure_ascii=False)
        write_private(self.directory / "nats.conf", text + "\n", owner=self.account)

    def command(self) -> Command:
        """`nats-server` in the foreground."""
        return Command(
            argv=(str(self.binary), "--config", str(self.directory / "nats.conf")),
            env={"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"},
            account=self.account,
            ready_line=b"Server is ready",
            stop_signal=signal.SIGTERM,
        )

    def settings(self, user: str, passwords: Mapping[str, str]) -> BusSettings:
        """How `user` reaches this server."""
        prefix = next(permissions.inbox_prefix for permissions in USERS if permissions.user == user)
        return BusSettings(url=self.url, user=user, password=passwords[user], inbox_prefix=prefix, name=user)


def server_configuration(
    *,
    port: int,
    monitoring_port: int | None,
    store: Path,
    passwords: Mapping[str, str],
    users: Sequence[Permissions] = USERS,
    member: Member | None = None,
) -> dict[str, object]:
    """The server's configuration as data. Ports are of 127.0.0.1."""
    monitoring = {} if monitoring_port is None else {"http": f"{LOOPBACK}:{monitoring_port}"}
    return {
        "server_name": "todo-agent-local" if member is None else member.name,
        "listen": f"{LOOPBACK}:{port}",
        **monitoring,
        **({} if member is None else {"cluster": _cluster(member)}),
        "jetstream": {
            "store_dir": str(store),
            "sync_interval": "always",
            "max_file_store": _STORE_BYTES,
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


def _cluster(member: Member) -> dict[str, object]:
    # A server knows itself among the routes, so all can have the same.
    routes = [f"nats://{LOOPBACK}:{port}" for port in member.ports]
    return {"name": "todo-agent", "listen": f"{LOOPBACK}:{member.port}", "routes": routes}


def _user(permissions: Permissions, password: str) -> dict[str, object]:
    allowed: dict[str, object] = {
        "publish": {"allow": list(permissions.publish)} if permissions.publish else {"deny": ">"},
        "subscribe": {"allow": [*permissions.subscribe, f"{permissions.inbox_prefix}.>"]},
    }
    if permissions.responses:
        allowed["allow_responses"] = {"max": permissions.responses, "expires": "1m"}
    return {"user": permissions.user, "password": password, "permissions": allowed}
