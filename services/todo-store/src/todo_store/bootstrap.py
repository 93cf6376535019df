"""The one place where the real adapters are joined: PostgreSQL, the bus, the relay, a handler for each subject."""

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import asyncpg
from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from bus.interface import Bus, Subscription
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.dialogue import RememberRequest
from contracts.message import problem_of
from contracts.store import (
    ApplyRequest,
    CancelRequest,
    ChangesRequest,
    SearchRequest,
    SnapshotRequest,
    TakeOverRequest,
)
from contracts.tokens import OWNER_PATTERN
from runtime import logs, measuring
from runtime.process import Running
from todo_store import migrations, readiness, sessions
from todo_store.errors import CommitUnknownError, is_away
from todo_store.handlers import Handlers
from todo_store.relay import Relay
from todo_store.relay_watch import RelayWatch
from todo_store.repository import forgetting
from todo_store.repository.forgetting import Forgotten
from todo_store.sessions import Database
from todo_store.settings import Settings

log = logging.getLogger(__name__)

SERVICE: Final = "todo-store"


@asynccontextmanager
async def start(settings: Settings) -> AsyncIterator[Running]:
    """Serve within the block. Leaving takes no more requests, finishes those in flight, publishes, and closes."""
    async with sessions.database(settings) as database:
        await readiness.wait_for_schema(database, settings.schema_wait_s)
        async with NatsBus.connected_to(settings.bus(SERVICE)) as bus:
            keep = timedelta(days=settings.keep_sentences_days)
            relay = Relay(settings.database_url.get_secret_value(), bus, keep=keep)
            async with relay.running(), watched(settings, database), served(bus, Handlers(database, relay.wake)):
                yield Running(ready=lambda: readiness.missing(database, bus))


def watched(settings: Settings, database: Database) -> AbstractAsyncContextManager[None]:
    """The database is not asked how far the relay is behind where nobody looks."""
    measured = measuring.wanted(scraped=settings.metrics_port is not None)
    return RelayWatch(database).shown() if measured else nullcontext()


@asynccontextmanager
async def served(bus: Bus, handlers: Handlers) -> AsyncIterator[None]:
    """Answer on every subject of the store, for the length of the block."""
    queue = subjects.QUEUE_TODO
    taken: list[Subscription] = []
    try:
        taken.append(await bus.serve_many(subjects.TODO_SNAPSHOT, SnapshotRequest, handlers.snapshot, queue=queue))
        taken.append(await bus.serve(subjects.TODO_APPLY, ApplyRequest, handlers.apply, queue=queue))
        taken.append(await bus.serve(subjects.TODO_TAKE_OVER, TakeOverRequest, handlers.take_over, queue=queue))
        taken.append(await bus.serve(subjects.TODO_CANCEL, CancelRequest, handlers.cancel, queue=queue))
        taken.append(await bus.serve(subjects.TODO_CHANGES, ChangesRequest, handlers.changes, queue=queue))
        taken.append(await bus.serve(subjects.TODO_SEARCH, SearchRequest, handlers.search, queue=queue))
        taken.append(await bus.serve(subjects.TODO_REMEMBER, RememberRequest, handlers.remember, queue=queue))
        yield
    finally:
        await asyncio.gather(*(subscription.close() for subscription in taken))


def migrate() -> None:
    """Bring the schema up to date and return; one of a later release is left as it is.

    Waits for a database that is away. Exits 1, after one line on stderr, when it cannot.
    """
    settings = _settings()
    url = settings.database_url.get_secret_value()
    try:
        ours = asyncio.run(_upgraded(url, settings.database_wait_s))
    except (DBAPIError, asyncpg.PostgresError, CommandError, OSError, TimeoutError) as error:
        log.error("migration failed", exc_info=error, extra={"database": _place(url)})
        sys.exit(1)
    known = {"revision": migrations.head()}
    if ours:
        log.info("schema is up to date", extra=known)
    else:
        log.info("schema is a later release's, and left as it is", extra=known)


async def _upgraded(url: str, wait_s: float) -> bool:
    """Again and again while the database is away, which it is while its own first start goes on."""
    until = time.monotonic() + wait_s
    while True:
        try:
            return await migrations.upgrade(url)
        except (DBAPIError, asyncpg.PostgresError, OSError, TimeoutError) as error:
            if not is_away(error) or time.monotonic() > until:
                raise
            log.debug("database does not answer", extra={"error_type": type(error).__qualname__})
        await asyncio.sleep(readiness.RETRY_S)


def forget(owner: str) -> None:
    """Erase an owner, irrevocably, and print how many rows of each kind there were. Exits 1 when it cannot."""
    if re.fullmatch(OWNER_PATTERN, owner) is None:
        sys.exit(f"{SERVICE}: OWNER_KEY must be 26 characters of a-z and 2-7")
    settings = _settings()
    try:
        counts = asyncio.run(_forget(settings, owner))
    except (DBAPIError, asyncpg.PostgresError, CommitUnknownError, OSError, TimeoutError) as error:
        # Erasing again is safe, and tells whether it was done.
        log.error(
            "forgetting failed", exc_info=error, extra={"database": _place(settings.database_url.get_secret_value())}
        )
        sys.exit(1)
    sys.stdout.write(json.dumps(asdict(counts)) + "\n")


async def _forget(settings: Settings, owner: str) -> Forgotten:
    async with sessions.database(settings) as database, database.writing() as session:
        return await forgetting.forget(session, owner) or Forgotten()


def _settings() -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        problem = problem_of(error)
        sys.exit(f"{SERVICE}: setting {(problem.field or '').upper()}: {problem.detail}")
    logs.setup(SERVICE, settings.instance, settings.log_level)
    return settings


def _place(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
