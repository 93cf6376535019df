"""Tells the bus of every committed change, in the order of each owner's revisions, by one relay over all stores.

Woken at once by a commit in this process, by PostgreSQL's notification of one in another, and every POLL_S in case both
were lost. A change is marked after it was published: one that is published twice after a crash has the same revision.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import groupby
from typing import Final, Protocol

from opentelemetry import context

from bus.errors import BusError
from bus.metering import Counter, observing
from bus.tracing import TRACEPARENT, parent_of
from contracts import subjects
from contracts.message import Message
from contracts.metrics import RELAY_FAILURES, RELAY_LEADING, RELAY_PUBLISHED
from contracts.todo import JournalEntry, TodoChanged
from todo_store import reading
from todo_store.errors import problem_of_fault
from todo_store.repository import dialogue, forgetting, journal, outbox
from todo_store.repository.outbox import Waiting
from todo_store.sessions import WriteSession, lone_session

log = logging.getLogger(__name__)

POLL_S: Final = 1.0
FINISH_TIMEOUT_S: Final = 5.0
AGE_EVERY_S: Final = 60.0
_PUBLISHED: Final = Counter(RELAY_PUBLISHED)
_FAILURES: Final = Counter(RELAY_FAILURES)


class Publisher(Protocol):
    """What the relay needs of the bus."""

    @property
    def connected(self) -> bool: ...

    async def publish(self, subject: str, message: Message) -> None: ...


class Relay:
    """Runs within `running`; `wake` says that there may be something to publish."""

    def __init__(self, url: str, bus: Publisher, *, keep: timedelta | None = None) -> None:
        self._url = url
        self._bus = bus
        self._keep = keep
        self._age_again_at = 0.0
        self._woken = asyncio.Event()
        self._closing = False
        self._leading = False

    def wake(self) -> None:
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay for the length of the block; leaving publishes what is there."""
        task = asyncio.create_task(self._run(), name="relay")
        try:
            with observing(RELAY_LEADING, lambda: 1 if self._leading else 0):
                yield
        finally:
            self._closing = True
            self.wake()
            _, late = await asyncio.wait({task}, timeout=FINISH_TIMEOUT_S)
            if late:
                log.warning("relay cancelled at shutdown")
                task.cancel()
                await asyncio.wait({task}, timeout=1)

    async def _run(self) -> None:
        while not self._closing:
            try:
                async with lone_session(self._url, journal.NOTIFICATIONS, self.wake) as session:
                    await self._relay(session)
            except Exception as error:
                self._leading = False
                _FAILURES.add(1, {"cause": "internal" if problem_of_fault(error) is None else "database"})
                if problem_of_fault(error) is None:
                    log.error("relay failed", exc_info=error, extra={"error_type": type(error).__qualname__})
                else:
                    log.warning("relay lost the database", extra={"error_type": type(error).__qualname__})
                await self._pause()

    async def _relay(self, session: WriteSession) -> None:
        self._leading = False
        while True:
            last_round = self._closing
            if not self._leading:
                self._leading = await outbox.try_to_lead(session)
            if self._leading and self._bus.connected:
                try:
                    await self._publish_waiting(session)
                except BusError as error:
                    _FAILURES.add(1, {"cause": "bus"})
                    log.warning("relay lost the bus", extra={"code": error.problem.code.value})
            if self._leading:
                await self._age_sentences(session)
            if last_round:
                return
            await self._pause()

    async def _age_sentences(self, session: WriteSession) -> None:
        """Here because there is one relay, and no hurry. A batch a minute; while batches are whole, one a round."""
        now = time.monotonic()
        if self._keep is None or now < self._age_again_at:
            return
        aged = await forgetting.age_sentences(session, self._keep)
        if aged:
            log.info("sentences aged out", extra={"turns": aged})
        await dialogue.drop_expired(session)
        self._age_again_at = now if aged == forgetting.BATCH else now + AGE_EVERY_S

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def _publish_waiting(self, session: WriteSession) -> None:
        last: Waiting | None = None
        while batch := await outbox.waiting(session, after=last):
            for owner, changes in groupby(batch, key=lambda waiting: waiting.owner):
                try:
                    await self._publish_changes(session, owner, list(changes))
                except ValueError as error:
                    # An entry that cannot be read or sent must hold up its own owner only.
                    _FAILURES.add(1, {"cause": "change"})
                    log.error("change not published", exc_info=error, extra={"error_type": type(error).__qualname__})
            last = batch[-1]
            if len(batch) < outbox.BATCH:
                return

    async def _publish_changes(self, session: WriteSession, owner: str, changes: list[Waiting]) -> None:
        traceparents = {change.revision: change.traceparent for change in changes}
        done, until = changes[0].revision - 1, changes[-1].revision
        while done < until:
            entries = await reading.entries(session, owner, since=done, until=until)
            for entry in entries:
                await self._publish(owner, entry, traceparents.get(entry.revision))
            await outbox.mark_published(session, owner, first=done + 1, last=entries[-1].revision)
            _PUBLISHED.add(len(entries))
            done = entries[-1].revision

    async def _publish(self, owner: str, entry: JournalEntry, traceparent: str | None) -> None:
        # The change's own trace goes on, not that of whoever woke the relay.
        token = context.attach(parent_of({} if traceparent is None else {TRACEPARENT: traceparent}))
        try:
            await self._bus.publish(subjects.todo_changed(owner), TodoChanged(owner=owner, entry=entry))
        finally:
            context.detach(token)
