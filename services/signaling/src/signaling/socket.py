"""One WebSocket: frames in, a conversation's actions out. All its tasks end with it.

The reader, the requests to gateways and the forwarder only put events into the inbox; one loop takes them out, so the
conversation sees one thing at a time, and a slow gateway never stops the reader.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bus import tracing
from contracts import conventions, limits
from contracts.gateway import OpenPeer, PeerOpened
from contracts.message import ErrorCode, Problem
from contracts.signaling import Answer, Hello, Ready, SignalingError
from signaling.actions import Actions, Admit, Close, CloseCode, Forward, HangUp, RequestPeer, Send, ServerMessage
from signaling.admission import Admission
from signaling.conversation import Conversation, State
from signaling.gateways import Gateways
from signaling.inbound import parse

log = logging.getLogger(__name__)
_TRACER: Final = trace.get_tracer("signaling")
_ENTER: Final = f"{conventions.SIGNALING}.{conventions.ENTER}"

INBOX_MAX: Final = 8
FORWARDING_MAX: Final = 2 * limits.CANDIDATES_MAX
SEND_TIMEOUT_S: Final = 5.0
SETTLE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True)
class _Frame:
    data: str | bytes


@dataclass(frozen=True)
class _HelloDone:
    answer: Admission | Problem


@dataclass(frozen=True)
class _OfferDone:
    attempt: int
    result: PeerOpened | Problem


@dataclass(frozen=True)
class _NotForwarded:
    attempt: int
    problem: Problem


class _HelloIsLate:
    pass


class _Drain:
    pass


class _ClientLeft:
    pass


_Event = _Frame | _HelloDone | _OfferDone | _NotForwarded | _HelloIsLate | _Drain | _ClientLeft


class Socket:
    """Serves one accepted WebSocket until it closes. The peer connection that it brought about lives on without it."""

    def __init__(
        self,
        websocket: WebSocket,
        conversation: Conversation,
        admit: Callable[[Hello], Awaitable[Admission | Problem]],
        gateways: Gateways,
        *,
        hello_timeout_s: float,
    ) -> None:
        self._websocket = websocket
        self._conversation = conversation
        self._admit = admit
        self._gateways = gateways
        self._hello_due = time.monotonic() + hello_timeout_s
        self._inbox: asyncio.Queue[_Event] = asyncio.Queue(INBOX_MAX)
        self._forwarding: asyncio.Queue[tuple[Forward | HangUp, Context]] = asyncio.Queue(FORWARDING_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Return when the socket is closed, by whichever side."""
        try:
            async with asyncio.TaskGroup() as group:
                self._spawn(group, self._read())
                self._spawn(group, self._forward())
                await self._converse(group)
                for task in self._tasks:
                    task.cancel()
        except* (WebSocketDisconnect, TimeoutError):
            log.info("client lost", extra={"session": self._conversation.session})
        except* Exception as failures:
            error_id = secrets.token_hex(8)
            log.error("socket failed", exc_info=failures.exceptions[0], extra={"error_id": error_id})
            await self._apologise(error_id)

    async def drain(self) -> None:
        """Tell the client that this process is going, and close."""
        await self._inbox.put(_Drain())

    def _spawn(self, group: asyncio.TaskGroup, work: Coroutine[None, None, None]) -> None:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, group: asyncio.TaskGroup) -> None:
        while self._conversation.state is not State.CLOSED:
            match await self._next_event():
                case _ClientLeft():
                    await self._settle()
                    return
                case _Frame(data):
                    await self._take_frame(data, group)
                case _HelloDone(Admission() as admission):
                    await self._perform(self._conversation.admitted(admission), group)
                case _HelloDone(Problem() as problem):
                    await self._perform(self._conversation.refused(problem), group)
                case _OfferDone(attempt, PeerOpened() as peer):
                    await self._perform(self._conversation.peer_opened(attempt, peer), group)
                case _OfferDone(attempt, Problem() as problem):
                    await self._perform(self._conversation.peer_refused(attempt, problem), group)
                case _NotForwarded(attempt, problem):
                    await self._perform(self._conversation.forward_failed(attempt, problem), group)
                case _HelloIsLate():
                    await self._perform(self._conversation.hello_is_late(), group)
                case _Drain():
                    await self._perform(self._conversation.drain(), group)

    async def _next_event(self) -> _Event:
        if self._conversation.state is not State.WAITING_HELLO:
            return await self._inbox.get()
        try:
            async with asyncio.timeout(max(0.0, self._hello_due - time.monotonic())):
                return await self._inbox.get()
        except TimeoutError:
            return _HelloIsLate()

    async def _take_frame(self, data: str | bytes, group: asyncio.TaskGroup) -> None:
        incoming = parse(data)
        kind = "invalid" if isinstance(incoming, Problem) else incoming.type
        # A span a message: one for the whole socket would be hours long and exported only at its end.
        method = f"{conventions.SIGNALING}.{kind}"
        attributes = {conventions.RPC_SYSTEM_NAME: conventions.WEBSOCKET, conventions.RPC_METHOD: method}
        with tracing.step(_TRACER, method, SpanKind.SERVER, attributes) as span:
            actions = self._conversation.receive(incoming, now=time.monotonic())
            if self._conversation.session is not None:
                span.set_attribute(conventions.SESSION_ID, self._conversation.session)
            await self._perform(actions, group)

    async def _perform(self, actions: Actions, group: asyncio.TaskGroup) -> None:
        pending = deque(actions)
        while pending:
            match pending.popleft():
                case Send(message):
                    self._note(message)
                    await self._send(message)
                case Admit(hello):
                    self._spawn(group, self._enter(hello))
                case RequestPeer(message):
                    self._spawn(group, self._open_peer(message))
                case Forward() | HangUp() as action:
                    pending.extend(self._enqueue(action))
                case Close(code, reason):
                    log.info("socket closed", extra={"session": self._conversation.session, "reason": reason})
                    await self._settle()
                    await self._close(code, reason)

    def _note(self, message: ServerMessage) -> None:
        fields = {"session": self._conversation.session}
        if isinstance(message, Ready):
            log.info("client admitted", extra=fields)
        elif isinstance(message, Answer):
            log.info("offer answered", extra={**fields, "attempt": message.attempt})
        elif isinstance(message, SignalingError):
            log.info(
                "client told of an error", extra={**fields, "attempt": message.attempt, "code": message.code.value}
            )
            tracing.refused(trace.get_current_span(), message.code)

    def _enqueue(self, action: Forward | HangUp) -> Actions:
        try:
            self._forwarding.put_nowait((action, context.get_current()))
        except asyncio.QueueFull:
            log.warning("gateway too slow", extra={"gateway": action.instance})
            if isinstance(action, Forward):
                slow = Problem(code=ErrorCode.OVERLOADED, detail="the gateway is too slow for candidates; offer again")
                return self._conversation.forward_failed(action.message.attempt, slow)
        return ()

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                await self._inbox.put(_ClientLeft())
                return
            text = message.get("text")
            await self._inbox.put(_Frame(message["bytes"] if text is None else text))

    async def _enter(self, hello: Hello) -> None:
        # Of its own, since that of the frame has ended by then.
        with tracing.step(_TRACER, _ENTER) as span:
            answer = await self._admit(hello)
            if isinstance(answer, Admission):
                span.set_attribute(conventions.SESSION_ID, answer.session)
            else:
                tracing.failed(span, answer.code.value)
        await self._inbox.put(_HelloDone(answer))

    async def _open_peer(self, offer: OpenPeer) -> None:
        await self._inbox.put(_OfferDone(offer.attempt, await self._gateways.open_peer(offer)))

    async def _forward(self) -> None:
        """Bring candidates to gateways one after the other: that alone keeps their order."""
        while True:
            action, origin = await self._forwarding.get()
            token = context.attach(origin)
            try:
                problem = await self._gateways.deliver(action)
            finally:
                context.detach(token)
                self._forwarding.task_done()
            if problem is not None and isinstance(action, Forward):
                await self._inbox.put(_NotForwarded(action.message.attempt, problem))

    async def _settle(self) -> None:
        """Let what was taken for gateways arrive there, for a bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                await self._forwarding.join()

    async def _send(self, message: ServerMessage) -> None:
        # A client that does not read fills its buffers, and send() waits: it is given up then.
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._websocket.send_text(message.to_json().decode())

    async def _close(self, code: CloseCode, reason: str) -> None:
        # A client that said bye has often closed before we do, and is not lost by that.
        with contextlib.suppress(WebSocketDisconnect):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._websocket.close(code, reason)

    async def _apologise(self, error_id: str) -> None:
        states = (self._websocket.client_state, self._websocket.application_state)
        if states != (WebSocketState.CONNECTED, WebSocketState.CONNECTED):
            return
        detail = "something went wrong here; try again, and name the error_id to whoever runs this"
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            await self._send(SignalingError(code=ErrorCode.INTERNAL, detail=detail, error_id=error_id))
            await self._close(CloseCode.INTERNAL, "internal")
