"""Tells the open pages whether the model can be asked: once to each, and then what changes, at most once in GAP_S."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from pydantic import ValidationError

from bus.interface import Bus, Event
from contracts import subjects
from contracts.model_status import ModelReport, ModelStatus
from rtc_gateway.agents_heard import AgentsHeard

log = logging.getLogger(__name__)

GAP_S: Final = 1.0
QUIET_S: Final = 0.1
"""A time that has come is looked at so much later: clocks are coarse."""

Tell = Callable[[ModelStatus], None]


class ModelNews:
    """Of one gateway."""

    def __init__(self, bus: Bus, *, silent_after_s: float) -> None:
        self._bus = bus
        self._now = asyncio.get_running_loop().time
        self._heard = AgentsHeard(silent_after_s=silent_after_s, now=self._now())
        self._told: ModelStatus | None = None
        self._stirred = asyncio.Event()
        self._followers: set[Tell] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hear the agents, inside. Raises BusError."""
        subscription = await self._bus.subscribe(subjects.ANY_AGENT_MODEL, self._take, on_loss=self._deaf)
        self._heard.deaf(self._now())
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._keep_telling())
            try:
                yield
            finally:
                telling.cancel()
                await subscription.close()

    @contextmanager
    def followed_by(self, tell: Tell) -> Iterator[None]:
        """`tell` is called with what is known, and with what changes, for the length of the block."""
        if self._told is not None:
            tell(self._told)
        self._followers.add(tell)
        try:
            yield
        finally:
            self._followers.discard(tell)

    async def _take(self, event: Event) -> None:
        try:
            report = ModelReport.from_json(event.data)
        except ValidationError:
            log.warning("malformed event ignored")
            return
        self._heard.take(report, self._now())
        self._stirred.set()

    def _deaf(self) -> None:
        self._heard.deaf(self._now())

    async def _keep_telling(self) -> None:
        while True:
            self._stirred.clear()
            if not self._bus.connected:
                self._deaf()
            status = self._heard.status(self._now())
            if status is not None and status != self._told:
                self._told = status
                for tell in list(self._followers):
                    tell(status)
                await asyncio.sleep(GAP_S)
                continue
            changes_by = self._heard.changes_by(self._now())
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if changes_by is None else changes_by + QUIET_S):
                    await self._stirred.wait()
