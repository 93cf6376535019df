"""Alembic's environment: runs under the lock of `todo_store.migrations`, whoever calls."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from todo_store import migrations
from todo_store.schema import METADATA


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=METADATA, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()


def _main() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        _run(given)
        return
    url = os.environ.get("DATABASE_URL")
    if url is None:
        raise SystemExit("set DATABASE_URL, for example postgresql+asyncpg://user:password@host:5432/name")
    asyncio.run(migrations.under_lock(url, _run))


_main()
