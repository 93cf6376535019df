"""Who has a session: the connection that was opened last. Gateways tell each other, by words that may be lost.

Whoever opens a connection says so. Whoever hears that of an older one than they hold answers with theirs. After words
may have been lost, all that is held is said again. So nobody lets go of an open connection but for one that is open and
newer: a hello that never became a connection takes nothing from anybody.

Two connections of one session do no harm but to be two: turns and operations are known by their ids, and events by
their numbers.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from pydantic import ValidationError

from bus.errors import BusError
from bus.interface import Bus, Event
from contracts import subjects
from contracts.gateway import SessionEntered
from rtc_gateway.patience import Patience

log = logging.getLogger(__name__)


class Rank(NamedTuple):
    """Which of a session's connections is the newer: by epoch, and within one by the number of the offer."""

    epoch: int
    attempt: int


class Fencing:
    """`held` tells the newest open connection of each session here; `let_go` closes those older than the rank given."""

    def __init__(self, bus: Bus, held: Callable[[], Mapping[str, Rank]], let_go: Callable[[str, Rank], None]) -> None:
        self._bus = bus
        self._held = held
        self._let_go = let_go
        self._missed = asyncio.Event()
        self._patience = Patience(every_s=0)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear what other gateways say, inside. Raises BusError."""
        subscription = await self._bus.subscribe(subjects.ANY_SESSION_ENTERED, self._take, on_loss=self._missed.set)
        async with asyncio.TaskGroup() as tasks:
            repeating = tasks.create_task(self._repeat_after_losses())
            try:
                yield
            finally:
                repeating.cancel()
                await subscription.close()

    async def entered(self, session: str, rank: Rank) -> None:
        """A channel is open. Where that cannot be said now, it is said later."""
        try:
            await self._say(session, rank)
        except BusError as error:
            log.warning("takeover not told", extra={"code": error.problem.code.value})
            self._missed.set()

    async def _take(self, event: Event) -> None:
        try:
            entered = SessionEntered.from_json(event.data)
        except ValidationError:
            log.warning("malformed event ignored")
            return
        theirs = Rank(entered.epoch, entered.attempt)
        self._let_go(entered.session, theirs)
        ours = self._held().get(entered.session)
        if ours is not None and ours > theirs:
            await self.entered(entered.session, ours)

    async def _say(self, session: str, rank: Rank) -> None:
        said = SessionEntered(session=session, epoch=rank.epoch, attempt=rank.attempt)
        await self._bus.publish(subjects.session_entered(session), said)

    async def _repeat_after_losses(self) -> None:
        while True:
            await self._missed.wait()
            self._missed.clear()
            try:
                for session, rank in self._held().items():
                    await self._say(session, rank)
            except BusError as error:
                log.warning("takeovers not told", extra={"code": error.problem.code.value})
                self._missed.set()
                await self._patience.after_failure()
            else:
                self._patience.succeeded()
