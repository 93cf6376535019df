"""The real bus: nats-py, made to fail early and to say so."""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import ConnectionClosedError, MaxPayloadError, NoRespondersError
from nats.errors import Error as NatsError
from opentelemetry.trace import SpanKind

from bus import headers, tracing
from bus.errors import BusPermissionError, NoReplyError, RemoteError, TooLargeError, UnavailableError
from bus.interface import Event, EventHandler, JobHandler, ReplyT, RequestT, Stored, Subscription
from bus.serving import PENDING_REQUESTS, Endpoint, Replies
from bus.workers import Workers
from contracts.message import ErrorCode, Message, Problem
from contracts.subjects import template

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 30.0
STORE_TIMEOUT_S: Final = 5.0
SETTLE_TIMEOUT_S: Final = 5
PENDING_EVENTS: Final = 4096
PARTS_MAX: Final = 1000  # what a server's permission to answer allows
_TOO_MANY_ON_SUBJECT: Final = 10077
_NO_MESSAGE: Final = "404"
ReplyOf = TypeVar("ReplyOf")


@dataclass(frozen=True)
class BusSettings:
    """How one service reaches the bus."""

    url: str
    user: str
    password: str = field(repr=False)
    inbox_prefix: str
    name: str


class NatsBus:
    """A Bus over one connection. Made by `connected_to`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._closing = False
        self._violations: deque[str] = deque(maxlen=64)

    @classmethod
    @asynccontextmanager
    async def connected_to(cls, settings: BusSettings) -> AsyncIterator[Self]:
        """Connect for the length of the block; leaving flushes and closes.

        Raises UnavailableError if the server does not answer within CONNECT_TIMEOUT_S.
        """
        client = Client()
        bus = cls(client)
        try:
            connecting = client.connect(
                settings.url,
                user=settings.user,
                password=settings.password,
                inbox_prefix=settings.inbox_prefix,
                name=settings.name,
                # nats-py's own defaults give up for ever after two minutes and notice a dead server after six.
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                ping_interval=10,
                max_outstanding_pings=2,
                error_cb=bus._on_error,
                disconnected_cb=bus._on_disconnected,
                reconnected_cb=bus._on_reconnected,
                allow_reconnect=True,
            )
            # With endless reconnecting nats-py also waits for its first connection without end.
            await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        except (NatsError, OSError, TimeoutError) as error:
            # nats-py leaves the socket of a refused connection open.
            await client.close()
            raise UnavailableError("the bus does not answer") from error
        try:
            yield bus
        finally:
            bus._closing = True
            await _close(client)

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    async def _on_error(self, error: Exception) -> None:
        # Awaited inside nats-py's read loop: an exception here would silence every subscription.
        text = str(error).lower()
        if "permissions violation for subscription" in text:
            self._violations.append(text)
        log.warning("bus error", extra={"error_type": type(error).__qualname__})

    async def _on_disconnected(self) -> None:
        if not self._closing:
            log.warning("bus lost")

    async def _on_reconnected(self) -> None:
        log.warning("bus back")

    async def request(self, subject: str, message: Message, reply: type[ReplyT], *, timeout: float) -> ReplyT:
        with tracing.span("request", subject, SpanKind.CLIENT):
            answer = await self._ask(subject, message, timeout)
            _raise_problem(answer)
            return reply.from_json(answer.data)

    async def request_many(
        self, subject: str, message: Message, part: type[ReplyT], *, timeout: float
    ) -> AsyncIterator[ReplyT]:
        with tracing.span("request", subject, SpanKind.CLIENT):
            inbox = self._client.new_inbox()
            replies = await self._guarded(self._client.subscribe(inbox, pending_msgs_limit=PARTS_MAX))
            try:
                await self._guarded(
                    self._client.publish(subject, message.to_json(), reply=inbox, headers=_headers(timeout))
                )
                for _ in range(PARTS_MAX):
                    answer = await _next(replies, subject, timeout)
                    _raise_problem(answer)
                    if answer.data:
                        yield part.from_json(answer.data)
                    if headers.LAST in (answer.headers or {}):
                        return
                raise RemoteError(Problem(code=ErrorCode.TOO_LARGE, detail=f"an answer has over {PARTS_MAX} parts"))
            finally:
                if not self._client.is_closed:
                    await replies.unsubscribe()

    async def publish(self, subject: str, message: Message) -> None:
        with tracing.span("send", subject, SpanKind.PRODUCER):
            await self._guarded(self._client.publish(subject, message.to_json(), headers=tracing.inject({}) or None))

    async def store(self, subject: str, message: Message) -> Stored:
        with tracing.span("send", subject, SpanKind.PRODUCER):
            answer = await self._ask(subject, message, STORE_TIMEOUT_S)
        acknowledgement: dict[str, Any] = json.loads(answer.data)
        error = acknowledgement.get("error")
        if error is None:
            return Stored(sequence=acknowledgement["seq"], repeated=bool(acknowledgement.get("duplicate")))
        if error.get("err_code") == _TOO_MANY_ON_SUBJECT:
            return Stored(sequence=None, repeated=True)
        log.error("stream refused", extra={"subject": template(subject), "err_code": error.get("err_code")})
        raise RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="the stream is full or not writable; try later"))

    async def stored(self, stream: str, subject: str) -> Event | None:
        with tracing.span("get", subject, SpanKind.CLIENT):
            answer = await self._ask(f"$JS.API.DIRECT.GET.{stream}.{subject}", None, STORE_TIMEOUT_S)
        received = answer.headers or {}
        status = received.get(headers.STATUS)
        if status == _NO_MESSAGE:
            return None
        if status is not None:
            log.error("stream not read", extra={"subject": template(subject), "status": status})
            raise RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="the stream cannot be read; try later"))
        return Event(subject, answer.data, int(received[headers.SEQUENCE]), received)

    async def subscribe(self, subject: str, handler: EventHandler) -> Subscription:
        async def take(message: Msg) -> None:
            received = message.headers or {}
            sequence = received.get(headers.SEQUENCE)
            event = Event(message.subject, message.data, int(sequence) if sequence else None, received)
            try:
                await handler(event)
            except Exception as error:
                log.error("event handler failed", exc_info=error, extra={"subject": template(message.subject)})

        subscription = await self._guarded(self._client.subscribe(subject, cb=take, pending_msgs_limit=PENDING_EVENTS))
        await self._settle(subject)
        return _EventSubscription(self._client, subscription)

    async def serve(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], Awaitable[Message]],
        *,
        queue: str | None,
    ) -> Subscription:
        async def respond(message: RequestT, replies: Replies) -> None:
            await replies.send(await handler(message))

        return await self._serve(subject, Endpoint(self._client, request, respond), queue)

    async def serve_many(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], AsyncGenerator[Message, None]],
        *,
        queue: str | None,
    ) -> Subscription:
        async def respond(message: RequestT, replies: Replies) -> None:
            # One behind, so that the last one can be marked as such.
            held: Message | None = None
            # Closed here and now: a handler may hold a transaction, which must not wait for the garbage collector.
            async with aclosing(handler(message)) as parts:
                async for part in parts:
                    if held is not None:
                        await replies.send(held, last=False)
                    held = part
            await (replies.end() if held is None else replies.send(held))

        return await self._serve(subject, Endpoint(self._client, request, respond), queue)

    async def work(
        self, stream: str, consumers: tuple[str, ...], handler: JobHandler, *, slots: int, hints: str
    ) -> Subscription:
        workers = Workers(self._client, stream, consumers, handler, slots=slots)
        await workers.start(hints)
        await self._settle(hints)
        return workers

    async def _serve(self, subject: str, endpoint: Endpoint[RequestT], queue: str | None) -> Subscription:
        subscription = await self._guarded(
            self._client.subscribe(subject, queue=queue or "", cb=endpoint.take, pending_msgs_limit=PENDING_REQUESTS)
        )
        await self._settle(subject)
        return _ServedSubscription(self._client, subscription, endpoint)

    async def _settle(self, subject: str) -> None:
        """Wait for the server to have seen a subscription. It refuses one only by an asynchronous error, and leaves a
        dead subscription behind, so a service would wait for ever."""
        try:
            # Twice: nats-py writes a flush's PING to the socket at once, past the SUB that still waits in its buffer,
            # so that the first PONG proves nothing.
            await self._client.flush(timeout=SETTLE_TIMEOUT_S)
            await self._client.flush(timeout=SETTLE_TIMEOUT_S)
        except (NatsError, TimeoutError) as error:
            raise UnavailableError("the bus does not answer") from error
        if any(f'"{subject.lower()}"' in violation for violation in self._violations):
            raise BusPermissionError(f"this service's bus user may not subscribe to {template(subject)}")

    async def _ask(self, subject: str, message: Message | None, timeout: float) -> Msg:
        payload = b"" if message is None else message.to_json()
        try:
            return await self._client.request(subject, payload, timeout=timeout, headers=_headers(timeout))
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


@dataclass(frozen=True)
class _EventSubscription:
    client: Client
    subscription: NatsSubscription

    async def close(self) -> None:
        if not self.client.is_closed:
            await self.subscription.unsubscribe()


@dataclass(frozen=True)
class _ServedSubscription:
    client: Client
    subscription: NatsSubscription
    endpoint: Endpoint[Any]  # the request's type matters to its handler alone

    async def close(self) -> None:
        if self.client.is_connected:
            # Leaves the queue group, then lets what has been delivered be answered.
            await asyncio.wait({asyncio.ensure_future(_drained(self.subscription))}, timeout=SETTLE_TIMEOUT_S)
        await self.endpoint.finished()


def _headers(timeout: float) -> dict[str, str]:
    return tracing.inject({headers.DEADLINE: str(int((time.time() + timeout) * 1000))})


def _raise_problem(answer: Msg) -> None:
    received = answer.headers or {}
    if headers.ERROR_CODE in received:
        raise RemoteError(Problem.from_json(answer.data))


async def _next(replies: NatsSubscription, subject: str, timeout: float) -> Msg:
    try:
        answer = await replies.next_msg(timeout=timeout)
    except TimeoutError as error:
        raise NoReplyError(f"no answer from {template(subject)} within {timeout:g} s") from error
    except NatsError as error:
        raise UnavailableError("the bus is away") from error
    if (answer.headers or {}).get(headers.STATUS) == "503" and not answer.data:
        raise UnavailableError(f"nobody serves {template(subject)}")
    return answer


async def _drained(subscription: NatsSubscription) -> None:
    try:
        await subscription.drain()  # type: ignore[no-untyped-call]
    except NatsError as error:
        log.warning("subscription not drained", extra={"error_type": type(error).__qualname__})


async def _close(client: Client) -> None:
    # Not drain(): it raises while the bus is away, and hangs after a pull.
    try:
        if client.is_connected:
            await client.flush(timeout=2)
    except (NatsError, TimeoutError) as error:
        log.warning("last messages not flushed", extra={"error_type": type(error).__qualname__})
    try:
        await client.close()
    except ConnectionClosedError:
        log.info("bus was closed already")
