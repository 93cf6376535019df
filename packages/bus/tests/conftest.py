"""The real bus and the one in memory, for the contract's tests, and the real one alone."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from local_stack.temporary import RunningNats

from .two_buses import Buses, InMemory, OnNats


@pytest.fixture(params=["nats", "memory"])
async def buses(request: pytest.FixtureRequest, nats_server: RunningNats) -> AsyncIterator[Buses]:
    if request.param == "memory":
        memory = InMemory()
        yield memory
        await memory.bus.close()
        return
    async with AsyncExitStack() as stack:
        yield OnNats(nats_server, stack)


@pytest.fixture
async def nats_buses(nats_server: RunningNats) -> AsyncIterator[OnNats]:
    async with AsyncExitStack() as stack:
        yield OnNats(nats_server, stack)
