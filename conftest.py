"""What every test may ask for: the real servers, started once, and the whole stack.

`postgres`, `nats_server`: servers for the session. `database_url`: a fresh migrated database for each module. `stack`:
everything by `todo-agent up`, as a person starts it, with two agents and two gateways. `measured`: what this process
counts.
"""

# First of all: OpenTelemetry's providers do work in a forked child, with a pool whose lock is let go there only if this
# was imported before the first of them was made. Otherwise a child of `preexec_fn` hangs before its exec.
import concurrent.futures.thread  # noqa: F401
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.telemetry.measured import Measured
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from bus import metering
from local_stack.child import Command, run_to_end
from local_stack.directory import DataDirectory
from local_stack.journal import Journal
from local_stack.postgres import STORE_USER
from local_stack.temporary import (
    RunningNats,
    RunningPostgres,
    RunningStack,
    running_nats,
    running_postgres,
    running_stack,
    temporary_directory,
)

NETWORK = "tests/network"
MIGRATION_TIMEOUT_S = 60.0
TEMPLATE = "migrated"


class FilesTogether(LoadFileScheduling):  # type: ignore[misc] # xdist says nothing of its types
    """Which tests stay together where several processes run them, each with its own servers: those of a file, and those
    of the network of namespaces, of which a machine has one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return NETWORK if file.startswith(f"{NETWORK}/") else file


# Not xdist's marks for groups: they are written into a field of a test that pytest 9.2 does not have any more.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    return FilesTogether(config, log)


@pytest.fixture(scope="session", autouse=True)
def metric_reader() -> InMemoryMetricReader:
    """Everything is measured in tests, and a label that is not listed is an error."""
    metering.raise_for_unlisted_labels()
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
    return reader


@pytest.fixture
def measured(metric_reader: InMemoryMetricReader) -> Measured:
    """`measured(instrument, labels)`: by how much it has grown since the test began."""
    return Measured(metric_reader)


@pytest.fixture(scope="session")
def server_directory() -> Iterator[DataDirectory]:
    """A data directory for the session's servers, reachable by the user that they run as."""
    with temporary_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
async def postgres(server_directory: DataDirectory) -> AsyncIterator[RunningPostgres]:
    """A PostgreSQL server. `superuser_url()`, `store_url(database)`."""
    async with running_postgres(server_directory) as server:
        yield server


@pytest.fixture(scope="session")
async def nats_server(server_directory: DataDirectory) -> AsyncIterator[RunningNats]:
    """A NATS server with permissions in force and streams declared. `bus_settings(user)`."""
    async with running_nats(server_directory) as server:
        yield server


@pytest.fixture(scope="session")
async def migrated_template(postgres: RunningPostgres, server_directory: DataDirectory) -> str:
    """The name of a database with the store's tables, to copy from."""
    await _as_superuser(postgres, f'CREATE DATABASE "{TEMPLATE}" OWNER {STORE_USER}')
    env = {**os.environ, "DATABASE_URL": postgres.store_url(TEMPLATE)}
    journal = Journal(server_directory.logs / "migration.log")
    try:
        command = Command(argv=(sys.executable, "-m", "todo_store", "migrate"), env=env)
        await run_to_end("migration", command, journal, timeout=MIGRATION_TIMEOUT_S)
    finally:
        journal.close()
    return TEMPLATE


@pytest.fixture(scope="module")
async def database_url(postgres: RunningPostgres, migrated_template: str) -> AsyncIterator[str]:
    """A fresh migrated database for this module, in the form of DATABASE_URL: `postgresql+asyncpg://...`."""
    name = f"module_{secrets.token_hex(4)}"
    await _as_superuser(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}" OWNER {STORE_USER}')
    yield postgres.store_url(name)
    await _as_superuser(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _as_superuser(postgres: RunningPostgres, statement: str) -> None:
    connection = await asyncpg.connect(postgres.superuser_url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[RunningStack]:
    """The whole stack on a free port, with the stand-in model, two agents and two gateways."""
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2") as running:
            yield running
