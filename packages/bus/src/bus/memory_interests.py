"""Who takes what on the bus in memory: events and requests wait in a bounded queue, and are taken one at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bus import losses
from bus.interface import LossHandler
from bus.serving import Asked, Endpoint

Take = Callable[[Asked], Awaitable[None]]


@dataclass(eq=False)
class Interest:
    """Somebody who takes what comes on a subject, one message after the other."""

    subject: str
    take: Take
    served: bool
    queue: str | None
    waiting: asyncio.Queue[Asked]
    on_loss: LossHandler | None = None
    pump: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.pump = asyncio.create_task(self._run())

    def offer(self, message: Asked) -> None:
        # Whoever is too slow loses messages, as on the real bus.
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.tell_of_loss()

    def tell_of_loss(self) -> None:
        if self.on_loss is not None:
            losses.tell(self.on_loss)

    async def _run(self) -> None:
        while True:
            message = await self.waiting.get()
            try:
                await self.take(message)
            finally:
                self.waiting.task_done()


@dataclass(frozen=True)
class MemorySubscription:
    interests: list[Interest]
    interest: Interest
    endpoint: Endpoint[Any] | None  # the request's type matters to its handler alone

    async def close(self) -> None:
        if self.interest not in self.interests:
            return
        self.interests.remove(self.interest)
        if self.endpoint is not None:
            await self.interest.waiting.join()
            await self.endpoint.finished()
        self.interest.pump.cancel()
