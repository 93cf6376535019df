"""A session's events in the order of their streams: what was missed first, then what comes, each once.

What comes live is taken for news, and the streams for the truth, so whatever is lost on the way is read from there. It
leaves to the session when the page can be told, and waits for it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pydantic import ValidationError

from bus import tracing
from bus.errors import BusError
from bus.interface import Bus, Event
from contracts import streams, subjects
from contracts.channel import GatewayMessage, SessionCurrent, TurnCompletedEvent
from contracts.limits import REPLAY_MAX
from contracts.signaling import Seen
from rtc_gateway.events import stream_of, to_page
from rtc_gateway.measures import Measures
from rtc_gateway.patience import Patience

log = logging.getLogger(__name__)

LIVE_MAX: Final = 1024
"""So many events wait while the page is told others; of more, those in a stream are read from there."""

Tell = Callable[[GatewayMessage], Awaitable[None]]


class EventFeed:
    """Of one session. `seen` is what its page names: None to begin with what comes from now on.

    `fresh`: nothing was ever told of the session, so nothing is looked for.
    """

    def __init__(self, bus: Bus, session: str, measures: Measures, *, seen: Seen | None, fresh: bool) -> None:
        self._bus = bus
        self._measures = measures
        # Phases first: each comes before the outcome of its turn, whatever two streams' clocks say.
        self._kept = {
            streams.OUT: subjects.phases_of_session(session),
            streams.CHAT: subjects.completed_of_session(session),
        }
        self._told: dict[str, int] | None = None
        if fresh or seen is not None:
            self._told = {streams.CHAT: seen.chat if seen else 0, streams.OUT: seen.out if seen else 0}
        self._behind = not fresh and seen is not None
        self._live: deque[Event] = deque()
        self._patience = Patience(every_s=0)
        self._wake = asyncio.Event()

    async def take(self, event: Event) -> None:
        """What the bus says of the session."""
        if len(self._live) < LIVE_MAX:
            self._live.append(event)
        else:
            self._measures.ignored.add(1, {"cause": "behind"})
            self._behind = True
        self._wake.set()

    def look(self) -> None:
        """Events may have been lost: read the streams."""
        self._behind = True
        self._wake.set()

    def is_past(self, outcome: TurnCompletedEvent) -> bool:
        """Whether its place among the events is behind us: it was told, or was before what the page had seen, or is
        before what comes from now on, as long as we do not know where that begins."""
        return self._told is None or (outcome.seq or 0) <= self._told[streams.CHAT]

    async def run(self, tell: Tell) -> None:
        """Tell what was missed, that it is all, and then what comes, without end."""
        await self._begin(tell)
        while True:
            if self._behind:
                _, complete = await self._catch_up(tell)
                self._behind = self._behind or not complete
            elif self._live:
                await self._pass_on_live(self._live.popleft(), tell)
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _begin(self, tell: Tell) -> None:
        if self._told is None:
            self._told = {stream: await self._newest(stream) for stream in self._kept}
        replayed, complete = await self._catch_up(tell) if self._behind else (0, True)
        seen = Seen(chat=self._told[streams.CHAT], out=self._told[streams.OUT])
        await tell(SessionCurrent(seen=seen, replayed=replayed, complete=complete))

    async def _catch_up(self, tell: Tell) -> tuple[int, bool]:
        """Read what is behind the last that was told; how much that was, and whether it was all."""
        self._behind = False
        # Outcomes only up to here: the phases of later ones may come while outcomes are told, and are told before them.
        newest_outcome = await self._newest(streams.CHAT)
        phases = await self._read(streams.OUT, tell, until=None)
        since = time.time_ns()
        outcomes = await self._read(streams.CHAT, tell, until=newest_outcome)
        if outcomes:
            tracing.replayed(self._kept[streams.CHAT], outcomes, since)
        return len(phases) + len(outcomes), max(len(phases), len(outcomes)) < REPLAY_MAX

    async def _read(self, stream: str, tell: Tell, *, until: int | None) -> list[Mapping[str, str]]:
        """Tell what is behind the last that was told, at most up to `until`; the trace of each that was read."""
        read: list[Mapping[str, str]] = []
        while len(read) < REPLAY_MAX and (until is None or self._place(stream) < until):
            event = await self._asked(
                lambda place: self._bus.next_stored(stream, self._kept[stream], behind=place), self._place(stream)
            )
            if event is None or (until is not None and (event.sequence or 0) > until):
                break
            read.append(event.trace)
            await self._pass_on(event, tell)
        return read

    async def _newest(self, stream: str) -> int:
        event = await self._asked(lambda _: self._bus.stored(stream, self._kept[stream]), 0)
        return (event and event.sequence) or 0

    async def _asked(self, read: Callable[[int], Awaitable[Event | None]], behind: int) -> Event | None:
        """What a stream holds, asked for until it can be read."""
        while True:
            try:
                with (
                    tracing.unrecorded()
                ):  # a message or none; those that are told have traces of their own, see replayed
                    event = await read(behind)
            except BusError as error:
                log.warning("events not read", extra={"code": error.problem.code.value})
                await self._patience.after_failure()
            else:
                self._patience.succeeded()
                return event

    async def _pass_on_live(self, event: Event, tell: Tell) -> None:
        if stream_of(event.subject) != streams.CHAT:
            await self._pass_on(event, tell)  # three phases a turn would be three spans that tell nothing more
            return
        with tracing.processing(event.subject, event.trace):
            await self._pass_on(event, tell)

    async def _pass_on(self, event: Event, tell: Tell) -> None:
        stream = stream_of(event.subject)
        if stream is not None and event.sequence is not None and event.sequence <= self._place(stream):
            return  # read from the stream before it came, or the other way round
        message = self._message(event)
        if message is not None:
            await tell(message)
        if stream is not None and event.sequence is not None and self._told is not None:
            self._told[stream] = event.sequence

    def _place(self, stream: str) -> int:
        return 0 if self._told is None else self._told[stream]

    def _message(self, event: Event) -> GatewayMessage | None:
        try:
            message = to_page(event)
        except ValidationError:
            self._measures.ignored.add(1, {"cause": "malformed"})
            log.warning("malformed event ignored")
            return None
        if message is None:
            self._measures.ignored.add(1, {"cause": "unknown"})
        return message
