"""From stdio to a bridge that serves HTTP elsewhere: no bus and no password of one on this machine, only a token.

What comes back is passed on as it came; what does not come back is answered here, in words that a model can act on. A
change is given an idempotency key, so that it can be sent again when its answer is lost.
"""

import asyncio
import logging
import sys
import time
from contextlib import aclosing
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    PROTOCOL_VERSION_META_KEY,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

from access.exposure import is_loopback
from contracts.message import ErrorCode, Problem
from contracts.tokens import uuid7
from mcp_bridge import answers
from mcp_bridge.answers import NOTHING_CHANGED, Answer
from mcp_bridge.endpoint import Endpoint, Failure, NoAnswerError
from mcp_bridge.settings import Settings
from mcp_bridge.stopping import on_stop_signals
from mcp_bridge.tools import TOOLS
from mcp_bridge.wire import Wire

log = logging.getLogger(__name__)

PATIENCE_S: Final = 10.0
CONNECT_S: Final = 5.0
READ_S: Final = 60.0
"""Between two pieces of an answer; a bridge says something every 15 s."""
RETRY_MIN_S: Final = 0.2
RETRY_MAX_S: Final = 2.0
AT_ONCE: Final = 256
LISTEN: Final = "subscriptions/listen"
CANCELLED: Final = "notifications/cancelled"
EXIT_USAGE: Final = 2

_CHANGING: Final = frozenset(tool.name for tool in TOOLS if not tool.reads)


async def passing_on(settings: Settings, wire: Wire, url: str) -> None:
    """Until stdin ends, or until a signal and then the calls in hand."""
    endpoint_url, where = _endpoint_url(url)
    if urlsplit(url).scheme == "http" and not is_loopback(where) and settings.token():
        sys.stderr.write(f"mcp-bridge: {url} would carry the token readable for everybody on the way; use https://\n")
        sys.exit(EXIT_USAGE)
    timeout = httpx2.Timeout(CONNECT_S, read=READ_S)
    limits = httpx2.Limits(max_connections=AT_ONCE)
    async with httpx2.AsyncClient(timeout=timeout, limits=limits, trust_env=not is_loopback(where)) as client:
        on_stop_signals(wire.incoming.stop)
        await Remote(Endpoint(endpoint_url, client, settings.token), wire, where).run()


class Remote:
    """Passes messages on, each by a task of its own."""

    def __init__(self, endpoint: Endpoint, wire: Wire, where: str, *, patience_s: float = PATIENCE_S) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._where = where
        self._patience_s = patience_s
        self._tasks: dict[RequestId, asyncio.Task[None]] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            async for item in self._wire.incoming:
                if not isinstance(item, SessionMessage):
                    continue
                message = item.message
                if isinstance(message, JSONRPCRequest):
                    task = group.create_task(self._request(message), name="request")
                    self._tasks[message.id] = task
                    task.add_done_callback(partial(self._forget, message.id))
                elif isinstance(message, JSONRPCNotification):
                    if message.method == CANCELLED:
                        # Closing its stream tells the other side.
                        self._cancel((message.params or {}).get("requestId"))
                    else:
                        group.create_task(self._notify(message), name="notification")
            # Whoever asked has gone.
            for task in self._tasks.values():
                task.cancel()

    async def _notify(self, message: JSONRPCNotification) -> None:
        try:
            async with aclosing(self._endpoint.post(message)) as answers_to_it:
                async for _ in answers_to_it:
                    pass
        except (NoAnswerError, OSError) as error:
            log.info("notification not passed on", extra={"error_type": type(error).__qualname__})

    async def _request(self, message: JSONRPCRequest) -> None:
        message = _repeatable(message)
        try:
            if len(self._tasks) > AT_ONCE:
                raise NoAnswerError(Failure.UNREACHABLE, f"is asked {AT_ONCE} things at once already")
            await self._patiently(message)
        except NoAnswerError as error:
            await self._say(self._without_answer(message, error))
        except OSError:
            unread = NoAnswerError(Failure.UNAUTHORISED, "is not asked: the file of its token cannot be read")
            await self._say(self._without_answer(message, unread))
        except Exception:
            log.exception("message not passed on")
            await self._say(self._without_answer(message, NoAnswerError(Failure.LOST, "could not be asked")))

    async def _patiently(self, message: JSONRPCRequest) -> None:
        until, delay, lost, told = time.monotonic() + self._patience_s, RETRY_MIN_S, False, False
        while True:
            try:
                async with aclosing(self._endpoint.post(message)) as answers_to_it:
                    async for said in answers_to_it:
                        await self._say(said)
                        told = True
            except NoAnswerError as error:
                lost = lost or error.failure is Failure.LOST
                final = error.failure in {Failure.REFUSED, Failure.UNAUTHORISED} or told
                if final or time.monotonic() + delay > until:
                    raise NoAnswerError(Failure.LOST if lost else error.failure, error.detail) from error
            else:
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, RETRY_MAX_S)

    def _without_answer(self, message: JSONRPCRequest, error: NoAnswerError) -> JSONRPCMessage:
        detail = f"{self._where} {error.detail}"
        params: dict[str, Any] = message.params or {}
        if message.method != "tools/call":
            return JSONRPCError(jsonrpc="2.0", id=message.id, error=ErrorData(code=INTERNAL_ERROR, message=detail))
        changes = params.get("name") in _CHANGING
        if error.failure in {Failure.UNREACHABLE, Failure.LOST}:
            key = str((params.get("arguments") or {}).get("idempotency_key", ""))
            problem = Problem(code=ErrorCode.UNAVAILABLE, detail=detail)
            answer = answers.away(problem, changes=changes, in_doubt=error.failure is Failure.LOST, key=key)
        else:
            ending = f" {NOTHING_CHANGED}" if changes else ""
            answer = Answer(f"{detail}.{ending}", {"error": error.failure.value}, failed=True)
        result = answer.result().model_dump(mode="json", by_alias=True, exclude_none=True)
        if PROTOCOL_VERSION_META_KEY not in (params.get("_meta") or {}):
            result.pop("resultType", None)  # a word of the newest revision
        return JSONRPCResponse(jsonrpc="2.0", id=message.id, result=result)

    async def _say(self, message: JSONRPCMessage) -> None:
        try:
            await self._wire.outgoing.send(SessionMessage(message))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            log.info("the client reads no more")

    def _cancel(self, request_id: object) -> None:
        task = self._tasks.get(request_id) if isinstance(request_id, str | int) else None
        if task is not None:
            task.cancel()

    def _forget(self, request_id: RequestId, done: "asyncio.Task[None]") -> None:
        if self._tasks.get(request_id) is done:
            del self._tasks[request_id]


def _repeatable(message: JSONRPCRequest) -> JSONRPCRequest:
    """The message, with a key where it changes something, so that sending it again is harmless."""
    params = message.params or {}
    arguments = params.get("arguments") or {}
    if message.method != "tools/call" or params.get("name") not in _CHANGING or not isinstance(arguments, dict):
        return message
    if arguments.get("idempotency_key"):
        return message
    keyed = {**params, "arguments": {**arguments, "idempotency_key": uuid7()}}
    return JSONRPCRequest(jsonrpc="2.0", id=message.id, method=message.method, params=keyed)


def _endpoint_url(url: str) -> tuple[str, str]:
    """Where to post, and the name of the host. The path is /mcp where none is given."""
    parts = urlsplit(url)
    path = parts.path if parts.path not in {"", "/"} else "/mcp"
    return parts._replace(path=path, fragment="").geturl(), parts.hostname or url
