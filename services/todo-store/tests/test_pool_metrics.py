"""What the pool of connections shows of itself. A module of its own: two pools of one process would be one gauge."""

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from tests.telemetry.measured import Measured

from contracts import metrics
from todo_store import sessions
from todo_store.sessions import Database
from todo_store.settings import Settings

USED, IDLE = ({"db.client.connection.state": state} for state in ("used", "idle"))


async def test_the_pool_shows_what_is_used_and_counts_who_waited_in_vain(
    database_url: str, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "POOL_TIMEOUT_S", 0.05)
    monkeypatch.setattr(sessions, "OVERFLOW", 0)

    async def held(database: Database, taken: asyncio.Event, release: asyncio.Event) -> None:
        async with database.reading():
            taken.set()
            await release.wait()

    async with sessions.database(Settings(database_url=SecretStr(database_url), pool_size=1)) as database:
        taken, release = asyncio.Event(), asyncio.Event()
        holding = asyncio.create_task(held(database, taken, release))
        await asyncio.wait_for(taken.wait(), 10)
        assert measured(metrics.POOL_CONNECTIONS, USED) == measured(metrics.POOL_MAX) == 1
        assert measured(metrics.POOL_CONNECTIONS, IDLE) == 0
        with pytest.raises(PoolTimeoutError):
            async with database.reading():
                raise AssertionError
        release.set()
        await holding
        assert measured(metrics.POOL_CONNECTIONS, USED) == 0
        assert measured(metrics.POOL_CONNECTIONS, IDLE) == 1

    assert measured(metrics.POOL_TIMEOUTS) == measured(metrics.POOL_WAIT) == 1
