"""The real bus: nats-py, made to fail early and to say so."""

import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any, Final, Self, TypeVar

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoRespondersError
from opentelemetry.trace import Span

from bus import headers, permitted, reading, rpc_metrics, tracing
from bus.cancellation import heeded
from bus.connection import BusSettings, Connection
from bus.errors import BusPermissionError, NoReplyError, RemoteError, TooLargeError, UnavailableError
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
from bus.serving import PARTS_MAX, PENDING_REQUESTS, Asked, Endpoint, one_answer, raise_problem, series
from bus.subscriptions import EventSubscription, ServedSubscription
from bus.workers import Workers
from contracts.message import ErrorCode, Message, Problem
from contracts.subjects import template

log = logging.getLogger(__name__)

__all__ = ["BusSettings", "NatsBus"]

STORE_TIMEOUT_S: Final = 5.0
SETTLE_TIMEOUT_S: Final = 5
_NOT_STORED: Final = 10077
_ONE_ALREADY: Final = "maximum messages per subject exceeded"
_ANOTHER_CAME_FIRST: Final = 10071
ReplyOf = TypeVar("ReplyOf")


class NatsBus:
    """A Bus over one connection. Made by `connected_to`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = connection.client

    @classmethod
    @asynccontextmanager
    async def connected_to(cls, settings: BusSettings) -> AsyncIterator[Self]:
        """Connect for the length of the block; leaving flushes and closes.

        Raises UnavailableError if the server does not answer within CONNECT_TIMEOUT_S, BusPermissionError if its user
        may do less than it needs, and BusLostError, having cancelled the block, when the bus is away for too long.
        """
        connection = Connection(settings.lost_after_s)
        with connection.shown():
            await connection.open(settings)
            try:
                async with connection.watched():
                    if settings.needs is not None:
                        await permitted.check(connection, settings.needs)
                    yield cls(connection)
            finally:
                await connection.close()

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @property
    def lacks(self) -> str | None:
        if not self._client.is_connected:
            return "bus"
        return "bus_permissions" if self._connection.refused_publishes else None

    @rpc_metrics.asked
    async def request(self, subject: str, message: Message, reply: type[ReplyT], *, timeout: float) -> ReplyT:
        with tracing.asking(subject):
            answer = await self._ask(subject, message, timeout)
            raise_problem(answer.data, answer.headers or {})
            return reply.from_json(answer.data)

    @rpc_metrics.asked_for_a_series
    async def request_many(
        self, subject: str, message: Message, part: type[ReplyT], *, timeout: float
    ) -> AsyncIterator[ReplyT]:
        with tracing.asking_for_a_series(subject) as span:
            payload = message.to_json()
            async with aclosing(self._replies(subject, payload, PARTS_MAX, timeout, span)) as replies:
                async for answer in replies:
                    raise_problem(answer.data, answer.headers or {})
                    if answer.data:
                        yield part.from_json(answer.data)
                    if headers.LAST in (answer.headers or {}):
                        return
                raise RemoteError(Problem(code=ErrorCode.TOO_LARGE, detail=f"an answer has over {PARTS_MAX} parts"))

    async def _replies(
        self, subject: str, payload: bytes, count_max: int, timeout: float, span: Span | None = None
    ) -> AsyncGenerator[Msg, None]:
        """At most `count_max` answers to one request; `timeout` seconds bound the wait for each. `span` is that of the
        request, where it is not the current one."""
        inbox = self._client.new_inbox()
        replies = await self._guarded(self._client.subscribe(inbox, pending_msgs_limit=count_max))
        try:
            await self._guarded(self._client.publish(subject, payload, reply=inbox, headers=_headers(timeout, span)))
            for _ in range(count_max):
                yield await _next(replies, subject, timeout)
        finally:
            if not self._client.is_closed:
                await replies.unsubscribe()

    async def publish(self, subject: str, message: Message) -> None:
        with tracing.sending(subject):
            await self._guarded(self._client.publish(subject, message.to_json(), headers=tracing.inject({}) or None))

    async def store(self, subject: str, message: Message) -> Stored:
        with tracing.sending(subject):
            answer = await self._ask(subject, message, STORE_TIMEOUT_S)
        acknowledgement: dict[str, Any] = json.loads(answer.data)
        error = acknowledgement.get("error")
        if error is None:
            return Stored(sequence=acknowledgement["seq"], repeated=bool(acknowledgement.get("duplicate")))
        # 10077 is any failure to store, a full stream among them: the words alone tell a repeat.
        if error.get("err_code") == _NOT_STORED and error.get("description") == _ONE_ALREADY:
            return Stored(sequence=None, repeated=True)
        raise _not_stored(subject, error)

    async def replace(self, subject: str, message: Message, *, seen: int) -> int | None:
        with tracing.sending(subject):
            answer = await self._ask(subject, message, STORE_TIMEOUT_S, {headers.EXPECTED: str(seen)})
        acknowledgement: dict[str, Any] = json.loads(answer.data)
        error = acknowledgement.get("error")
        if error is None:
            return int(acknowledgement["seq"])
        if error.get("err_code") == _ANOTHER_CAME_FIRST:
            return None
        raise _not_stored(subject, error)

    async def stored(self, stream: str, subject: str) -> Event | None:
        api, asked = reading.last_request(stream, subject)
        with tracing.getting(subject):
            answer = await self._ask(api, asked, STORE_TIMEOUT_S)
        return reading.event_of(subject, answer.headers or {}, answer.data)

    async def next_stored(
        self, stream: str, subject: str, *, behind: int = 0, since: datetime | None = None
    ) -> Event | None:
        asked = reading.next_request(subject, behind, since)
        with tracing.getting(subject):
            answer = await self._ask(f"$JS.API.DIRECT.GET.{stream}", asked, STORE_TIMEOUT_S)
        return reading.event_of(subject, answer.headers or {}, answer.data)

    async def stretch(self, stream: str, subject: str, *, behind: int = 0, limit: int) -> Stretch:
        asked = reading.stretch_request(subject, behind, limit, STRETCH_MAX_BYTES)
        events: list[Event] = []
        with tracing.getting(subject):
            api = f"$JS.API.DIRECT.GET.{stream}"
            async with aclosing(self._replies(api, asked, limit + 1, STORE_TIMEOUT_S)) as replies:
                async for answer in replies:
                    received = answer.headers or {}
                    rest = reading.rest_behind(received)
                    event = None if rest is not None else reading.event_of(subject, received, answer.data)
                    if event is None:
                        return Stretch(tuple(events), rest or 0)
                    events.append(event)
        raise NoReplyError(f"{template(api)} did not end its answer")

    async def settled(self, stream: str, consumer: str) -> int | None:
        subject = f"$JS.API.CONSUMER.INFO.{stream}.{consumer}"
        with tracing.getting(subject):
            answer = await self._ask(subject, None, STORE_TIMEOUT_S)
        return reading.settled_in(answer.data)

    async def holdings(self, stream: str) -> Holdings:
        return reading.holdings_in((await self._ask(f"$JS.API.STREAM.INFO.{stream}", None, STORE_TIMEOUT_S)).data)

    async def backlogs(self, stream: str) -> tuple[Backlog, ...]:
        # A page of it has 256 of them (JSApiListLimit), and no stream of ours as many consumers.
        return reading.backlogs_in((await self._ask(f"$JS.API.CONSUMER.LIST.{stream}", None, STORE_TIMEOUT_S)).data)

    async def subscribe(
        self, subject: str, handler: EventHandler, *, on_loss: LossHandler | None = None
    ) -> Subscription:
        async def take(message: Msg) -> None:
            received = message.headers or {}
            sequence = received.get(headers.SEQUENCE)
            event = Event(message.subject, message.data, int(sequence) if sequence else None, received)
            try:
                await handler(event)
            except Exception as error:
                log.error("event handler failed", exc_info=error, extra={"subject": template(message.subject)})

        subscription = await self._guarded(self._client.subscribe(subject, cb=take, pending_msgs_limit=PENDING_EVENTS))
        if on_loss is not None:
            self._connection.on_loss_of(subscription, on_loss)
        try:
            await self._settle(subject)
        except BaseException:
            self._connection.forget(subscription)
            await self._given_up(subscription)
            raise
        return EventSubscription(self._connection, subscription)

    async def serve(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], Awaitable[Message]],
        *,
        queue: str | None,
    ) -> Subscription:
        return await self._serve(subject, Endpoint(request, one_answer(handler)), queue)

    async def serve_many(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], AsyncGenerator[Message, None]],
        *,
        queue: str | None,
    ) -> Subscription:
        return await self._serve(subject, Endpoint(request, series(handler)), queue)

    async def work(
        self, stream: str, consumers: tuple[str, ...], handler: JobHandler, *, slots: int, hints: str
    ) -> Subscription:
        workers = Workers(self._client, stream, consumers, handler, slots=slots)
        await workers.start(hints)
        await self._settle(hints)
        return workers

    async def _serve(self, subject: str, endpoint: Endpoint[RequestT], queue: str | None) -> Subscription:
        async def take(message: Msg) -> None:
            async def answer(data: bytes, own: dict[str, str] | None) -> None:
                # Not Msg.respond(): it echoes the request's headers.
                await self._client.publish(message.reply, data, headers=own)

            await endpoint.take(Asked(message.subject, message.data, message.headers or {}, answer))

        subscription = await self._guarded(
            self._client.subscribe(subject, queue=queue or "", cb=take, pending_msgs_limit=PENDING_REQUESTS)
        )
        try:
            await self._settle(subject)
        except BaseException:
            await self._given_up(subscription)
            raise
        return ServedSubscription(self._client, subscription, endpoint)

    async def _given_up(self, subscription: NatsSubscription) -> None:
        """nats-py would make it anew after each reconnect, for a handler that nobody waits for any more."""
        with contextlib.suppress(NatsError):
            await subscription.unsubscribe()

    async def _settle(self, subject: str) -> None:
        """Wait for the server to have seen a subscription. It refuses one only by an asynchronous error, and leaves a
        dead subscription behind, so a service would wait for ever."""
        try:
            # Twice: nats-py writes a flush's PING to the socket at once, past the SUB that still waits in its buffer,
            # so that the first PONG proves nothing.
            await heeded(self._client.flush(timeout=SETTLE_TIMEOUT_S))
            await heeded(self._client.flush(timeout=SETTLE_TIMEOUT_S))
        except (NatsError, TimeoutError) as error:
            raise UnavailableError("the bus does not answer") from error
        if subject.lower() in self._connection.refused_subscriptions:
            raise BusPermissionError(f"this service's bus user may not subscribe to {template(subject)}")

    async def _ask(
        self, subject: str, message: Message | bytes | None, timeout: float, own: dict[str, str] | None = None
    ) -> Msg:
        payload = message.to_json() if isinstance(message, Message) else message or b""
        sent = {**_headers(timeout), **(own or {})}
        try:
            return await heeded(self._client.request(subject, payload, timeout=timeout, headers=sent))
        except NoRespondersError as error:
            raise UnavailableError(f"nobody serves {template(subject)}") from error
        except TimeoutError as error:
            raise NoReplyError(f"no answer from {template(subject)} within {timeout:g} s") from error
        except MaxPayloadError as error:
            raise TooLargeError(f"a message for {template(subject)} is too large for the bus") from error
        except NatsError as error:
            # It may have been sent before the bus went away.
            raise NoReplyError(f"the bus went away before {template(subject)} answered") from error

    async def _guarded(self, call: Coroutine[Any, Any, ReplyOf]) -> ReplyOf:
        try:
            return await call
        except MaxPayloadError as error:
            raise TooLargeError("a message is too large for the bus") from error
        except NatsError as error:
            raise UnavailableError("the bus is away") from error


def _not_stored(subject: str, error: dict[str, Any]) -> RemoteError:
    log.error("stream refused", extra={"subject": template(subject), "err_code": error.get("err_code")})
    return RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="the stream is full or not writable; try later"))


def _headers(timeout: float, span: Span | None = None) -> dict[str, str]:
    return tracing.inject({headers.DEADLINE: str(int((time.time() + timeout) * 1000))}, span)


async def _next(replies: NatsSubscription, subject: str, timeout: float) -> Msg:
    try:
        answer = await heeded(replies.next_msg(timeout=timeout))
    except TimeoutError as error:
        raise NoReplyError(f"no answer from {template(subject)} within {timeout:g} s") from error
    except NatsError as error:
        raise UnavailableError("the bus is away") from error
    if (answer.headers or {}).get(headers.STATUS) == "503" and not answer.data:
        raise UnavailableError(f"nobody serves {template(subject)}")
    return answer
