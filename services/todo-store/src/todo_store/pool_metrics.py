"""What the pool of connections is doing: how many are used, how long one is waited for, and how often in vain."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Final

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from bus.metering import Counter, Histogram, observing
from contracts.metrics import POOL_CONNECTIONS, POOL_MAX, POOL_TIMEOUTS, POOL_WAIT

_POOL: Final = {"db.client.connection.pool.name": "todo-store"}
_WAIT: Final = Histogram(POOL_WAIT)
_TIMEOUTS: Final = Counter(POOL_TIMEOUTS)


@contextmanager
def shown(engine: AsyncEngine, most: int) -> Iterator[None]:
    """Show the state of an engine's pool of at most `most` connections, for the length of the block."""
    pool = engine.sync_engine.pool
    if not isinstance(pool, QueuePool):
        raise TypeError("only a pool with a bound can be shown")
    with ExitStack() as looks:
        used, idle = ({**_POOL, "db.client.connection.state": state} for state in ("used", "idle"))
        looks.enter_context(observing(POOL_CONNECTIONS, pool.checkedout, used))
        looks.enter_context(observing(POOL_CONNECTIONS, pool.checkedin, idle))
        looks.enter_context(observing(POOL_MAX, lambda: most, _POOL))
        yield


@asynccontextmanager
async def connection_of(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection for the length of the block. Raises the pool's TimeoutError where none is free in time."""
    started = time.perf_counter()
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(engine.connect())
        except PoolTimeoutError:
            _TIMEOUTS.add(1, _POOL)
            raise
        _WAIT.record(time.perf_counter() - started, _POOL)
        yield connection
