"""How far the agents are behind, and how full the streams are: looked at now and then, shown until the next look.

Every agent looks for itself, by three small requests and one more for each partition with turns that wait. A scrape
asks nobody, so however many come, the bus has the same to do.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from bus import tracing
from bus.errors import BusError
from bus.interface import Bus, Holdings
from bus.metering import observing
from contracts import metrics, streams, subjects
from contracts.instruments import Instrument
from contracts.limits import PARTITIONS

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0
SHOWN_S: Final = 3 * LOOK_EVERY_S
"""What is older is not shown any more: a gauge that stands still looks like one that is well."""
_STREAMS: Final = (streams.CHAT, streams.DLQ)
_PARTITION_OF: Final = {streams.partition_consumer(partition): partition for partition in range(PARTITIONS)}


@dataclass(frozen=True)
class Seen:
    """`oldest_s`: how long the oldest turn waits that no agent was given yet; 0 if none does."""

    waiting: int = 0
    in_hand: int = 0
    oldest_s: float = 0.0
    holdings: dict[str, Holdings] = field(default_factory=dict)


class Lag:
    """What the last look saw."""

    def __init__(self, bus: Bus, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._bus = bus
        self._now = now
        self._seen = Seen()
        self._seen_at: float | None = None

    @asynccontextmanager
    async def shown(self, every_s: float = LOOK_EVERY_S) -> AsyncIterator[None]:
        """Look about every `every_s` seconds, and have it in the metrics, for the length of the block."""
        with ExitStack() as looks:
            for instrument, tell in _OF_CONSUMERS:
                looks.enter_context(observing(instrument, partial(self._shown, tell)))
            for stream in _STREAMS:
                for instrument, tell_of in _OF_A_STREAM:
                    look = partial(self._shown, partial(_of_stream, stream, tell_of))
                    looks.enter_context(observing(instrument, look, {"stream": stream}))
            looking = asyncio.create_task(self._run(every_s), name="lag")
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.wait({looking})

    async def look(self) -> Seen:
        """Raises BusError."""
        backlogs = await self._bus.backlogs(streams.CHAT)
        holdings = {stream: await self._bus.holdings(stream) for stream in _STREAMS}
        waits_since = [
            await self._waits_since(_PARTITION_OF[backlog.consumer], backlog.handed_out)
            for backlog in backlogs
            if backlog.waiting and backlog.consumer in _PARTITION_OF
        ]
        oldest = min((at for at in waits_since if at is not None), default=None)
        return Seen(
            waiting=sum(backlog.waiting for backlog in backlogs),
            in_hand=sum(backlog.in_hand for backlog in backlogs),
            oldest_s=0.0 if oldest is None else max(0.0, (self._now() - oldest).total_seconds()),
            holdings=holdings,
        )

    async def _waits_since(self, partition: int, handed_out: int) -> datetime | None:
        first = await self._bus.next_stored(streams.CHAT, subjects.jobs(partition), behind=handed_out)
        return None if first is None else first.at

    async def _run(self, every_s: float) -> None:
        while True:
            try:
                with tracing.unrecorded():  # a look every few seconds is no trace each time
                    self._seen = await self.look()
                self._seen_at = time.monotonic()
            except BusError as error:
                log.warning("lag not seen", extra={"code": error.problem.code.value})
            except Exception as error:  # whatever it is, a later look may fare better
                log.error("lag not seen", exc_info=error, extra={"error_type": type(error).__qualname__})
            # Never in step with another agent.
            await asyncio.sleep(every_s * random.uniform(0.75, 1.25))  # noqa: S311 - spread, not secrecy

    def _shown(self, tell: Callable[[Seen], float | None]) -> float | None:
        at = self._seen_at
        return None if at is None or time.monotonic() - at > SHOWN_S else tell(self._seen)


def _of_stream(stream: str, tell: Callable[[Holdings], float], seen: Seen) -> float | None:
    held = seen.holdings.get(stream)
    return None if held is None else tell(held)


_OF_CONSUMERS: Final[tuple[tuple[Instrument, Callable[[Seen], float]], ...]] = (
    (metrics.CONSUMER_PENDING, lambda seen: seen.waiting),
    (metrics.CONSUMER_ACK_PENDING, lambda seen: seen.in_hand),
    (metrics.CONSUMER_OLDEST, lambda seen: seen.oldest_s),
)
_OF_A_STREAM: Final[tuple[tuple[Instrument, Callable[[Holdings], float]], ...]] = (
    (metrics.STREAM_MESSAGES, lambda held: held.messages),
    (metrics.STREAM_SIZE, lambda held: held.size),
    (metrics.STREAM_LIMIT, lambda held: held.size_max),
)
