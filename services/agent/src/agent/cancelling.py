"""Cancelled turns: what is done for one is stopped at once, wherever it is, as soon as the store says that it may be.

The word on the bus is a hint. The promise is the mark in the store: `cancelled` is said only after the store, under the
owner's lock, has answered that nothing was applied, from when on it refuses to apply anything for that turn.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pydantic import ValidationError

from agent.store import Store
from bus.errors import BusError
from bus.interface import Event
from contracts.turns import TurnCancel

log = logging.getLogger(__name__)

REMEMBERED_MAX: Final = 4096
REMEMBERED_S: Final = 3600.0
FIRST_ANSWER_S: Final = 2.0
ASK_AGAIN_S: Final = 1.0

ResultT = TypeVar("ResultT")
_Key = tuple[str, str]
"""The owner and the turn: a word about another owner's turn of the same id is about another turn."""


class Cancelling:
    """Hears every cancel, and ends the turns in hand that it is about. One for each agent."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        # Of turns that are not here, since they may be fetched later: when it was heard.
        self._heard: OrderedDict[_Key, float] = OrderedDict()
        # Of turns in hand. A list: one that was taken over from this very agent is here twice.
        self._wanted: dict[_Key, list[asyncio.Event]] = {}

    async def hear(self, event: Event) -> None:
        """Take a TurnCancel. Every agent hears each; it is remembered for the case that the turn is fetched here."""
        try:
            cancel = TurnCancel.from_json(event.data)
        except ValidationError:
            log.warning("malformed cancel ignored")
            return
        key = (cancel.owner, cancel.turn_id)
        self._heard[key] = self._now()
        self._heard.move_to_end(key)
        self._forget_old()
        for wanted in self._wanted.get(key, ()):
            wanted.set()

    async def unless_cancelled(
        self, owner: str, turn_id: str, work: Callable[[], Awaitable[ResultT]]
    ) -> ResultT | None:
        """What `work` comes to, or raises. None, with `work` stopped or never begun, once the store has said that the
        turn is cancelled, that nothing was applied for it, and so that nothing will be."""
        key = (owner, turn_id)
        wanted = asyncio.Event()
        if self._was_heard(key):
            wanted.set()
        self._wanted.setdefault(key, []).append(wanted)
        asking = asyncio.create_task(self._is_cancelled(key, wanted))
        tasks: list[asyncio.Future[bool] | asyncio.Future[ResultT]] = [asking]
        try:
            if wanted.is_set():
                # Heard before the turn was fetched: the model is not to be asked first. An outage is no reason to wait.
                await asyncio.wait({asking}, timeout=FIRST_ANSWER_S)
                if asking.done() and asking.result():
                    return None
            working = asyncio.ensure_future(work())
            tasks.append(working)
            if not asking.done():
                await asyncio.wait({asking, working}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and asking.done() and asking.result():
                return None
            return await working
        finally:
            self._wanted[key].remove(wanted)
            if not self._wanted[key]:
                del self._wanted[key]
            await _stopped(tasks)

    async def _is_cancelled(self, key: _Key, wanted: asyncio.Event) -> bool:
        """Wait for the word, then for the store's answer, for as long as the work lasts."""
        await wanted.wait()
        while True:
            try:
                too_late = await self._store.cancel(*key)
            except BusError as error:
                if not error.passing:
                    log.warning("cancel refused", extra={"code": error.problem.code.value})
                    return False
                await asyncio.sleep(ASK_AGAIN_S)
            else:
                return not too_late

    def _was_heard(self, key: _Key) -> bool:
        self._forget_old()
        return key in self._heard

    def _forget_old(self) -> None:
        oldest = self._now() - REMEMBERED_S
        while self._heard and (len(self._heard) > REMEMBERED_MAX or next(iter(self._heard.values())) < oldest):
            self._heard.popitem(last=False)


async def _stopped(tasks: list[asyncio.Future[bool] | asyncio.Future[ResultT]]) -> None:
    """Cancel what is not done, and see it end: the model's connection is closed by then."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
