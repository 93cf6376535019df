"""A full gateway steps aside, and comes back when it has room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from bus.errors import UnavailableError
from rtc_gateway.doorway import Doorway

WAIT_S = 5
SPARE = 2


@dataclass
class Group:
    """The queue group of offers, as one member joins and leaves it."""

    joined: int = 0
    left: int = 0
    failures: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def enter(self) -> Any:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("the bus is away")
        self.joined += 1
        self.moved.set()
        return self

    async def close(self) -> None:
        self.left += 1
        self.moved.set()

    async def until(self, *, joined: int, left: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while (self.joined, self.left) != (joined, left):
                self.moved.clear()
                await self.moved.wait()


@asynccontextmanager
async def keeping(group: Group, registry: Any) -> AsyncIterator[None]:
    doorway = Doorway(registry, group.enter, spare=SPARE)
    await doorway.open()
    task = asyncio.get_running_loop().create_task(doorway.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await doorway.close()


async def test_it_leaves_when_full_and_joins_again_when_there_is_spare_room() -> None:
    group, registry = Group(), SimpleNamespace(room=1)
    async with keeping(group, registry):
        await group.until(joined=1, left=0)
        registry.room = 0
        registry.on_room()
        await group.until(joined=1, left=1)
        registry.room = SPARE - 1
        registry.on_room()
        for _ in range(5):
            await asyncio.sleep(0)
        assert group.joined == 1
        registry.room = SPARE
        registry.on_room()
        await group.until(joined=2, left=1)
    assert group.left == 2


async def test_a_bus_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtc_gateway.patience.RETRY_FIRST_S", 0)
    group, registry = Group(), SimpleNamespace(room=0)
    async with keeping(group, registry):
        registry.on_room()
        await group.until(joined=1, left=1)
        group.failures = 3
        registry.room = SPARE
        registry.on_room()
        await group.until(joined=2, left=1)
