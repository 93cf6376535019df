"""Takes offers while there is room: a full or draining gateway leaves the queue group, so that another one is asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bus.errors import BusError
from bus.interface import Subscription
from rtc_gateway.patience import Patience
from rtc_gateway.registry import Registry

log = logging.getLogger(__name__)


class Doorway:
    """`enter` joins the queue group. It is left when no place is free, and joined again when `spare` are."""

    def __init__(self, registry: Registry, enter: Callable[[], Awaitable[Subscription]], *, spare: int) -> None:
        self._registry = registry
        self._enter = enter
        self._spare = spare
        self._offers: Subscription | None = None
        self._moved = asyncio.Event()
        self._patience = Patience(every_s=0)
        registry.on_room = self._moved.set

    async def open(self) -> None:
        """Join. Raises BusError."""
        self._offers = await self._enter()

    async def run(self) -> None:
        """Leave and join as places are taken and freed, without end."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            room = self._registry.room
            if room == 0:
                await self.close()
            elif self._offers is None and room >= self._spare:
                await self._join_again()

    async def _join_again(self) -> None:
        try:
            self._offers = await self._enter()
        except BusError as error:
            log.warning("offers not taken again", extra={"code": error.problem.code.value})
            await self._patience.after_failure()
            self._moved.set()
        else:
            self._patience.succeeded()

    async def close(self) -> None:
        """Leave; what was asked before is answered first."""
        offers, self._offers = self._offers, None
        if offers is not None:
            await offers.close()
