"""Finds out whether the model can be asked, and says so: when it changes, and every few seconds."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from agent.faults import ModelError
from agent.model import CompletingModel, Completion, Messages
from agent.model_health import Health, ModelHealth
from agent.model_listing import Listing
from bus import tracing
from bus.errors import BusError
from bus.interface import Bus
from contracts import subjects
from contracts.model_status import ModelReport, ModelState

log = logging.getLogger(__name__)

LOOK_SOON_S: Final = 3.0
"""How often is looked while the model is not ready: whoever starts it waits for the page to say so."""
LOOK_GAP_S: Final = 1.0
SAY_GAP_S: Final = 0.25


class ModelWatch:
    """A CompletingModel that watches another. `look` asks for the server's list, bounded in time.

    `look_every_s` is the time between looks while the model is ready; `say_every_s` between reports without a change.
    """

    def __init__(
        self,
        model: CompletingModel,
        look: Callable[[], Awaitable[Listing | None]],
        bus: Bus,
        instance: str,
        *,
        look_every_s: float,
        say_every_s: float,
    ) -> None:
        self._model = model
        self._look = look
        self._bus = bus
        self._instance = instance
        self._look_every_s = look_every_s
        self._say_every_s = say_every_s
        self._health = ModelHealth()
        self._said: Health | None = None
        self._moved = asyncio.Event()
        self._doubt = asyncio.Event()

    async def complete(self, messages: Messages, form: dict[str, Any], *, timeout_s: float) -> Completion:
        self._health.asked()
        self._moved.set()
        try:
            completion = await self._model.complete(messages, form, timeout_s=timeout_s)
        except ModelError as error:
            self._health.answered(error.fault, time.monotonic())
            self._doubt.set()
            raise
        except BaseException:
            self._health.let_go()
            raise
        else:
            self._health.answered(None, time.monotonic())
            return completion
        finally:
            self._moved.set()

    async def run(self) -> None:
        """Look and say, without end."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_looking())
            tasks.create_task(self._keep_saying())

    async def _keep_looking(self) -> None:
        while True:
            self._doubt.clear()
            self._health.looked(await self._look(), time.monotonic())
            self._moved.set()
            await asyncio.sleep(min(LOOK_GAP_S, self._look_every_s))
            health = self._health.health()
            ready = health is not None and health.state is ModelState.READY
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_every_s if ready else min(LOOK_SOON_S, self._look_every_s)):
                    await self._doubt.wait()

    async def _keep_saying(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._say_every_s):
                    while (health := self._health.health()) is None or health == self._said:
                        self._moved.clear()
                        await self._moved.wait()
            health = self._health.health()
            if health is not None:
                await self._say(health)
            await asyncio.sleep(min(SAY_GAP_S, self._say_every_s))

    async def _say(self, health: Health) -> None:
        report = ModelReport(instance=self._instance, state=health.state, name=health.name, stand_in=health.stand_in)
        if self._said is None or self._said.state is not health.state:
            log.info("model seen", extra={"state": health.state.value})
        self._said = health
        try:
            with tracing.unrecorded():  # said again and again, and a trace each time
                await self._bus.publish(subjects.agent_model(self._instance), report)
        except BusError as error:
            # It is said again soon.
            log.info("model not told of", extra={"code": error.problem.code.value})
