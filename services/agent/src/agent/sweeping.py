"""Accepted means answered: starts without a completion that no consumer hands out any more are found and ended.

A consumer can lose its place: it was made anew behind them, or a start was acked or terminated without an answer. Each
agent looks for such starts, in steps of a bounded size. Two that find the same one do no harm: it is taken over first,
like every turn that is delivered again, and only one of them can apply anything.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bus import tracing
from bus.errors import BusError, LetGo, RetryLater
from bus.interface import Bus, Event, Job
from bus.metering import Counter
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.metrics import SWEPT

log = logging.getLogger(__name__)

BACK: Final = timedelta(days=1)
"""How far back the first sweep of a process looks."""
LOOKS_MAX: Final = 1000
"""So many starts are looked at in one sweep; the next one goes on behind them."""
SUSPECTS_MAX: Final = 64
TURNS_MAX: Final = 8
TRIES_MAX: Final = 10
_SWEPT: Final = Counter(SWEPT)
_AGAIN: Final = 2  # as a job: delivered again, so whoever had it before is sealed off


@dataclass
class _Suspect:
    """A start that had no completion when it was looked at, though its consumer was done with it."""

    start: Event
    tries: int = 0


class Sweeper:
    """Walks CHAT. `handle` takes a job to its end, as for a worker; `older_than_s`: younger starts are left alone."""

    def __init__(
        self,
        bus: Bus,
        handle: Callable[[Job], Awaitable[None]],
        *,
        older_than_s: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._bus = bus
        self._handle = handle
        self._older_than = timedelta(seconds=older_than_s)
        self._now = now
        # By partition: of the starts up to here, all were looked at.
        self._looked_at = [0] * PARTITIONS
        self._suspects: list[_Suspect] = []
        self._first = 0

    async def run(self, every_s: float) -> None:
        """Sweep about every `every_s` seconds, for ever, and never in step with another agent."""
        while True:
            await asyncio.sleep(every_s * random.uniform(0.5, 1.5))  # noqa: S311 - nobody has to be kept from guessing
            try:
                await self.sweep()
            except BusError as error:
                log.warning("sweep not finished", extra={"code": error.problem.code.value})

    async def sweep(self) -> int:
        """Bring to an end what was suspected before, and look for more. Returns how many turns were ended.

        A start is handled only when a sweep after the one that found it finds it so still: what is read may be a
        moment old where the stream has replicas. Raises BusError when the bus or the stream is away.
        """
        ended = 0
        for suspect in self._suspects[:TURNS_MAX]:
            if await self._is_completed(suspect.start):
                self._suspects.remove(suspect)
            elif await self._brought_to_its_end(suspect):
                self._suspects.remove(suspect)
                ended += 1
        if ended:
            log.warning("turns swept", extra={"count": ended})
        # Those that could not be ended go behind the others.
        self._suspects.sort(key=lambda suspect: suspect.tries)
        with tracing.unrecorded():
            await self._look()
        return ended

    async def _look(self) -> None:
        looks = LOOKS_MAX
        first = self._first
        for partition in (*range(first, PARTITIONS), *range(first)):
            looks -= await self._look_at(partition, looks)
            if looks <= 0 or len(self._suspects) >= SUSPECTS_MAX:
                # Not always the same partitions first, or a busy one would leave no looks for the others.
                self._first = (partition + 1) % PARTITIONS
                return

    async def _look_at(self, partition: int, looks: int) -> int:
        """Look at no more than `looks` starts of one partition; returns at how many."""
        settled = await self._bus.settled(streams.CHAT, streams.partition_consumer(partition))
        if settled is None:
            return 0  # the consumer is missing, and will deliver all of them when it is made
        now = self._now()
        for looked in range(looks):
            if len(self._suspects) >= SUSPECTS_MAX:
                return looked
            start = await self._bus.next_stored(
                streams.CHAT, subjects.jobs(partition), behind=self._looked_at[partition], since=now - BACK
            )
            if start is None or start.sequence is None or start.at is None or start.sequence > settled:
                return looked  # it waits, or is in somebody's hands
            if start.at > now - self._older_than:
                return looked
            if not await self._is_completed(start):
                self._suspects.append(_Suspect(start))
            self._looked_at[partition] = start.sequence
        return looks

    async def _is_completed(self, start: Event) -> bool:
        session, turn = subjects.turn_of_job(start.subject)
        return await self._bus.stored(streams.CHAT, subjects.turn_completed(session, turn)) is not None

    async def _brought_to_its_end(self, suspect: _Suspect) -> bool:
        """Whether the turn is done with: answered now, or given up after TRIES_MAX."""
        start = suspect.start
        job = Job(start.subject, start.data, start.sequence or 0, deliveries=_AGAIN, trace=start.trace)
        suspect.tries += 1
        try:
            with tracing.processing(job.subject, job.trace, deliveries=job.deliveries):
                await self._handle(job)
        except (LetGo, RetryLater) as error:
            _SWEPT.add(1, {"result": "not_yet"})
            log.info("turn not swept yet", extra={"stream_sequence": job.sequence, "reason": str(error)})
            return False
        except Exception as error:
            _SWEPT.add(1, {"result": "failed"})
            log.error("turn not swept", exc_info=error, extra={"stream_sequence": job.sequence, "tries": suspect.tries})
            return suspect.tries >= TRIES_MAX
        _SWEPT.add(1, {"result": "ended"})
        return True
