"""Who has a session: the connection that was opened last, told to all gateways and kept in the session's record.

The word may be lost, so whoever opens looks into the record, and so does whoever may have missed a word. Two
connections of one session do no harm but to be two: turns and operations are known by their ids, and events by their
numbers.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import NamedTuple

from pydantic import ValidationError

from bus.errors import BusError
from bus.interface import Bus, Event
from contracts import streams, subjects
from contracts.gateway import SessionEntered
from contracts.sessions import SessionRecord
from rtc_gateway.patience import Patience

log = logging.getLogger(__name__)


class Rank(NamedTuple):
    """Which of a session's connections is the newer: by epoch, and within one by the number of the offer."""

    epoch: int
    attempt: int


class Fencing:
    """`sessions` names those held here; `let_go` closes the connections of one that are older than the rank given."""

    def __init__(self, bus: Bus, sessions: Callable[[], Collection[str]], let_go: Callable[[str, Rank], None]) -> None:
        self._bus = bus
        self._sessions = sessions
        self._let_go = let_go
        self._missed = asyncio.Event()
        self._patience = Patience(every_s=0)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear what other gateways say, inside. Raises BusError."""
        subscription = await self._bus.subscribe(subjects.ANY_SESSION_ENTERED, self._take, on_loss=self._missed.set)
        looking = asyncio.create_task(self._look_after_losses())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait({looking})
            await subscription.close()

    async def entered(self, session: str, rank: Rank) -> None:
        """A channel is open: say so, and let go of it if a later one has been."""
        try:
            await self._bus.publish(
                subjects.session_entered(session),
                SessionEntered(session=session, epoch=rank.epoch, attempt=rank.attempt),
            )
            await self._look(session)
        except BusError as error:
            log.warning("takeover not told", extra={"code": error.problem.code.value})
            self._missed.set()

    async def _take(self, event: Event) -> None:
        try:
            entered = SessionEntered.from_json(event.data)
        except ValidationError:
            log.warning("malformed event ignored")
            return
        self._let_go(entered.session, Rank(entered.epoch, entered.attempt))

    async def _look(self, session: str) -> None:
        """Raises BusError. Only what is of an older epoch is known to be superseded: attempts are not recorded."""
        found = await self._bus.stored(streams.SESSIONS, subjects.session_record(session))
        try:
            record = None if found is None else SessionRecord.from_json(found.data)
        except ValidationError:
            record = None  # deleted, or not ours to read: then nobody is known to have it
        if record is not None:
            self._let_go(session, Rank(record.epoch, 0))

    async def _look_after_losses(self) -> None:
        while True:
            await self._missed.wait()
            self._missed.clear()
            try:
                for session in self._sessions():
                    await self._look(session)
            except BusError as error:
                log.warning("sessions not looked up", extra={"code": error.problem.code.value})
                self._missed.set()
                await self._patience.after_failure()
            else:
                self._patience.succeeded()
