"""One board for each owner with open pages: its events, and what is asked for where some were lost.

Asked is on a gap, after the bus was away, after events were dropped, and every `look_every_s` in case nobody told of a
loss. One request at a time for an owner, ASKS_AT_ONCE for the gateway, however many pages are open.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from bus import tracing
from bus.errors import BusError
from bus.interface import Bus, Event, Subscription
from contracts import subjects
from contracts.store import Changes, ChangesRequest
from contracts.todo import TodoChanged
from rtc_gateway.board_feed import BoardFeed
from rtc_gateway.measures import Measures
from rtc_gateway.patience import Patience

log = logging.getLogger(__name__)

ASK_TIMEOUT_S: Final = 5.0
ASK_ENTRIES: Final = 100
ASKS_AT_ONCE: Final = 8
ASK_PAUSE_S: Final = 0.1  # between the end of one catching up and the next, while events go on being lost


class OwnerBoard:
    """One owner's feed, and the pages that follow it."""

    def __init__(self, owner: str, bus: Bus, measures: Measures, room: asyncio.Semaphore, look_every_s: float) -> None:
        self.feed = BoardFeed()
        self._owner = owner
        self._bus = bus
        self._measures = measures
        self._room = room
        self._patience = Patience(look_every_s)
        self._followers: set[Callable[[], None]] = set()

    @contextmanager
    def followed_by(self, moved: Callable[[], None]) -> Iterator[None]:
        """`moved` is called, for the length of the block, when there may be something to tell."""
        self._followers.add(moved)
        try:
            yield
        finally:
            self._followers.discard(moved)

    async def take(self, event: Event) -> None:
        """An event of the owner's journal."""
        try:
            entry = TodoChanged.from_json(event.data).entry
        except ValidationError:
            self._measures.ignored.add(1, {"cause": "malformed"})
            log.warning("malformed event ignored")
            return
        with tracing.processing(event.subject, event.trace):
            self.feed.take(entry, len(event.data))
            self.moved()

    def lost(self) -> None:
        """Events may have been lost."""
        self._patience.hurry()

    def moved(self) -> None:
        """The feed has taken something: tell the pages, and ask for what is missing."""
        for moved in list(self._followers):
            moved()
        if self.feed.behind:
            self._patience.hurry()

    async def run(self) -> None:
        """Ask when something is missing, or may be."""
        while True:
            await self._patience.wait()
            await self._catch_up()
            await asyncio.sleep(ASK_PAUSE_S)

    async def _catch_up(self) -> None:
        while (ask := self.feed.ask()) is not None:
            request = ChangesRequest(owner=self._owner, since=ask.since, limit=ASK_ENTRIES)
            try:
                # Again and again, mostly to find nothing: board_asks counts them, a trace each time tells no more.
                with tracing.unrecorded():
                    async with self._room:
                        changes = await self._bus.request(
                            subjects.TODO_CHANGES, request, Changes, timeout=ASK_TIMEOUT_S
                        )
            except (BusError, ValidationError) as error:
                code = error.problem.code.value if isinstance(error, BusError) else "invalid"
                self._measures.board_asks.add(1, {"result": code})
                log.warning("changes not read", extra={"code": code})
                await self._patience.after_failure()
                continue
            self._patience.succeeded()
            self._measures.board_asks.add(1, {"result": "ok"})
            self.feed.answer(ask, changes)
            self.moved()
            if not self.feed.behind:
                return


@dataclass
class _Open:
    board: OwnerBoard
    pages: int = 0
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    subscription: Subscription | None = None
    task: asyncio.Task[None] | None = None


class Boards:
    """The boards of the owners that have pages here."""

    def __init__(self, bus: Bus, measures: Measures, look_every_s: float) -> None:
        self._bus = bus
        self._measures = measures
        self._look_every_s = look_every_s
        self._room = asyncio.Semaphore(ASKS_AT_ONCE)
        self._open: dict[str, _Open] = {}

    @asynccontextmanager
    async def of(self, owner: str) -> AsyncIterator[OwnerBoard]:
        """The owner's board, with its events arriving, for the length of the block. Raises BusError."""
        entry = self._open.get(owner)
        if entry is None:
            board = OwnerBoard(owner, self._bus, self._measures, self._room, self._look_every_s)
            entry = self._open[owner] = _Open(board)
        entry.pages += 1
        try:
            async with entry.opening:
                if entry.subscription is None:
                    entry.subscription = await self._bus.subscribe(
                        subjects.todo_changed(owner), entry.board.take, on_loss=entry.board.lost
                    )
                    entry.task = asyncio.get_running_loop().create_task(entry.board.run())
                    entry.task.add_done_callback(_ended)
            yield entry.board
        finally:
            entry.pages -= 1
            if entry.pages == 0:
                del self._open[owner]
                if entry.task is not None:
                    entry.task.cancel()
                if entry.subscription is not None:
                    await entry.subscription.close()


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("board failed", exc_info=error, extra={"error_type": type(error).__qualname__})
