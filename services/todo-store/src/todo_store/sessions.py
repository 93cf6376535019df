"""Transactions: a ReadSession can only read, a WriteSession can write too, and the commit is at the end of its block.

The types keep a read path from writing; PostgreSQL keeps it again, since a ReadSession's transaction is READ ONLY.
"""

import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple

import asyncpg
from asyncpg.transaction import Transaction
from sqlalchemy import CursorResult, Row, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TypedReturnsRows

from todo_store import migrations, pool_metrics, statement_spans
from todo_store.errors import CONNECTION_LOST, CommitUnknownError
from todo_store.pool_metrics import connection_of
from todo_store.prepared import Command, Query
from todo_store.settings import Settings

log = logging.getLogger(__name__)

Columns = TypeVarTuple("Columns")
ResultT = TypeVar("ResultT")
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
    """One transaction that reads, all of it from the same snapshot.

    What is asked for often is a Query or a Command, for the driver; the rest may be as SQLAlchemy has it.
    """

    def __init__(self, connection: AsyncConnection, driver: asyncpg.Connection) -> None:
        self._connection = connection
        self._driver = driver

    async def rows(
        self, statement: Query[*Columns] | TypedReturnsRows[*Columns], parameters: Mapping[str, Any] | None = None
    ) -> Sequence[Row[*Columns]]:
        """All rows of a bounded select."""
        if isinstance(statement, ClauseElement):
            result: CursorResult[*Columns] = await self._connection.execute(statement, parameters)
            return result.all()
        with statement_spans.around(statement.sql):
            arguments = statement.arguments(parameters or {})
            ask = partial(self._driver.fetch, statement.sql, *arguments)
            return statement.rows(await _while_connected(self._driver, ask))

    async def row(
        self, statement: Query[*Columns] | TypedReturnsRows[*Columns], parameters: Mapping[str, Any] | None = None
    ) -> Row[*Columns] | None:
        """The row of a select by a key, or None."""
        found = await self.rows(statement, parameters)
        if len(found) > 1:
            raise ValueError(f"{len(found)} rows where there may be one")
        return found[0] if found else None


class WriteSession(ReadSession):
    """One transaction that writes. It commits when its block ends, and only then."""

    async def write(self, statement: Command | UpdateBase, parameters: Parameters | None = None) -> None:
        """Insert or update; a sequence of parameters is sent in one go."""
        if not isinstance(statement, Command):
            await self._connection.execute(statement, parameters)
            return
        each = [parameters or {}] if isinstance(parameters, Mapping | None) else parameters
        with statement_spans.around(statement.sql):
            arguments = [statement.arguments(given) for given in each]
            await _while_connected(self._driver, partial(self._driver.executemany, statement.sql, arguments))

    async def erase(self, statement: UpdateBase, parameters: Mapping[str, Any] | None = None) -> int:
        """Run a statement that takes something away for good, and return how many rows it was."""
        return (await self._connection.execute(statement, parameters)).rowcount


class Database:
    """PostgreSQL, as sessions. Made by `database`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[ReadSession]:
        """A REPEATABLE READ, READ ONLY transaction for the length of the block."""
        async with connection_of(self._engine) as connection:
            driver = await _driver_of(connection)
            transaction = driver.transaction(isolation="repeatable_read", readonly=True)
            await _while_connected(driver, transaction.start)
            try:
                yield ReadSession(connection, driver)
            except BaseException:
                await _roll_back(driver, transaction)
                raise
            await _while_connected(driver, transaction.commit)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[WriteSession]:
        """A transaction that is committed when the block ends, and rolled back when it raises.

        Raises CommitUnknownError when the connection is lost in the commit.
        """
        async with connection_of(self._engine) as connection:
            driver = await _driver_of(connection)
            transaction = driver.transaction()
            await _while_connected(driver, transaction.start)
            try:
                yield WriteSession(connection, driver)
            except BaseException:
                await _roll_back(driver, transaction)
                raise
            try:
                with statement_spans.around("COMMIT"):  # where the disk is waited for
                    await _while_connected(driver, transaction.commit)
            except asyncpg.QueryCanceledError:
                raise  # of a statement that the commit ran: it was not committed
            except (*CONNECTION_LOST, OSError, TimeoutError) as error:
                raise CommitUnknownError from error

    async def schema_revision(self) -> str | None:
        """The revision that the schema is at. Raises DBAPIError, OSError or TimeoutError when PostgreSQL is away."""
        async with self._engine.connect() as connection:
            return await migrations.current(connection)


async def _driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError("statements go to asyncpg")
    return driver


async def _while_connected(driver: asyncpg.Connection, ask: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """asyncpg has the same errors for what is used wrongly and for a connection that is gone: tell them apart.

    They come from the call already, before there is anything to wait for.
    """
    try:
        return await ask()
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if driver.is_closed():
            raise ConnectionResetError("the connection to the database was closed") from error
        raise


async def _roll_back(driver: asyncpg.Connection, transaction: Transaction) -> None:
    """What made the transaction fail is told; what keeps it from being rolled back ends the connection, and so it."""
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        log.warning("not rolled back", extra={"error_type": type(error).__qualname__})
        driver.terminate()


def _replace_dead_connections(engine: AsyncEngine) -> None:
    """Look at a connection before it is used. SQLAlchemy's own pre-ping costs three round trips each time: here a
    closed one is seen without any, and only one that was idle for IDLE_S, and may be half open, is asked."""
    idle_since = "todo_store.idle_since"

    def came_back(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info[idle_since] = time.monotonic()
        driver = record.driver_connection
        if isinstance(driver, asyncpg.Connection) and not driver.is_closed() and driver.is_in_transaction():
            # A second cancellation may have cut its rollback short.
            driver.terminate()

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
            driver = await _driver_of(connection)
            await driver.add_listener(channel, lambda *_: notified())
            yield WriteSession(connection, driver)
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
        # Transactions are begun and ended at the driver.
        isolation_level="AUTOCOMMIT",
        # A statement's parameters are what people wrote: they must not reach an exception's text.
        hide_parameters=True,
        connect_args=CONNECT_ARGS,
    )
    statement_spans.record(engine)
    _replace_dead_connections(engine)
    try:
        with pool_metrics.shown(engine, settings.pool_size + OVERFLOW):
            yield Database(engine)
    finally:
        await engine.dispose()
        statement_spans.write_down()
