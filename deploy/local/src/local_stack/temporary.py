"""Real servers for the length of a block, for tests, benches and a restore: the same binaries, configuration and
permissions."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bus.nats_bus import BusSettings
from contracts.permissions import USERS, Permissions
from local_stack.account import unprivileged
from local_stack.binaries import usable
from local_stack.child import Child
from local_stack.death import bound_to_us
from local_stack.directory import DataDirectory, prepare
from local_stack.errors import StackError
from local_stack.journal import Journal
from local_stack.nats import Nats
from local_stack.passwords import Passwords, load_or_make
from local_stack.ports import free_port
from local_stack.postgres import STORE_DATABASE, STORE_DRIVER, STORE_USER, SUPERUSER, Postgres
from provision.topology import declare

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
STACK_TIMEOUT_S: Final = 90.0
STACK_STOP_TIMEOUT_S: Final = 20.0
SAID_CHARS: Final = 4000


@dataclass(frozen=True)
class RunningPostgres:
    """A cluster that serves. URLs for asyncpg, or with `driver` for SQLAlchemy."""

    server: Postgres
    passwords: Passwords = field(repr=False)
    child: Child

    def superuser_url(self, database: str = "postgres", *, driver: str = "postgresql") -> str:
        return self.server.url(SUPERUSER, self.passwords.superuser, database, driver=driver)

    def store_url(self, database: str = STORE_DATABASE, *, driver: str = STORE_DRIVER) -> str:
        """As the todo-store's own user, who owns `database`; by default in the form of DATABASE_URL."""
        return self.server.url(STORE_USER, self.passwords.store, database, driver=driver)


@dataclass(frozen=True)
class RunningNats:
    """A server with JetStream, its users' permissions in force, its streams declared."""

    server: Nats
    passwords: Mapping[str, str] = field(repr=False)
    child: Child

    @property
    def url(self) -> str:
        return self.server.url

    def bus_settings(self, user: str) -> BusSettings:
        """How `user`, one of `contracts.permissions.USERS`, reaches it."""
        return self.server.settings(user, self.passwords)


@dataclass(frozen=True)
class RunningStack:
    """A stack as `todo-agent up` runs it. `database_url` is for asyncpg, as the store's user.

    `said` holds what it wrote on stderr, `process` is the supervisor.
    """

    url: str
    data: Path
    database_url: str
    said: Path
    process: Process

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self.process.pid


@contextmanager
def temporary_directory() -> Iterator[DataDirectory]:
    """A data directory that the servers' account can reach, gone afterwards."""
    path = Path(tempfile.mkdtemp(prefix="todo-agent-"))
    try:
        # mkdtemp makes it for its owner alone; the account must pass through. What is in it stays closed.
        path.chmod(0o711)
        yield prepare(path, unprivileged())
    finally:
        shutil.rmtree(path)


@asynccontextmanager
async def running_postgres(directory: DataDirectory) -> AsyncIterator[RunningPostgres]:
    """PostgreSQL in `directory`, made if there is none. Start it where the process will not lose its main thread."""
    passwords = load_or_make(directory.secrets)
    server = Postgres.of(directory, usable(directory).postgres, free_port())
    await server.initialise(passwords)
    journal = Journal(directory.logs / "postgres.log")
    try:
        child = await Child.start("postgres", server.command(), journal)
        async with serving(child):
            yield RunningPostgres(server, passwords, child)
    finally:
        journal.close()


@asynccontextmanager
async def running_nats(directory: DataDirectory, users: Sequence[Permissions] = USERS) -> AsyncIterator[RunningNats]:
    """NATS in `directory`, with the streams of `contracts`. `users` may be given less than their services need."""
    passwords = load_or_make(directory.secrets)
    server = Nats.of(directory, usable(directory).nats_server, free_port())
    server.configure(passwords.bus, users)
    journal = Journal(directory.logs / "nats.log")
    try:
        child = await Child.start("nats", server.command(), journal)
        async with serving(child):
            await declare(server.settings("topology", passwords.bus))
            yield RunningNats(server, passwords.bus, child)
    finally:
        journal.close()


@asynccontextmanager
async def running_again(server: RunningNats, directory: DataDirectory) -> AsyncIterator[RunningNats]:
    """A server that has ended, with its store, its port, and its configuration as it stands now."""
    journal = Journal(directory.logs / "nats.log")
    try:
        child = await Child.start("nats", server.server.command(), journal)
        async with serving(child):
            yield replace(server, child=child)
    finally:
        journal.close()


@asynccontextmanager
async def serving(child: Child) -> AsyncIterator[None]:
    """From its ready line to its end, which comes with the block's."""
    try:
        await child.serving(timeout=START_TIMEOUT_S)
        yield
    finally:
        child.stop()
        if not await child.ended_within(STOP_TIMEOUT_S):
            child.kill()
            await child.wait()


@asynccontextmanager
async def running_stack(
    directory: DataDirectory,
    *arguments: str,
    environ: Mapping[str, str] = MappingProxyType({}),
    launcher: Sequence[str] = (),
) -> AsyncIterator[RunningStack]:
    """`todo-agent up` in `directory`, on a free port, with further arguments. Raises StackError if it does not come up.

    `environ` is added to our own environment. `launcher` becomes the command it is given, as nsenter does.
    """
    said = directory.logs / "supervisor.log"
    with said.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(*launcher, sys.executable, "-m", "local_stack", "up"),
            *("--port", str(free_port()), "--data", str(directory.path)),
            *arguments,
            env={**os.environ, **environ},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=stderr,
            preexec_fn=bound_to_us(signal.SIGKILL),
        )
    try:
        line = await _first_line(process)
        if not line.startswith("ready "):
            raise StackError(f"the stack did not come up:\n{said.read_text(errors='replace')[-SAID_CHARS:]}")
        state = json.loads(directory.state.read_text())
        yield RunningStack(line.removeprefix("ready "), directory.path, state["database_url"], said, process)
    finally:
        await _stop(process)


async def _first_line(process: Process) -> str:
    if process.stdout is None:
        return ""
    try:
        return (await asyncio.wait_for(process.stdout.readline(), STACK_TIMEOUT_S)).decode().strip()
    except TimeoutError:
        return ""


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        # To the end of its output, too: the pipe's transport is closed by that.
        await asyncio.wait_for(process.communicate(), STACK_STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.communicate()
