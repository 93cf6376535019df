"""The schema's history, and the one way to run it: under an advisory lock, by one process at a time.

`upgrade` is for the migration job; services only wait for `missing` to be None.
"""

from collections.abc import Callable
from functools import cache
from typing import Final, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

LOCK_KEY: Final = 7_303_014_411_052_001
"""One number that only this schema's migrations lock."""

LOCK_WAIT: Final = "120s"
DDL_LOCK_WAIT: Final = "5s"
"""A statement that cannot have its table fails, rather than holding up every reader behind it."""

ResultT = TypeVar("ResultT")


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file: the scripts lie in this package, wherever it is installed."""
    settings = Config()
    settings.set_main_option("script_location", "todo_store:migrations")
    settings.attributes["connection"] = connection
    return settings


async def under_lock(url: str, work: Callable[[Connection], ResultT]) -> ResultT:
    """Run `work` on a connection of its own while another one holds the lock. Raises DBAPIError after LOCK_WAIT.

    The lock is the session's, since a migration may commit in its middle, and a transaction's lock would end there.
    """
    engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as lock, engine.connect() as connection:
            await lock.execution_options(isolation_level="AUTOCOMMIT")
            await lock.execute(text(f"SET lock_timeout = '{LOCK_WAIT}'"))
            await lock.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            await connection.execute(text(f"SET lock_timeout = '{DDL_LOCK_WAIT}'"))
            await connection.commit()
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


async def upgrade(url: str, revision: str = "head") -> bool:
    """Bring the database at `url` up to a revision; nothing happens where it is there already.

    False where its schema is a later release's, which is left as it is: so a deployment can go back by one release,
    whose own step this is then.
    """

    def step(connection: Connection) -> bool:
        found = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()  # alembic takes a transaction that is open for somebody else's to commit
        if found is not None and found not in _known():
            return False
        command.upgrade(config(connection), revision)
        return True

    return await under_lock(url, step)


async def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to a revision; `base` empties it."""
    await under_lock(url, lambda connection: command.downgrade(config(connection), revision))


async def check(url: str) -> None:
    """Raise alembic.util.CommandError where the database at `url` differs from the tables in `schema`."""
    await under_lock(url, lambda connection: command.check(config(connection)))


@cache
def head() -> str:
    """The newest revision. Raises alembic.util.CommandError where there are several."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    if newest is None:
        raise RuntimeError("the package holds no migrations")
    return newest


def serves(revision: str | None) -> bool:
    """Whether this version can work on a schema at `revision`: the newest it knows, or one that it does not know.

    An unknown one is newer, and migrations only add until no older version runs: so the old processes of a roll-out
    keep serving while the new ones start.
    """
    return revision == head() or (revision is not None and revision not in _known())


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


async def current(connection: AsyncConnection) -> str | None:
    """The revision that a database is at; None for one that was never migrated."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
