"""Transactions: a ReadSession can only read, a WriteSession can write too, and the commit is at the end of its block.

The types keep a read path from writing; PostgreSQL keeps it again, since a ReadSession's transaction is READ ONLY.
"""

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVarTuple

import asyncpg
from sqlalchemy import Row, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TypedReturnsRows

from todo_store import migrations, statement_spans
from todo_store.errors import CommitUnknownError
from todo_store.settings import Settings

Columns = TypeVarTuple("Columns")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]  # Any: what a driver takes as a column's value

POOL_TIMEOUT_S: Final = 3.0
OVERFLOW: Final = 2
IDLE_S: Final = 5.0
SERVER_SETTINGS: Final = {
    "application_name": "todo-store",
    "statement_timeout": "5000",
    "idle_in_transaction_session_timeout": "10000",
    # Compiling costs more than these statements take.
    "jit": "off",
}
# The command's timeout is for a server that has gone silent; one that lives ends the statement before.
CONNECT_ARGS: Final = {"timeout": 5.0, "command_timeout": 8.0, "server_settings": SERVER_SETTINGS}


class ReadSession:
    """One transaction that reads, all of it from the same snapshot."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(
        self, statement: TypedReturnsRows[*Columns], parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*Columns]]:
        """All rows of a bounded select."""
        return (await self._connection.execute(statement, parameters)).all()

    async def row(
        self, statement: TypedReturnsRows[*Columns], parameters: Mapping[str, Any] | None = None
    ) -> Row[*Columns] | None:
        """The row of a select by a key, or None."""
        return (await self._connection.execute(statement, parameters)).one_or_none()


class WriteSession(ReadSession):
    """One transaction that writes. It commits when its block ends, and only then."""

    async def write(self, statement: UpdateBase, parameters: Parameters | None = None) -> None:
        """Insert or update; a sequence of parameters is sent in one go."""
        await self._connection.execute(statement, parameters)

    async def erase(self, statement: UpdateBase, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement that takes something away for good, and return how many rows it was."""
        return (await self._connection.execute(statement, parameters)).rowcount


class Database:
    """PostgreSQL, as sessions. Made by `database`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """A REPEATABLE READ, READ ONLY transaction for the length of the block."""
        async with self._snapshots.connect() as connection, connection.begin():
            yield ReadSession(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteSession]:
        """A transaction that is committed when the block ends, and rolled back when it raises.

        Raises CommitUnknownError when the connection is lost in the commit.
        """
        async with self._engine.connect() as connection:
            transaction = await connection.begin()
            try:
                yield WriteSession(connection)
            except BaseException:
                await transaction.rollback()
                raise
            try:
                await transaction.commit()
            except (DBAPIError, OSError, TimeoutError) as error:
                if isinstance(error, DBAPIError) and not error.connection_invalidated:
                    raise
                raise CommitUnknownError from error

    async def schema_revision(self) -> str | None:
        """The revision that the schema is at. Raises DBAPIError, OSError or TimeoutError when PostgreSQL is away."""
        async with self._engine.connect() as connection:
            return await migrations.current(connection)


def _replace_dead_connections(engine: AsyncEngine) -> None:
    """Look at a connection before it is used. SQLAlchemy's own pre-ping costs three round trips each time: here a
    closed one is seen without any, and only one that was idle for IDLE_S, and may be half open, is asked."""
    idle_since = "todo_store.idle_since"

    def came_back(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[idle_since] = time.monotonic()

    def goes_out(dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        driver = record.driver_connection
        if isinstance(driver, asyncpg.Connection) and driver.is_closed():
            raise InvalidatePoolError
        if time.monotonic() - record.info.get(idle_since, math.inf) > IDLE_S:
            try:
                engine.dialect.do_ping(dbapi_connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", came_back)
    event.listen(engine.sync_engine, "checkout", goes_out)


@asynccontextmanager
async def lone_session(url: str, channel: str, notified: Callable[[], None]) -> AsyncIterator[WriteSession]:
    """A connection outside of the pool that commits each statement and listens on `channel`, while the block lasts.

    What it locks stays locked until the block ends or the connection is lost.
    """
    engine = create_async_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=CONNECT_ARGS
    )
    try:
        async with engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            if not isinstance(driver, asyncpg.Connection):
                raise TypeError("only asyncpg can listen")
            await driver.add_listener(channel, lambda *_: notified())
            yield WriteSession(connection)
    finally:
        await engine.dispose()


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The pool of connections, for the length of the block."""
    engine = create_async_engine(
        settings.database_url.get_secret_value(),
        pool_size=settings.pool_size,
        max_overflow=OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        # A statement's parameters are what people wrote: they must not reach an exception's text.
        hide_parameters=True,
        connect_args=CONNECT_ARGS,
    )
    statement_spans.record(engine)
    _replace_dead_connections(engine)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()
