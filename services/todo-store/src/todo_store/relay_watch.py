"""How much the relay has still to tell, and for how long the oldest of it waits.

Every store looks for itself, whoever leads: a relay that does nothing, or is nowhere, is seen by those who wait for it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

from bus.metering import observing
from contracts.metrics import RELAY_AGE, RELAY_UNPUBLISHED
from todo_store.errors import problem_of_fault
from todo_store.repository import outbox
from todo_store.repository.outbox import Backlog
from todo_store.sessions import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 5.0
SHOWN_S: Final = 3 * LOOK_EVERY_S
"""What is older is not shown any more: a gauge that stands still looks like one that is well."""


class RelayWatch:
    """What the last look saw."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = Backlog()
        self._seen_at: float | None = None

    @asynccontextmanager
    async def shown(self, every_s: float = LOOK_EVERY_S) -> AsyncIterator[None]:
        """Look every `every_s` seconds, and have it in the metrics, for the length of the block."""
        with ExitStack() as looks:
            looks.enter_context(observing(RELAY_AGE, lambda: self._fresh(self._seen.oldest_s)))
            looks.enter_context(observing(RELAY_UNPUBLISHED, lambda: self._fresh(self._seen.changes)))
            looking = asyncio.create_task(self._run(every_s), name="relay watch")
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.wait({looking})

    async def look(self) -> None:
        async with self._database.reading() as session:
            self._seen = await outbox.backlog(session)
        self._seen_at = time.monotonic()

    async def _run(self, every_s: float) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:
                if problem_of_fault(error) is None:
                    log.error("relay not watched", exc_info=error, extra={"error_type": type(error).__qualname__})
                else:
                    log.warning("relay not watched", extra={"error_type": type(error).__qualname__})
            await asyncio.sleep(every_s)

    def _fresh(self, value: float) -> float | None:
        return None if self._seen_at is None or time.monotonic() - self._seen_at > SHOWN_S else value
