"""Where the contract's tests get each service's bus from."""

from contextlib import AsyncExitStack
from typing import Protocol

from bus.interface import Bus
from bus.memory_bus import MemoryBus
from bus.nats_bus import NatsBus
from contracts.message import Message
from local_stack.temporary import RunningNats

BOUND_S = 10
OWNER = "b" * 26


class Number(Message):
    n: int


class Buses(Protocol):
    """Where a test gets each service's bus from."""

    async def of(self, user: str) -> Bus: ...

    async def another(self, user: str) -> Bus: ...

    async def interrupt(self, user: str) -> None:
        """Lose the bus that `of` gave this user. It comes back by itself."""
        ...


class OnNats:
    """One connection a user, made when first asked for; `another` for a second process of it."""

    def __init__(self, server: RunningNats, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack
        self._made: dict[str, NatsBus] = {}

    async def of(self, user: str) -> NatsBus:
        if user not in self._made:
            self._made[user] = await self.another(user)
        return self._made[user]

    async def another(self, user: str) -> NatsBus:
        return await self._stack.enter_async_context(NatsBus.connected_to(self._server.bus_settings(user)))

    async def interrupt(self, user: str) -> None:
        transport = self._made[user]._connection.client._transport
        assert transport is not None
        transport.close()


class InMemory:
    """All share one."""

    def __init__(self) -> None:
        self.bus = MemoryBus(lease_s=1)

    async def of(self, user: str) -> Bus:
        return self.bus

    another = of

    async def interrupt(self, user: str) -> None:
        self.bus.away = True
        self.bus.away = False
