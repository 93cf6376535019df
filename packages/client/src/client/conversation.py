"""What is said in a session, over whichever connections: who waits for what, what was told, who hears of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakSet

from client.connection import AgentClient
from client.errors import ClientError, ConnectError, Missed, Rejected, TimedOut
from client.feed import Feed
from client.inbox import PhaseHandler
from client.outbox import ROOM, Outbox, Request
from client.resuming import Resumption, after
from client.sending import frames_of
from contracts.channel import (
    ChannelError,
    GatewayMessage,
    OperationCompleted,
    SessionCurrent,
    TurnAccepted,
    TurnCompletedEvent,
    TurnPhaseEvent,
    TurnRejected,
)
from contracts.message import ErrorCode, Problem
from contracts.signaling import Seen
from contracts.turns import OperationsCompleted, TurnCompleted

Outcome = TurnCompleted | OperationsCompleted
OutcomeT = TypeVar("OutcomeT", TurnCompleted, OperationsCompleted)
SessionEvent = TurnPhaseEvent | TurnCompletedEvent


@dataclass(frozen=True)
class Opened:
    """There is a channel. `resumed` false: of a new session, the first one or one in the place of another."""

    client: AgentClient
    resumed: bool


@dataclass(frozen=True)
class Lost:
    """There is no channel, until the next Opened."""

    reason: ConnectError


ChangeHandler = Callable[[Opened | Lost], None]


@dataclass(frozen=True)
class _Waiting:
    outcome: asyncio.Future[Outcome]
    on_phase: PhaseHandler | None


class Conversation:
    """The Hearer of a session's connections. `chance` gives numbers from 0 to below 1."""

    def __init__(self, chance: Callable[[], float], on_change: ChangeHandler | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._chance = chance
        self._on_change = on_change
        self._client: AgentClient | None = None
        self._session: str | None = None
        self._resume_token: str | None = None
        self._seen = Seen()
        self._outbox = Outbox()
        self._waiting: dict[str, _Waiting] = {}
        self._stopped: asyncio.Future[ConnectError] = self._loop.create_future()
        self._changed = asyncio.Event()  # there is a channel, or there will be none
        self._stirred = asyncio.Event()  # something may be due to be sent
        # Weak: a reader that lets go of its feed needs to tell nobody.
        self._events: WeakSet[Feed[SessionEvent]] = WeakSet()
        self._messages: WeakSet[Feed[GatewayMessage]] = WeakSet()

    @property
    def resumption(self) -> Resumption | None:
        """What another connection needs to go on from here; None before the first."""
        if self._session is None or self._resume_token is None:
            return None
        return Resumption(self._session, self._resume_token, self._seen)

    async def channel(self) -> AgentClient:
        """The connection to use; waits for one. Raises the ConnectError after which there is none."""
        while True:
            if self._stopped.done():
                raise self._stopped.result()
            if self._client is not None and self._client.lost_because is None:
                return self._client
            self._changed.clear()
            await self._changed.wait()

    async def outcome(
        self, request: Request, wanted: type[OutcomeT], *, timeout: float, on_phase: PhaseHandler | None = None
    ) -> OutcomeT:
        """Send a request until its outcome is there. Raises Rejected, TimedOut, and what `channel` does."""
        if request.id in self._waiting:
            raise ClientError(f"{request.id} is being asked already; wait for that, or mint another id")
        frames_of(request)  # what would be refused takes no room
        if not self._outbox.add(request):
            detail = f"comes while {ROOM} requests wait for their outcome; send it again later"
            raise Rejected(Problem(code=ErrorCode.OVERLOADED, detail=detail))
        waiting = self._waiting[request.id] = _Waiting(self._loop.create_future(), on_phase)
        self._stirred.set()
        try:
            either: set[asyncio.Future[Outcome] | asyncio.Future[ConnectError]] = {waiting.outcome, self._stopped}
            await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            refusal = self._outbox.refusal_of(request.id)
        finally:
            del self._waiting[request.id]
            self._outbox.remove(request.id)
        if waiting.outcome.done():
            outcome = waiting.outcome.result()
            if not isinstance(outcome, wanted):
                raise ClientError(f"{request.id} is another request's id; mint one for each")
            return outcome
        if refusal is not None:
            raise Rejected(refusal)
        if self._stopped.done():
            raise self._stopped.result()
        raise TimedOut(
            f"no outcome of {request.id} within {timeout:g} s; it may still come: ask again under the same id"
        )

    def events(self) -> Feed[SessionEvent]:
        feed = Feed[SessionEvent](self._end)
        self._events.add(feed)
        return feed

    def messages(self) -> Feed[GatewayMessage]:
        feed = Feed[GatewayMessage](self._end)
        self._messages.add(feed)
        return feed

    async def send_what_is_due(self) -> None:
        """The one that sends, so that requests keep their order. Without end."""
        while True:
            self._stirred.clear()
            now = self._loop.time()  # one for both: what falls due in between would be waited for in vain
            if self._client is not None:
                self._outbox.give_up(now, self._chance())
                self._send_due(self._client, now)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._outbox.next_at(now)):
                    await self._stirred.wait()

    def opened(self, client: AgentClient) -> None:
        if not client.ready.resumed:
            if self._session is not None:
                self._miss("this is a new session: what the one before had to tell is lost")
            self._seen = Seen()
        self._client = client
        self._session, self._resume_token = client.ready.session, client.ready.resume_token
        self._outbox.reopened()
        self._changed.set()
        self._stirred.set()
        if self._on_change is not None:
            self._on_change(Opened(client, client.ready.resumed))

    def heard(self, message: GatewayMessage) -> None:
        seen = after(self._seen, message)
        if seen is None:
            return
        self._seen = seen
        for messages in self._messages:
            messages.put(message)
        match message:
            case TurnPhaseEvent():
                waiting = self._waiting.get(message.turn_id)
                if waiting is not None and waiting.on_phase is not None:
                    waiting.on_phase(message)
                self._tell(message)
            case TurnCompletedEvent():
                self._complete(message.turn.turn_id, message.turn)
                if message.ref is None:
                    self._tell(message)
            case OperationCompleted():
                self._complete(message.result.operation_id, message.result)
            case SessionCurrent(complete=False):
                self._miss("more was missed than is told again; look at the lists, and follow from there")
            case TurnAccepted():
                self._outbox.accepted(message.turn_id)
                self._stirred.set()
            case TurnRejected():
                self._refuse(message, (message.retry_after_ms or 0) / 1000)
            case ChannelError():
                self._refuse(message, 0.0)

    def lost(self, reason: ConnectError) -> None:
        self._client = None
        if self._on_change is not None:
            self._on_change(Lost(reason))

    def stopped(self, reason: ConnectError) -> None:
        if self._stopped.done():
            return
        self._stopped.set_result(reason)
        self._changed.set()
        for events in self._events:
            events.end(reason)
        for messages in self._messages:
            messages.end(reason)

    def _send_due(self, client: AgentClient, now: float) -> None:
        with suppress(ConnectError):  # what was taken out goes over the next channel, with all the rest
            for request in self._outbox.due(now):
                client.send(request)

    @property
    def _end(self) -> ConnectError | None:
        return self._stopped.result() if self._stopped.done() else None

    def _complete(self, request_id: str, outcome: Outcome) -> None:
        waiting = self._waiting.get(request_id)
        if waiting is not None and not waiting.outcome.done():
            waiting.outcome.set_result(outcome)
            self._outbox.remove(request_id)
            self._stirred.set()

    def _refuse(self, problem: Problem, retry_after_s: float) -> None:
        ended = self._outbox.refused(problem, now=self._loop.time(), chance=self._chance(), retry_after_s=retry_after_s)
        waiting = self._waiting.get(problem.ref or "")
        if ended and waiting is not None and not waiting.outcome.done():
            waiting.outcome.set_exception(Rejected(problem))
        self._stirred.set()

    def _tell(self, event: SessionEvent) -> None:
        for events in self._events:
            events.put(event)

    def _miss(self, detail: str) -> None:
        """Readers of events cannot go on; those who begin now can."""
        reason = Missed(detail)
        for events in list(self._events):
            events.end(reason)
        self._events.clear()
