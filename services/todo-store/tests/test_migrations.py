"""The schema's history: up, down and up again, by one process at a time, always what `schema` says."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bus.errors import UnavailableError
from contracts.operations import CreateItem, CreateList, UpdateItem
from contracts.store import SearchRequest
from contracts.tokens import uuid7
from local_stack.ports import free_port
from local_stack.postgres import STORE_USER
from local_stack.temporary import RunningPostgres
from todo_store import migrations, readiness, sessions
from todo_store.handlers import Handlers
from todo_store.settings import Settings

if TYPE_CHECKING:
    from conftest import Store


async def new_database(postgres: RunningPostgres, *options: str) -> str:
    """An empty database's URL."""
    name = f"empty-{uuid7()}"
    superuser = postgres.superuser_url(driver="postgresql+asyncpg")
    await in_autocommit(superuser, " ".join((f'CREATE DATABASE "{name}" OWNER {STORE_USER}', *options)))
    return postgres.store_url(name)


async def in_autocommit(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            result = await connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        await engine.dispose()


def settings(url: str, wait_s: float = 0.5) -> Settings:
    return Settings(database_url=SecretStr(url), schema_wait_s=wait_s)


async def test_the_schema_goes_up_and_down_and_up_again_without_drift(postgres: RunningPostgres) -> None:
    url = await new_database(postgres)
    await migrations.upgrade(url)
    await migrations.check(url)
    await migrations.downgrade(url, "base")
    left = await in_autocommit(url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    assert left == [("alembic_version",)]
    assert await in_autocommit(url, "SELECT proname FROM pg_proc WHERE proname LIKE 'todo%'") == []
    await migrations.upgrade(url)
    await migrations.check(url)


async def test_two_upgrades_at_the_same_time_both_succeed(postgres: RunningPostgres) -> None:
    url = await new_database(postgres)
    await asyncio.gather(migrations.upgrade(url), migrations.upgrade(url))
    assert await in_autocommit(url, "SELECT version_num FROM alembic_version") == [(migrations.head(),)]


async def test_an_upgrade_waits_while_another_holds_the_lock(postgres: RunningPostgres) -> None:
    url = await new_database(postgres)
    held, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                await connection.execute(text(f"SELECT pg_advisory_lock({migrations.LOCK_KEY})"))
                held.set()
                await go.wait()
        finally:
            await engine.dispose()

    async def somebody_waits() -> None:
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        waiting += " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        while not await in_autocommit(url, waiting):
            continue

    holder = asyncio.create_task(hold())
    await held.wait()
    upgrade = asyncio.create_task(migrations.upgrade(url))
    async with asyncio.timeout(10):
        await somebody_waits()
    assert not upgrade.done()
    go.set()
    async with asyncio.timeout(10):
        await asyncio.gather(holder, upgrade)


async def test_a_table_that_somebody_holds_fails_the_migration_instead_of_queueing(
    postgres: RunningPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "DDL_LOCK_WAIT", "50ms")
    url = await new_database(postgres)
    await migrations.upgrade(url)
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("LOCK TABLE turns IN ACCESS SHARE MODE"))
            with pytest.raises(DBAPIError, match="lock timeout"):
                await migrations.downgrade(url, "base")
    finally:
        await engine.dispose()


def test_there_is_one_head() -> None:
    assert migrations.head()  # raises where there are several


def test_a_schema_of_a_newer_version_is_served_and_an_older_one_is_not() -> None:
    assert migrations.serves(migrations.head())
    assert migrations.serves("9999")
    assert not migrations.serves(None)


LATER = (
    "ALTER TABLE todo_items ADD COLUMN colour text",
    "ALTER TABLE todo_lists ADD COLUMN archived boolean NOT NULL DEFAULT false",
    "ALTER TABLE turns ADD COLUMN seen_at timestamptz",
    "CREATE TABLE labels (owner_key text, id text, PRIMARY KEY (owner_key, id))",
    "UPDATE alembic_version SET version_num = '9999'",
)
"""What a later release may add while this one still runs."""


async def test_the_step_of_this_release_leaves_a_later_ones_schema_as_it_is(
    postgres: RunningPostgres, store: "Store"
) -> None:
    url = await new_database(postgres)
    assert await migrations.upgrade(url)
    for statement in LATER:
        await in_autocommit(url, statement)
    assert not await migrations.upgrade(url)
    assert await in_autocommit(url, "SELECT version_num FROM alembic_version") == [("9999",)]
    # And this release works on it, journal, undo and all.
    async with sessions.database(settings(url)) as database:
        await readiness.wait_for_schema(database, 0.5)
        there = type(store)(Handlers(database, lambda: None), store.owner, [])
        await there.do(CreateList(list_id="l1", name="x"), CreateItem(item_id="i1", list_id="l1", title="y"))
        await there.do(UpdateItem(item_id="i1", title="z"))
        found = await there.handlers.search(SearchRequest(owner=store.owner, query="z"))
    assert [item.id for item in found.items] == ["i1"]
    assert await in_autocommit(url, "SELECT count(*) FROM change_images") == [(3,)]


async def test_a_start_without_the_schema_says_what_to_run(postgres: RunningPostgres) -> None:
    url = await new_database(postgres)
    async with sessions.database(settings(url)) as database:
        assert await readiness.missing_schema(database) == "schema"
        with pytest.raises(UnavailableError) as caught:
            await readiness.wait_for_schema(database, 0.3)
    assert "python -m todo_store migrate" in caught.value.problem.detail


async def test_a_start_waits_until_the_schema_is_there(postgres: RunningPostgres) -> None:
    url = await new_database(postgres)
    async with sessions.database(settings(url)) as database:
        waiting = asyncio.create_task(readiness.wait_for_schema(database, 20))
        await migrations.upgrade(url)
        await waiting
        assert await readiness.missing_schema(database) is None


async def test_a_database_that_is_away_is_named_as_such() -> None:
    url = f"postgresql+asyncpg://nobody@127.0.0.1:{free_port()}/todo"
    async with sessions.database(settings(url)) as database:
        with pytest.raises(UnavailableError, match="unavailable") as caught:
            await readiness.wait_for_schema(database, 0.3)
    assert "DATABASE_URL" in caught.value.problem.detail


async def test_search_knows_the_case_of_every_letter_in_a_database_of_any_locale(
    postgres: RunningPostgres, store: "Store"
) -> None:
    url = await new_database(postgres, "TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'")
    await migrations.upgrade(url)
    async with sessions.database(settings(url)) as database:
        there = type(store)(Handlers(database, lambda: None), store.owner, [])
        await there.do(CreateList(list_id="l1", name="x"), CreateItem(item_id="i1", list_id="l1", title="Äpfel"))
        found = await there.handlers.search(SearchRequest(owner=store.owner, query="äPFEL"))
    assert [item.id for item in found.items] == ["i1"]
