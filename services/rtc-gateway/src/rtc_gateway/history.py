"""A session's earlier turns, a page at a time, out of the stream that keeps them: no more is read than a page needs.

A start that has aged out takes its turn along; one that is not readable as such is left out. Everything has a bound:
the turns of a page and its bytes, the reads at once of all sessions together, and the time that a page may take.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pydantic import ValidationError

from bus.errors import BusError
from bus.interface import Bus, Event, Stretch
from contracts import streams, subjects
from contracts.channel import HistoryGet, HistoryPage, HistoryTurn
from contracts.limits import MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode, Problem
from contracts.turns import TurnCompleted, TurnStarted
from rtc_gateway.inbound import Refused, refusal_of
from rtc_gateway.page_start import PageStart

log = logging.getLogger(__name__)

PAGE_TIMEOUT_S: Final = 10.0
READS_AT_ONCE: Final = 16
OUTCOMES_AT_ONCE: Final = 8
PLACES_MAX: Final = 64
ENVELOPE_BYTES: Final = 256  # what a page has beside its turns

ReadT = TypeVar("ReadT")


class History:
    """Of one session. `room` bounds the reads of all sessions of a gateway."""

    def __init__(
        self, bus: Bus, session: str, room: asyncio.Semaphore, *, page_bytes_max: int = MESSAGE_OUT_MAX_BYTES
    ) -> None:
        self._bus = bus
        self._session = session
        self._starts = subjects.starts_of_session(session)
        self._room = room
        self._bytes_max = page_bytes_max - ENVELOPE_BYTES

    async def page(self, message: HistoryGet) -> HistoryPage | Refused:
        """The newest turns, or those before one, as many as are asked for and fit into a message."""
        try:
            async with asyncio.timeout(PAGE_TIMEOUT_S):
                turns, more = await self._turns(message.before, message.limit)
        except TimeoutError:
            detail = "the history could not be read in time; ask again"
            return refusal_of(message, Problem(code=ErrorCode.TIMEOUT, detail=detail))
        except BusError as error:
            return refusal_of(message, error.problem)
        return HistoryPage(ref=message.id, turns=tuple(turns), more=more)

    async def _turns(self, before: int | None, limit: int) -> tuple[deque[HistoryTurn], bool]:
        while True:
            starts, more = await self._newest_starts(before, limit)
            turns, all_fit = await self._with_outcomes(starts)
            if turns or not more:
                return turns, more or not all_fit
            # None of these is readable, or they aged out meanwhile. A page without turns would leave its reader nowhere
            # to go on from.
            before = starts[0].sequence if starts else before

    async def _newest_starts(self, before: int | None, limit: int) -> tuple[deque[Event], bool]:
        """The last starts before a sequence, oldest first, and whether there are older ones."""
        place = await self._beginning(before, limit)
        newest: deque[Event] = deque()
        size, more = 0, place > 0
        while True:
            stretch = await self._stretch(place, 2 * limit)
            for start in stretch.events:
                if before is not None and (start.sequence or 0) >= before:
                    return newest, more
                newest.append(start)
                size += len(start.data)
                while len(newest) > limit or size > self._bytes_max:
                    size -= len(newest.popleft().data)
                    more = True
            if not stretch.rest or not stretch.events:
                return newest, more
            place = stretch.events[-1].sequence or 0

    async def _beginning(self, before: int | None, limit: int) -> int:
        """Behind which sequence to read for the last `limit` starts before one. 0: from the first that there is."""
        newer = 0 if before is None else await self._count(before - 1)
        held = await self._count(0) - newer
        if before is None:
            last = await self._read(lambda: self._bus.stored(streams.CHAT, self._starts))
            before = ((last and last.sequence) or 0) + 1
        search = PageStart(limit=limit, end=before - 1, held=held)
        for _ in range(PLACES_MAX):
            if search.found:
                return search.place
            place = search.place
            # Turns that are stored meanwhile make it too many by so much, and the page so much shorter.
            search.told(place, await self._count(place) - newer)
        log.warning("beginning of a page not found", extra={"session": self._session})
        return search.place

    async def _count(self, place: int) -> int:
        """How many starts the stream holds behind a place."""
        stretch = await self._stretch(place, 1)
        return len(stretch.events) + stretch.rest

    async def _with_outcomes(self, starts: deque[Event]) -> tuple[deque[HistoryTurn], bool]:
        """The newest of these turns that fit into a page, oldest first, and whether all of them did."""
        turns: deque[HistoryTurn] = deque()
        size = 0
        left = list(starts)
        while left:
            group, left = left[-OUTCOMES_AT_ONCE:], left[:-OUTCOMES_AT_ONCE]
            for turn in reversed(await asyncio.gather(*(self._turn(start) for start in group))):
                if turn is None:
                    continue
                size += len(turn.to_json()) + 1
                if size <= self._bytes_max:
                    turns.appendleft(turn)
                elif turns:
                    return turns, False
                else:  # alone it would be too long for a message: its text is all that can be told
                    turns.append(turn.model_copy(update={"completed": None, "outcome_lost": True}))
        return turns, True

    async def _turn(self, start: Event) -> HistoryTurn | None:
        """A start with what came of it; None if it is not readable."""
        try:
            started = TurnStarted.from_json(start.data)
        except ValidationError:
            log.warning("malformed start left out", extra={"stream_sequence": start.sequence})
            return None
        subject = subjects.turn_completed(self._session, started.turn_id)
        outcome = await self._read(lambda: self._bus.stored(streams.CHAT, subject))
        turn = HistoryTurn(
            seq=start.sequence or 0, turn_id=started.turn_id, text=started.text, accepted_at=started.accepted_at
        )
        if outcome is None:
            return turn
        try:
            return turn.model_copy(update={"completed": TurnCompleted.from_json(outcome.data)})
        except ValidationError:
            log.warning("malformed outcome left out", extra={"stream_sequence": outcome.sequence})
            return turn.model_copy(update={"outcome_lost": True})

    async def _stretch(self, place: int, limit: int) -> Stretch:
        return await self._read(lambda: self._bus.stretch(streams.CHAT, self._starts, behind=place, limit=limit))

    async def _read(self, read: Callable[[], Awaitable[ReadT]]) -> ReadT:
        async with self._room:
            return await read()
