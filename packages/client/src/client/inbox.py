"""Where the gateway's messages go: answers to their requests, events to their turns and readers."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakSet

from pydantic import ValidationError

from client.errors import ClientError, ConnectError, Missed
from client.feed import Changes, Feed
from client.resuming import after
from contracts import frames
from contracts.channel import (
    FROM_GATEWAY,
    ChannelDraining,
    ChannelError,
    GatewayMessage,
    HistoryPage,
    OperationCompleted,
    Ping,
    StateChanged,
    StateList,
    StateStale,
    TokenRenewed,
    TurnAccepted,
    TurnCompletedEvent,
    TurnPhaseEvent,
    TurnRejected,
)
from contracts.limits import MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode
from contracts.model_status import ModelStatus
from contracts.signaling import Seen
from contracts.todo import JournalEntry
from contracts.turns import TurnCompleted

log = logging.getLogger(__name__)

PhaseHandler = Callable[[TurnPhaseEvent], None]
ResultT = TypeVar("ResultT")


@dataclass
class Waiting:
    """One request on its way. `parts` collects a state.get's answer, which ends with the answer itself."""

    answer: asyncio.Future[GatewayMessage]
    parts: list[StateList] = field(default_factory=list)


@dataclass
class Turn:
    """One turn whose outcome is awaited."""

    completed: asyncio.Future[TurnCompleted]
    on_phase: PhaseHandler | None


class Inbox:
    """Everything that is awaited on one connection, until it is lost. `seen`: what was told before it began."""

    def __init__(self, on_ping: Callable[[str], None], seen: Seen) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_ping = on_ping
        self._assembler = frames.Assembler(MESSAGE_OUT_MAX_BYTES)
        self._lost: asyncio.Future[ClientError] = self._loop.create_future()
        self._held: list[GatewayMessage] | None = None
        # Weak: a reader that lets go of its feed needs to tell nobody.
        self._messages: WeakSet[Feed[GatewayMessage]] = WeakSet()
        self._as_told: WeakSet[Feed[GatewayMessage]] = WeakSet()
        self._changes: WeakSet[Feed[JournalEntry]] = WeakSet()
        self.waiting: dict[str, Waiting] = {}
        self.turns: dict[str, Turn] = {}
        self.draining = asyncio.Event()
        self.heard_at = self._loop.time()
        self.seen = seen
        self.model: ModelStatus | None = None

    def expect(self, message_id: str) -> Waiting:
        """Await the answer to a request; the caller takes it out of `waiting` again."""
        waiting = self.waiting[message_id] = Waiting(self._loop.create_future())
        return waiting

    def follow(self, turn_id: str, on_phase: PhaseHandler | None) -> Turn:
        """Await the outcome of a turn; the caller takes it out of `turns` again."""
        turn = self.turns[turn_id] = Turn(self._loop.create_future(), on_phase)
        return turn

    def messages(self) -> Feed[GatewayMessage]:
        feed = Feed[GatewayMessage](self.lost_because)
        self._messages.add(feed)
        return feed

    def messages_as_told(self) -> Feed[GatewayMessage]:
        """With events that were told before."""
        feed = Feed[GatewayMessage](self.lost_because)
        self._as_told.add(feed)
        return feed

    def changes(self) -> Changes:
        feed = Changes(self.lost_because)
        self._changes.add(feed)
        return feed

    def changes_as_told(self) -> Feed[JournalEntry]:
        """With what is told again, and with a gap where lists were read meanwhile."""
        feed = Feed[JournalEntry](self.lost_because)
        self._changes.add(feed)
        return feed

    async def unless_lost(self, wanted: asyncio.Future[ResultT]) -> ResultT:
        """Wait for a result; raises the reason if the connection is lost before."""
        either: set[asyncio.Future[ResultT] | asyncio.Future[ClientError]] = {wanted, self._lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            return wanted.result()
        raise self._lost.result()

    @property
    def lost_because(self) -> ClientError | None:
        return self._lost.result() if self._lost.done() else None

    def lose(self, reason: ClientError) -> None:
        """End everything that is awaited. The first reason stays."""
        if self._lost.done():
            return
        self._lost.set_result(reason)
        for messages in (*self._messages, *self._as_told):
            messages.end(reason)
        for changes in self._changes:
            changes.end(reason)

    def hold(self) -> None:
        """Keep what comes until `release`: those who will read it are not there yet."""
        self._held = []

    def release(self) -> None:
        held, self._held = self._held or [], None
        for message in held:
            self._take(message)

    def on_frame(self, frame: str | bytes) -> None:
        """Take one frame of the channel."""
        self.heard_at = self._loop.time()
        payload = self._assembler.feed(frame)
        if payload is None:
            return
        try:
            message = FROM_GATEWAY.validate_json(payload)
        except ValidationError:
            log.info("message of an unknown kind ignored")
            return
        if self._held is None:
            self._take(message)
        else:
            self._held.append(message)

    def _take(self, message: GatewayMessage) -> None:
        for messages in self._as_told:
            messages.put(message)
        seen = after(self.seen, message)
        if seen is None:
            return
        self.seen = seen
        if isinstance(message, ModelStatus):
            self.model = message
        for messages in self._messages:
            messages.put(message)
        self._handle(message)

    def on_closed(self) -> None:
        self.lose(ConnectError(ErrorCode.UNAVAILABLE, "the gateway closed the connection; connect again"))

    def _handle(self, message: GatewayMessage) -> None:
        match message:
            case Ping():
                self._on_ping(message.id)
            case ChannelDraining():
                self.draining.set()
            case ChannelError(final=True):
                self.lose(ConnectError.told(message, message.detail or "the gateway closed the connection"))
            case StateList():
                self._collect(message)
            case StateChanged():
                for changes in self._changes:
                    changes.put(message.entry)
            case StateStale():
                self._missed()
            case TurnPhaseEvent():
                turn = self.turns.get(message.turn_id)
                if turn is not None and turn.on_phase is not None:
                    turn.on_phase(message)
            case TurnCompletedEvent():
                turn = self.turns.get(message.turn.turn_id)
                if turn is not None and not turn.completed.done():
                    turn.completed.set_result(message.turn)
            case (
                TurnAccepted() | TurnRejected() | OperationCompleted() | HistoryPage() | TokenRenewed() | ChannelError()
            ):
                self._resolve(message.ref, message)

    def _missed(self) -> None:
        """Readers of changes cannot go on; those who begin now can."""
        reason = Missed("changes were passed over; read the lists again and follow from there")
        for changes in list(self._changes):
            changes.end(reason)
        self._changes.clear()

    def _collect(self, part: StateList) -> None:
        waiting = self.waiting.get(part.ref)
        if waiting is not None:
            waiting.parts.append(part)
            if part.last:
                self._resolve(part.ref, part)

    def _resolve(self, ref: str | None, message: GatewayMessage) -> None:
        waiting = self.waiting.get(ref or "")
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(message)
