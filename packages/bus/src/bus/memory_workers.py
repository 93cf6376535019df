"""Workers of `MemoryBus`: slots that take leased jobs from consumers in memory."""

import asyncio
import logging
from typing import Final

from bus.errors import LetGo, RetryLater, Unprocessable
from bus.interface import Job, JobHandler
from bus.memory_streams import Changes, MemoryConsumer

log = logging.getLogger(__name__)

FINISH_TIMEOUT_S: Final = 25.0


class MemoryWorkers:
    """`close` stops taking, finishes what is held, and returns."""

    def __init__(
        self,
        consumers: list[MemoryConsumer],
        handler: JobHandler,
        changes: Changes,
        *,
        slots: int,
        lease_s: float,
        failed_retry_s: float,
    ) -> None:
        self._consumers = consumers
        self._handler = handler
        self._changes = changes
        self._lease_s = lease_s
        self._failed_retry_s = failed_retry_s
        self._closing = False
        self._tasks = [asyncio.create_task(self._work()) for _ in range(slots)]

    async def close(self) -> None:
        self._closing = True
        self._changes.tell()
        _, late = await asyncio.wait(self._tasks, timeout=FINISH_TIMEOUT_S)
        for task in late:
            task.cancel()

    def _with_work(self) -> MemoryConsumer | None:
        return next((consumer for consumer in self._consumers if consumer.has_work), None)

    async def _work(self) -> None:
        while not self._closing:
            consumer = self._with_work()
            if consumer is None:
                await self._changes.until(lambda: self._closing or self._with_work() is not None)
            else:
                await self._handle(consumer)

    async def _handle(self, consumer: MemoryConsumer) -> None:
        kept = consumer.take()
        try:
            await self._handler(Job(kept.subject, kept.data, kept.sequence, consumer.deliveries, kept.headers))
        except RetryLater as later:
            self._give_back(consumer, later.delay_s)
        except Unprocessable as bad:
            log.error("job taken out", extra={"reason": bad.reason})
            consumer.ack()
            self._changes.tell()
        except LetGo:
            self._give_back(consumer, self._lease_s)
        except Exception as error:
            log.error("job failed", exc_info=error, extra={"error_type": type(error).__qualname__})
            self._give_back(consumer, self._failed_retry_s)
        else:
            consumer.ack()
            self._changes.tell()

    def _give_back(self, consumer: MemoryConsumer, after_s: float) -> None:
        def free() -> None:
            consumer.give_back()
            self._changes.tell()

        asyncio.get_running_loop().call_later(after_s, free)
