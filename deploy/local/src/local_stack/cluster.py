"""A cluster of NATS servers on this machine for the length of a block, for tests: three, each stream on all of them."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bus.nats_bus import BusSettings
from local_stack.binaries import usable
from local_stack.child import Child
from local_stack.directory import DataDirectory
from local_stack.errors import StackError
from local_stack.journal import Journal
from local_stack.nats import Member, Nats
from local_stack.passwords import load_or_make
from local_stack.ports import free_port
from local_stack.temporary import RunningNats, serving
from provision.topology import TopologyError, declare

SERVERS: Final = 3
ELECTION_TIMEOUT_S: Final = 30.0
RETRY_S: Final = 0.2


@dataclass(frozen=True)
class RunningCluster:
    """Servers by name. One that was killed stays listed."""

    servers: Mapping[str, RunningNats]
    passwords: Mapping[str, str] = field(repr=False)

    def bus_settings(self, user: str) -> BusSettings:
        """How `user` reaches it, through whichever server is there."""
        one = next(iter(self.servers.values())).bus_settings(user)
        return replace(one, url=",".join(server.url for server in self.servers.values()))


@asynccontextmanager
async def running_cluster(directory: DataDirectory) -> AsyncIterator[RunningCluster]:
    """Three servers in `directory`, with the streams of `contracts` on each. Raises StackError."""
    passwords = load_or_make(directory.secrets)
    binary = usable(directory).nats_server
    names = tuple(f"n{number}" for number in range(1, SERVERS + 1))
    ports = tuple(free_port() for _ in names)
    async with AsyncExitStack() as stack:
        servers: dict[str, RunningNats] = {}
        for name, port in zip(names, ports, strict=True):
            home = _home(directory, name)
            server = Nats(binary, home, directory.account, free_port(), member=Member(name, port, ports))
            server.configure(passwords.bus)
            journal = Journal(directory.logs / f"nats-{name}.log")
            stack.callback(journal.close)
            child = await Child.start(f"nats {name}", server.command(), journal)
            # A server of a cluster says that it is ready when it is, not when the cluster is.
            await stack.enter_async_context(serving(child))
            servers[name] = RunningNats(server, passwords.bus, child)
        cluster = RunningCluster(servers, passwords.bus)
        await _declared(cluster.bus_settings("topology"))
        yield cluster


async def _declared(settings: BusSettings) -> None:
    """JetStream answers once the servers have elected a leader, and not before."""
    last: TopologyError | None = None
    try:
        async with asyncio.timeout(ELECTION_TIMEOUT_S):
            while True:
                try:
                    await declare(settings, replicas=SERVERS)
                except TopologyError as error:
                    last = error
                    await asyncio.sleep(RETRY_S)
                else:
                    return
    except TimeoutError as error:
        raise StackError(f"the cluster has no streams after {ELECTION_TIMEOUT_S:g} s: {last}") from error


def _home(directory: DataDirectory, name: str) -> Path:
    home = directory.nats / name
    home.mkdir(mode=0o700)
    if directory.account is not None:
        os.chown(home, directory.account.uid, directory.account.gid)
    return home
