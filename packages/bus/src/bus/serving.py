"""The server's side of a request: bounded concurrency, deadlines, opaque errors, replies with headers of our own."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Generic

from pydantic import ValidationError

from bus import headers, tracing
from bus.errors import BusError, Refusal, RemoteError
from bus.interface import RequestT
from bus.rpc_metrics import Served
from contracts.message import ErrorCode, Message, Problem, problem_of
from contracts.subjects import template

log = logging.getLogger(__name__)

CONCURRENT_REQUESTS: Final = 64
PENDING_REQUESTS: Final = 1024
PARTS_MAX: Final = 1000  # what a server's permission to answer allows
FINISH_TIMEOUT_S: Final = 20.0


def opaque_problem(error: Exception) -> Problem:
    """What a stranger may know of a fault of ours: an id. The log line beside it names the type, not the text."""
    error_id = secrets.token_hex(8)
    log.error("handler failed", exc_info=error, extra={"error_id": error_id, "error_type": type(error).__qualname__})
    return Problem(code=ErrorCode.INTERNAL, detail="the server failed; nothing more is known", error_id=error_id)


Answer = Callable[[bytes, dict[str, str] | None], Awaitable[None]]
"""Sends one message, with its headers, to whoever asked."""


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    answer: Answer


class Replies:
    """Where a handler's answer goes, with headers of our own."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def send(self, message: Message, *, last: bool = True) -> None:
        await self._answer(message.to_json(), {headers.LAST: "1"} if last else None)

    async def end(self) -> None:
        """End a series that had nothing more to say."""
        await self._answer(b"", {headers.LAST: "1"})

    async def refuse(self, problem: Problem) -> None:
        await self._answer(problem.to_json(), {headers.ERROR_CODE: problem.code.value, headers.LAST: "1"})


def one_answer(
    handler: Callable[[RequestT], Awaitable[Message]],
) -> Callable[[RequestT, Replies], Awaitable[None]]:
    """A handler of single answers, as an Endpoint takes it."""

    async def respond(message: RequestT, replies: Replies) -> None:
        await replies.send(await handler(message))

    return respond


def series(
    handler: Callable[[RequestT], AsyncGenerator[Message, None]],
) -> Callable[[RequestT, Replies], Awaitable[None]]:
    """A handler of series, as an Endpoint takes it."""

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

    return respond


def raise_problem(data: bytes, received: Mapping[str, str]) -> None:
    """Raises RemoteError if an answer is a refusal."""
    if headers.ERROR_CODE in received:
        raise RemoteError(Problem.from_json(data))


class Endpoint(Generic[RequestT]):
    """Serves one subject. nats-py awaits a callback before it delivers the next message, so each becomes a task."""

    def __init__(self, request: type[RequestT], respond: Callable[[RequestT, Replies], Awaitable[None]]) -> None:
        self._request = request
        self._respond = respond
        self._room = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._running: set[asyncio.Task[None]] = set()

    async def take(self, message: Asked) -> None:
        """Waiting here for room holds back the subscription's own bounded queue."""
        await self._room.acquire()
        task = asyncio.create_task(self._timed(message))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("reply not sent", extra={"error_type": type(error).__qualname__})

    async def _timed(self, message: Asked) -> None:
        served = Served(message.subject, message.answer)
        await self._answer(replace(message, answer=served.sending))
        served.ended()

    async def _answer(self, message: Asked) -> None:
        received = message.headers
        deadline = received.get(headers.DEADLINE)
        if deadline is not None and deadline.isdigit() and int(deadline) < time.time() * 1000:
            log.info("late request dropped", extra={"subject": template(message.subject)})
            return
        replies = Replies(message.answer)
        with tracing.answering(message.subject, received) as span:
            try:
                await self._respond(self._request.from_json(message.data), replies)
            except Refusal as refusal:
                tracing.refused(span, refusal.problem.code)
                await replies.refuse(refusal.problem)
            except ValidationError as error:
                tracing.refused(span, ErrorCode.INVALID)
                await replies.refuse(problem_of(error))
            except BusError as error:
                # What this handler needed from another service could not be had; its problem is fit for strangers.
                tracing.refused(span, error.problem.code)
                await replies.refuse(error.problem)
            except Exception as error:  # noqa: BLE001 - the boundary: whatever it was, the caller gets an answer
                tracing.failed(span, type(error).__qualname__)
                await replies.refuse(opaque_problem(error))

    async def finished(self) -> None:
        """Wait for what is in flight; cancel what takes longer than FINISH_TIMEOUT_S."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=FINISH_TIMEOUT_S)
        for task in late:
            task.cancel()
        if late:
            log.error("handlers cancelled at shutdown", extra={"count": len(late)})
            await asyncio.wait(late, timeout=1)
