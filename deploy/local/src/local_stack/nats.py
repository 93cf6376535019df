"""NATS with JetStream from its wheel, on the loopback, in the foreground, configured as `provision` says."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bus.nats_bus import BusSettings
from contracts.permissions import USERS, Permissions
from local_stack.account import Account
from local_stack.child import Command
from local_stack.directory import DataDirectory
from local_stack.ports import LOOPBACK
from local_stack.private_file import write_private
from provision import nats_server


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
        text = nats_server.text_of(nats_server.configuration(self._place(), passwords, users))
        write_private(self.directory / "nats.conf", text, owner=self.account)

    def _place(self) -> nats_server.Place:
        member = self.member
        return nats_server.Place(
            name="todo-agent-local" if member is None else member.name,
            listen=f"{LOOPBACK}:{self.port}",
            store=str(self.directory / "jetstream"),
            monitoring=None if self.monitoring_port is None else f"{LOOPBACK}:{self.monitoring_port}",
            cluster_listen=None if member is None else f"{LOOPBACK}:{member.port}",
            # A server knows itself among the routes, so all can have the same.
            routes=() if member is None else tuple(f"{LOOPBACK}:{port}" for port in member.ports),
        )

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
        return settings_of(user, self.url, passwords)


def settings_of(user: str, url: str, passwords: Mapping[str, str]) -> BusSettings:
    """How `user` reaches the server at `url`."""
    prefix = next(permissions.inbox_prefix for permissions in USERS if permissions.user == user)
    return BusSettings(url=url, user=user, password=passwords[user], inbox_prefix=prefix, name=user)
