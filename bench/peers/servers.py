"""PostgreSQL, NATS, todo-store and agent for the comparison: the real ones, beside a user for the peers' tools."""

import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from bench.environments import ROOT
from bus.nats_bus import BusSettings, NatsBus
from contracts import subjects
from contracts.permissions import USERS, Permissions
from local_stack.binaries import usable
from local_stack.child import Child, Command, run_to_end
from local_stack.directory import DataDirectory
from local_stack.journal import Journal
from local_stack.nats import Nats
from local_stack.passwords import load_or_make
from local_stack.ports import free_port
from local_stack.temporary import running_postgres, serving
from provision.topology import declare
from standin.lmstudio import MODEL_ID

PEERS: Final = Permissions(user="peers", publish=(subjects.TODO_SNAPSHOT, subjects.TODO_APPLY), subscribe=())
"""What a peer's tools may do: read, and write as our agent does."""
BENCH: Final = Permissions(
    user="bench",
    publish=(subjects.TODO_SNAPSHOT, subjects.TODO_APPLY, "evt.chat.*.*.start"),
    subscribe=("live.evt.chat.>",),
)
"""Seeds, plays the other writer, reads what became of it, and asks our agent as a gateway does."""
MIGRATION_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class Servers:
    """What runs: the bench's own bus, and how a peer reaches NATS, as its environment."""

    bus: NatsBus
    peers_env: Mapping[str, str]


@asynccontextmanager
async def running(directory: DataDirectory, model_url: str) -> AsyncIterator[Servers]:
    """Everything, for the length of the block."""
    passwords = load_or_make(directory.secrets)
    users = (*USERS, PEERS, BENCH)
    bus_passwords = {**passwords.bus, **{user.user: secrets.token_urlsafe(24) for user in (PEERS, BENCH)}}
    nats = Nats.of(directory, usable(directory).nats_server, free_port())
    nats.configure(bus_passwords, users)
    async with running_postgres(directory) as postgres, _child("nats", nats.command(), directory):
        await declare(nats.settings("topology", bus_passwords))
        env = {"DATABASE_URL": postgres.store_url(), "NATS_URL": nats.url}
        await _migrate(directory, env)
        store = _service("bench.peers.faulty_store", {**env, "NATS_PASSWORD": bus_passwords["todo-store"]})
        agent = _service(
            "agent",
            {
                "NATS_URL": nats.url,
                "NATS_PASSWORD": bus_passwords["agent"],
                "MODEL_URL": model_url,
                "MODEL_NAME": MODEL_ID,
            },
        )
        settings = BusSettings(
            url=nats.url,
            user=BENCH.user,
            password=bus_passwords[BENCH.user],
            inbox_prefix=BENCH.inbox_prefix,
            name="bench",
        )
        async with (
            _child("todo-store", store, directory),
            _child("agent", agent, directory),
            NatsBus.connected_to(settings) as bus,
        ):
            yield Servers(
                bus,
                {
                    "PEERS_NATS_URL": nats.url,
                    "PEERS_NATS_USER": PEERS.user,
                    "PEERS_NATS_PASSWORD": bus_passwords[PEERS.user],
                    "PEERS_NATS_INBOX": PEERS.inbox_prefix,
                },
            )


def _service(module: str, env: Mapping[str, str]) -> Command:
    return Command(
        argv=(sys.executable, "-m", module),
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **env,
        },
        ready_line=b"serving",
    )


async def _migrate(directory: DataDirectory, env: Mapping[str, str]) -> None:
    journal = Journal(directory.logs / "migration.log")
    try:
        command = Command(argv=(sys.executable, "-m", "todo_store", "migrate"), env={**os.environ, **env})
        await run_to_end("migration", command, journal, timeout=MIGRATION_TIMEOUT_S)
    finally:
        journal.close()


@asynccontextmanager
async def _child(name: str, command: Command, directory: DataDirectory) -> AsyncIterator[None]:
    journal = Journal(directory.logs / f"{name}.log")
    try:
        async with serving(await Child.start(name, command, journal)):
            yield
    finally:
        journal.close()
