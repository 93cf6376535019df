"""A bus within one process, for unit tests of handlers and for nothing else: `NatsBus` is what services run on.

The contract's tests run over both. It has no permissions and no disk, and it loses nothing but by `away`.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Final

from opentelemetry.trace import Span

from bus import headers, rpc_metrics, tracing
from bus.errors import NoReplyError, RemoteError, UnavailableError
from bus.interface import (
    PENDING_EVENTS,
    STRETCH_MAX_BYTES,
    Backlog,
    Event,
    EventHandler,
    Holdings,
    JobHandler,
    LossHandler,
    ReplyT,
    RequestT,
    Stored,
    Stretch,
    Subscription,
)
from bus.matching import covers
from bus.memory_interests import Interest, MemorySubscription, Take
from bus.memory_streams import Changes, Kept, MemoryStream
from bus.memory_workers import MemoryWorkers
from bus.serving import PARTS_MAX, PENDING_REQUESTS, Asked, Endpoint, one_answer, raise_problem, series
from contracts.limits import LEASE_S
from contracts.message import ErrorCode, Message, Problem
from contracts.streams import STREAMS, Stream
from contracts.subjects import template

log = logging.getLogger(__name__)

_Answers = asyncio.Queue[tuple[bytes, Mapping[str, str]]]
FAILED_RETRY_S: Final = 0.05  # the real bus takes 5 s; a unit test has no time


class MemoryBus:
    """A Bus. All parts of a test share one; setting `away` is to lose it, as long as it is set."""

    def __init__(self, streams: tuple[Stream, ...] = STREAMS, *, lease_s: float = LEASE_S) -> None:
        self._away = False
        self._streams = {stream.name: MemoryStream(stream) for stream in streams}
        self._lease_s = lease_s
        self._interests: list[Interest] = []
        self._workers: list[MemoryWorkers] = []
        self._changes = Changes()

    @property
    def away(self) -> bool:
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        back = self._away and not away
        self._away = away
        if back:
            for interest in list(self._interests):
                interest.tell_of_loss()

    async def close(self) -> None:
        """End whatever is still open, at the end of a test."""
        for workers in self._workers:
            await workers.close()
        for interest in self._interests:
            interest.pump.cancel()
        self._interests.clear()

    @property
    def connected(self) -> bool:
        return not self.away

    @property
    def lacks(self) -> str | None:
        return "bus" if self.away else None

    def kept(self, stream: str) -> dict[str, bytes]:
        """What a stream holds, by subject, oldest first: for a test to look at."""
        return {subject: kept.data for subject, kept in self._streams[stream].kept.items()}

    async def stored(self, stream: str, subject: str) -> Event | None:
        self._check_here()
        return _event_of(self._streams[stream].last(subject))

    async def next_stored(
        self, stream: str, subject: str, *, behind: int = 0, since: datetime | None = None
    ) -> Event | None:
        self._check_here()
        return _event_of(self._streams[stream].next(subject, behind, since))

    async def stretch(self, stream: str, subject: str, *, behind: int = 0, limit: int) -> Stretch:
        self._check_here()
        held = deque(self._streams[stream].behind(subject, behind))
        found: list[Event] = []
        size = 0
        while held and len(found) < limit and size < STRETCH_MAX_BYTES:
            size += len(held[0].data)
            found.append(_as_event(held.popleft()))
        return Stretch(tuple(found), rest=len(held))

    async def settled(self, stream: str, consumer: str) -> int | None:
        self._check_here()
        return self._streams[stream].settled(consumer)

    async def holdings(self, stream: str) -> Holdings:
        self._check_here()
        return self._streams[stream].holdings()

    async def backlogs(self, stream: str) -> tuple[Backlog, ...]:
        self._check_here()
        return tuple(consumer.backlog() for consumer in self._streams[stream].consumers.values())

    @rpc_metrics.asked
    async def request(self, subject: str, message: Message, reply: type[ReplyT], *, timeout: float) -> ReplyT:
        with tracing.asking(subject):
            async with aclosing(self._answers(subject, message, timeout)) as answers:
                data, _ = await anext(answers)
                return reply.from_json(data)

    @rpc_metrics.asked_for_a_series
    async def request_many(
        self, subject: str, message: Message, part: type[ReplyT], *, timeout: float
    ) -> AsyncIterator[ReplyT]:
        with tracing.asking_for_a_series(subject) as span:
            async with aclosing(self._answers(subject, message, timeout, span)) as answers:
                count = 0
                async for data, received in answers:
                    count += 1
                    if data:
                        yield part.from_json(data)
                    if headers.LAST in received:
                        return
                    if count == PARTS_MAX:
                        detail = f"an answer has over {PARTS_MAX} parts"
                        raise RemoteError(Problem(code=ErrorCode.TOO_LARGE, detail=detail))

    async def _answers(
        self, subject: str, message: Message, timeout: float, span: Span | None = None
    ) -> AsyncGenerator[tuple[bytes, Mapping[str, str]], None]:
        deadline = {headers.DEADLINE: str(int((time.time() + timeout) * 1000))}
        answers: _Answers = asyncio.Queue(PARTS_MAX)

        async def answer(data: bytes, own: dict[str, str] | None) -> None:
            with contextlib.suppress(asyncio.QueueFull):
                answers.put_nowait((data, own or {}))

        asked = Asked(subject, message.to_json(), tracing.inject(deadline, span), answer)
        self._check_here()
        if not self._deliver(asked, served=True):
            raise UnavailableError(f"nobody serves {template(subject)}")
        while True:
            try:
                data, received = await asyncio.wait_for(answers.get(), timeout)
            except TimeoutError as error:
                raise NoReplyError(f"no answer from {template(subject)} within {timeout:g} s") from error
            raise_problem(data, received)
            yield data, received

    async def publish(self, subject: str, message: Message) -> None:
        with tracing.sending(subject):
            self._check_here()
            data, own = message.to_json(), tracing.inject({})
            stream = self._capturing(subject)
            if stream is None:
                self._deliver_event(subject, data, own)
            else:
                # Its answer has nobody to go to.
                with contextlib.suppress(RemoteError):
                    self._keep(stream, subject, data, own)

    async def store(self, subject: str, message: Message) -> Stored:
        with tracing.sending(subject):
            self._check_here()
            stream = self._capturing(subject)
            if stream is None:
                raise UnavailableError(f"nobody serves {template(subject)}")
            return self._keep(stream, subject, message.to_json(), tracing.inject({}))

    async def replace(self, subject: str, message: Message, *, seen: int) -> int | None:
        with tracing.sending(subject):
            self._check_here()
            stream = self._capturing(subject)
            if stream is None:
                raise UnavailableError(f"nobody serves {template(subject)}")
            kept = stream.kept.get(subject)
            if (0 if kept is None else kept.sequence) != seen:
                return None
            return self._keep(stream, subject, message.to_json(), tracing.inject({})).sequence

    def _keep(self, stream: MemoryStream, subject: str, data: bytes, own: dict[str, str]) -> Stored:
        self._deliver_event(subject, data, own)
        declared = stream.declared
        if declared.refuses_repeats and stream.holds(subject):
            return Stored(sequence=None, repeated=True)
        if not stream.has_room(data):
            log.error("stream refused", extra={"subject": template(subject)})
            detail = "the stream is full or not writable; try later"
            raise RemoteError(Problem(code=ErrorCode.OVERLOADED, detail=detail))
        kept = stream.keep(subject, data, own)
        if declared.republish is not None:
            self._deliver_event(f"live.{kept.subject}", data, {**own, headers.SEQUENCE: str(kept.sequence)})
        self._changes.tell()
        return Stored(sequence=kept.sequence)

    async def subscribe(
        self, subject: str, handler: EventHandler, *, on_loss: LossHandler | None = None
    ) -> Subscription:
        async def take(message: Asked) -> None:
            sequence = message.headers.get(headers.SEQUENCE)
            event = Event(message.subject, message.data, int(sequence) if sequence else None, message.headers)
            try:
                await handler(event)
            except Exception as error:
                log.error("event handler failed", exc_info=error, extra={"subject": template(message.subject)})

        self._check_here()
        return MemorySubscription(self._interests, self._interest(subject, take, PENDING_EVENTS, on_loss=on_loss), None)

    async def serve(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], Awaitable[Message]],
        *,
        queue: str | None,
    ) -> Subscription:
        return self._serve(subject, Endpoint(request, one_answer(handler)), queue)

    async def serve_many(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], AsyncGenerator[Message, None]],
        *,
        queue: str | None,
    ) -> Subscription:
        return self._serve(subject, Endpoint(request, series(handler)), queue)

    def _serve(self, subject: str, endpoint: Endpoint[RequestT], queue: str | None) -> Subscription:
        self._check_here()
        interest = self._interest(subject, endpoint.take, PENDING_REQUESTS, served=True, queue=queue)
        return MemorySubscription(self._interests, interest, endpoint)

    async def work(
        self, stream: str, consumers: tuple[str, ...], handler: JobHandler, *, slots: int, hints: str
    ) -> Subscription:
        """As on the real bus; `hints` are not needed, since workers here see the streams."""
        self._check_here()
        bound = [self._streams[stream].consumers[name] for name in consumers]
        workers = MemoryWorkers(
            bound, handler, self._changes, slots=slots, lease_s=self._lease_s, failed_retry_s=FAILED_RETRY_S
        )
        self._workers.append(workers)
        return workers

    def _interest(
        self,
        subject: str,
        take: Take,
        bound: int,
        *,
        served: bool = False,
        queue: str | None = None,
        on_loss: LossHandler | None = None,
    ) -> Interest:
        interest = Interest(subject, take, served, queue, asyncio.Queue(bound), on_loss)
        self._interests.append(interest)
        return interest

    def _check_here(self) -> None:
        if self.away:
            raise UnavailableError("the bus is away")

    def _capturing(self, subject: str) -> MemoryStream | None:
        return next((stream for stream in self._streams.values() if stream.captures(subject)), None)

    def _deliver_event(self, subject: str, data: bytes, own: Mapping[str, str]) -> None:
        self._deliver(Asked(subject, data, own, _to_nobody), served=False)

    def _deliver(self, message: Asked, *, served: bool) -> bool:
        """To every interest, but to one of each queue group. False if there was none."""
        groups: dict[str, list[Interest]] = {}
        for number, interest in enumerate(self._interests):
            if interest.served == served and covers(interest.subject, message.subject):
                groups.setdefault(interest.queue or f"\0{number}", []).append(interest)
        for members in groups.values():
            secrets.choice(members).offer(message)
        return bool(groups)


def _event_of(kept: Kept | None) -> Event | None:
    return None if kept is None else _as_event(kept)


def _as_event(kept: Kept) -> Event:
    return Event(kept.subject, kept.data, kept.sequence, kept.headers, kept.at)


async def _to_nobody(_data: bytes, _headers: dict[str, str] | None) -> None:
    """An event is not answered."""
