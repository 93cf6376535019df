"""Whether the service can do its work, and the wait for the schema at its start."""

import asyncio
import logging
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from bus.errors import UnavailableError
from bus.interface import Bus
from todo_store import migrations
from todo_store.sessions import Database

log = logging.getLogger(__name__)

RETRY_S: Final = 0.25


async def missing_schema(database: Database) -> str | None:
    """None when the schema can be worked on, else a code: database, schema."""
    try:
        revision = await database.schema_revision()
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.debug("database does not answer", extra={"error_type": type(error).__qualname__})
        return "database"
    return None if migrations.serves(revision) else "schema"


async def missing(database: Database, bus: Bus) -> str | None:
    """None when ready, else a code: bus, bus_permissions, database, schema."""
    return bus.lacks or await missing_schema(database)


async def wait_for_schema(database: Database, seconds: float) -> None:
    """Return once the schema can be worked on. Raises UnavailableError after `seconds`."""
    lacking: str | None = "database"
    try:
        async with asyncio.timeout(seconds):
            while (lacking := await missing_schema(database)) is not None:  # noqa: ASYNC110 - another process migrates
                await asyncio.sleep(RETRY_S)
    except TimeoutError as error:
        detail = (
            f"the schema is not at {migrations.head()}; run `python -m todo_store migrate`"
            if lacking == "schema"
            else "the database of DATABASE_URL does not answer"
        )
        raise UnavailableError(f"{detail} (waited {seconds:g} s)") from error
