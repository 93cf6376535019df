"""The real servers and services of a matrix, in one process: NATS with permissions, PostgreSQL, todo-store, workers."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
from pydantic import SecretStr

from bench.faults.case import Database
from bench.faults.state import State, state_from
from bus.interface import Job
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.todo import Author
from contracts.turns import TurnStarted
from local_stack.child import Command, run_to_end
from local_stack.directory import DataDirectory
from local_stack.journal import Journal
from local_stack.temporary import RunningNats, running_nats, running_postgres
from todo_store import bootstrap, sessions
from todo_store.handlers import Handlers
from todo_store.settings import Settings

MIGRATION_TIMEOUT_S: Final = 60.0
SLOTS: Final = 8
POOL: Final = 6

SABOTAGE: Final = """
CREATE TABLE bench_sabotage (owner_key text PRIMARY KEY, fault text NOT NULL);
CREATE FUNCTION bench_sabotage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text;
    written int;
BEGIN
    IF pg_trigger_depth() > 1 THEN
        RETURN NEW;
    END IF;
    SELECT fault INTO wanted FROM bench_sabotage NATURAL JOIN changes
        WHERE owner_key = NEW.owner_key AND revision = current_setting('todo.revision')::bigint AND author = 'chat';
    IF wanted IS NULL THEN
        RETURN NEW;
    END IF;
    IF wanted = 'drops every write' THEN
        RETURN NULL;
    END IF;
    IF wanted = 'drops all but the first write' THEN
        written := coalesce(nullif(current_setting('bench.written', true), ''), '0')::int + 1;
        PERFORM set_config('bench.written', written::text, true);
        IF written > 1 THEN
            RETURN NULL;
        END IF;
        RETURN NEW;
    END IF;
    IF wanted = 'writes another title' THEN
        IF TG_TABLE_NAME = 'todo_lists' THEN
            NEW.name := NEW.name || ' as well';
        ELSE
            NEW.title := NEW.title || ' as well';
        END IF;
        RETURN NEW;
    END IF;
    IF wanted = 'changes another item, too' THEN
        UPDATE todo_items SET priority = 'low' WHERE owner_key = NEW.owner_key AND title IN ('hose', 'pipe');
        RETURN NEW;
    END IF;
    IF wanted = 'writes every new item twice' AND TG_OP = 'INSERT' AND TG_TABLE_NAME = 'todo_items' THEN
        INSERT INTO todo_items (owner_key, id, list_id, title, notes, done, due, priority, position)
        VALUES (NEW.owner_key, NEW.id || 'x', NEW.list_id, NEW.title, NEW.notes, NEW.done, NEW.due, NEW.priority,
            NEW.position || 'x');
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER bench_sabotage BEFORE INSERT OR UPDATE ON todo_items FOR EACH ROW EXECUTE FUNCTION bench_sabotage();
CREATE TRIGGER bench_sabotage BEFORE INSERT OR UPDATE ON todo_lists FOR EACH ROW EXECUTE FUNCTION bench_sabotage();
"""
_LISTS: Final = "SELECT id, name FROM todo_lists WHERE owner_key = $1 AND deleted_at IS NULL ORDER BY position, id"
_ITEMS: Final = (
    "SELECT list_id, title, notes, done, due, priority FROM todo_items"
    " WHERE owner_key = $1 AND deleted_at IS NULL ORDER BY list_id, position, id"
)
_NAMES: Final = (
    "SELECT coalesce(side ->> 'title', side ->> 'name') AS name FROM change_images,"
    " LATERAL (VALUES (before), (after)) AS sides (side) WHERE owner_key = $1 AND side IS NOT NULL"
)
_APPLIED: Final = "SELECT count(*) FROM changes WHERE owner_key = $1 AND author = $2"

Handle = Callable[[Job], Awaitable[None]]


@dataclass
class World:
    """`agent` and `page` are buses with the rights of the agent and of a gateway."""

    agent: NatsBus
    page: NatsBus
    database: asyncpg.Pool
    handlers: dict[str, Handle] = field(default_factory=dict)  # of each turn that is under way, by its id

    async def work(self, job: Job) -> None:
        """A fetched job goes to the turn's own workers; one of a run that has ended goes nowhere."""
        handle = self.handlers.get(TurnStarted.from_json(job.data).turn_id)
        if handle is not None:
            await handle(job)

    async def rows(self, owner: str) -> State:
        """What PostgreSQL holds, in one transaction, past every service."""
        async with self.database.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            lists, items = await connection.fetch(_LISTS, owner), await connection.fetch(_ITEMS, owner)
        return state_from(map(dict, lists), map(dict, items))

    async def journalled(self, owner: str) -> tuple[int, frozenset[str]]:
        """How many changes came through the chat, and every name in the journal."""
        async with self.database.acquire() as connection:
            applied = await connection.fetchval(_APPLIED, owner, Author.CHAT.value)
            names = await connection.fetch(_NAMES, owner)
        return int(applied), frozenset(str(row["name"]) for row in names)

    async def sabotage(self, owner: str, fault: Database) -> None:
        """From now on this happens to what is written for the owner through the chat."""
        async with self.database.acquire() as connection:
            await connection.execute("INSERT INTO bench_sabotage VALUES ($1, $2)", owner, fault.value)


@asynccontextmanager
async def running_world(directory: DataDirectory) -> AsyncIterator[World]:
    """A world on servers of its own."""
    async with running_postgres(directory) as postgres, running_nats(directory) as nats:
        await _migrate(directory, postgres.store_url())
        async with world_on(nats, postgres.store_url()) as world:
            yield world


@asynccontextmanager
async def world_on(nats: RunningNats, database_url: str) -> AsyncIterator[World]:
    """A world on servers that run, and on a migrated database of which it may do as it likes."""
    plain = database_url.replace("postgresql+asyncpg://", "postgresql://")
    settings = Settings(database_url=SecretStr(database_url))
    async with (
        asyncpg.create_pool(plain, min_size=1, max_size=POOL) as pool,
        sessions.database(settings) as database,
        NatsBus.connected_to(nats.bus_settings("todo-store")) as store_bus,
        NatsBus.connected_to(nats.bus_settings("agent")) as agent_bus,
        NatsBus.connected_to(nats.bus_settings("rtc-gateway")) as page_bus,
        bootstrap.served(store_bus, Handlers(database, lambda: None)),
    ):
        async with pool.acquire() as connection:
            await connection.execute(SABOTAGE)
        world = World(agent_bus, page_bus, pool)
        consumers = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))
        work = await agent_bus.work(streams.CHAT, consumers, world.work, slots=SLOTS, hints=subjects.LIVE_JOBS)
        try:
            yield world
        finally:
            await work.close()


async def _migrate(directory: DataDirectory, url: str) -> None:
    journal = Journal(directory.logs / "migration.log")
    try:
        command = Command(argv=(sys.executable, "-m", "todo_store", "migrate"), env={**os.environ, "DATABASE_URL": url})
        await run_to_end("migration", command, journal, timeout=MIGRATION_TIMEOUT_S)
    finally:
        journal.close()
