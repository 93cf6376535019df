"""What a page can ask for, and what is asked of the bus for it. Typed message in, typed message out."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from bus import tracing
from bus.errors import BusError, NoReplyError
from bus.interface import Bus, Stored
from bus.metering import Counter
from contracts import streams, subjects
from contracts.channel import (
    ChannelError,
    HistoryGet,
    OperationCompleted,
    RunOperation,
    StateGet,
    StateList,
    TokenRenew,
    TurnAccepted,
    TurnCancelRequest,
    TurnCompletedEvent,
    TurnStart,
)
from contracts.gateway import TokenVerified, VerifyToken
from contracts.message import ErrorCode, Problem
from contracts.metrics import TURN_STARTS
from contracts.store import CancelRequest, CancelResult, SnapshotPart, SnapshotRequest
from contracts.todo import Author, TodoItem, TodoList
from contracts.turns import OperationsCompleted, RunOperations, TurnCancel, TurnCompleted, TurnStarted
from rtc_gateway.history import History
from rtc_gateway.inbound import Refused, refusal_of
from runtime.crash import crash_point

log = logging.getLogger(__name__)

# Longer than the agent takes at worst, with its own tries; shorter than the minute for which a client waits.
RUN_TIMEOUT_S: Final = 55.0
CANCEL_TIMEOUT_S: Final = 5.0
VERIFY_TIMEOUT_S: Final = 5.0
PART_TIMEOUT_S: Final = 5.0
SNAPSHOT_TIMEOUT_S: Final = 20.0
_STARTS: Final = Counter(TURN_STARTS)


@dataclass(frozen=True)
class Caller:
    """Whose session this is. `owner` comes from the token that signaling verified, never from the page."""

    session: str
    owner: str
    time_zone: str = "UTC"


@dataclass(frozen=True)
class State:
    """An owner's rows as of a revision: one message a list, made as they are sent."""

    revision: int
    messages: Iterator[StateList]


Asked = TurnStart | TurnCancelRequest | RunOperation | StateGet | HistoryGet | TokenRenew
"""What needs the bus, and so happens beside the reading."""


class Requests:
    """The requests of one caller. What the bus refuses comes back as the answer; `now` is the clock, with its zone."""

    def __init__(self, bus: Bus, caller: Caller, now: Callable[[], datetime], history: History) -> None:
        self._bus = bus
        self._caller = caller
        self._now = now
        self.history: Final = history.page

    async def start(
        self, message: TurnStart, *, on_repeat: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[TurnAccepted | TurnCompletedEvent | Refused, None]:
        """Store the turn. Accepted also if it was stored before: the page sends it again when in doubt, and then hears
        its outcome again, if there is one. `on_repeat` is called for such a one, before anything is answered."""
        turn = TurnStarted(
            session=self._caller.session,
            turn_id=message.turn_id,
            owner=self._caller.owner,
            text=message.text,
            time_zone=self._caller.time_zone,
            accepted_at=self._now(),
        )
        crash_point("before_start_stored")
        try:
            stored = await self._store(subjects.turn_started(turn.session, turn.turn_id), turn)
        except NoReplyError:
            # Not `turn.rejected`, which says that nothing will happen.
            yield ChannelError(
                code=ErrorCode.TIMEOUT,
                field="turn_id",
                value=message.turn_id,
                detail="may or may not be stored; send the turn again with the same turn_id",
                ref=message.id,
            )
            return
        except BusError as error:
            yield refusal_of(message, error.problem)
            return
        crash_point("after_start_stored")
        if stored.repeated:
            on_repeat()
        yield TurnAccepted(
            ref=message.id, turn_id=message.turn_id, seq=stored.sequence, trace_id=tracing.current_trace_id()
        )
        crash_point("after_accepted")
        try:
            outcome = await self.outcome(turn.turn_id) if stored.repeated else None
        except BusError as error:
            log.warning("outcome not read", extra={"turn": turn.turn_id, "code": error.problem.code.value})
            return
        if outcome is not None:
            yield outcome.model_copy(update={"ref": message.id})

    async def outcome(self, turn_id: str) -> TurnCompletedEvent | None:
        """What became of a turn that was stored before; None while it is under way, or if it is not readable as one.
        Raises BusError."""
        found = await self._bus.stored(streams.CHAT, subjects.turn_completed(self._caller.session, turn_id))
        if found is None:
            return None
        try:
            return TurnCompletedEvent(turn=TurnCompleted.from_json(found.data), seq=found.sequence)
        except ValidationError:
            log.warning("malformed outcome ignored", extra={"turn": turn_id})
            return None

    async def _store(self, subject: str, turn: TurnStarted) -> Stored:
        try:
            stored = await self._store_twice(subject, turn)
        except BusError as error:
            _STARTS.add(1, {"result": error.problem.code.value})
            raise
        _STARTS.add(1, {"result": "repeated" if stored.repeated else "stored"})
        return stored

    async def _store_twice(self, subject: str, turn: TurnStarted) -> Stored:
        try:
            return await self._bus.store(subject, turn)
        except NoReplyError as doubt:
            # The subject holds one message for ever, so a second try cannot store a second turn.
            try:
                return await self._bus.store(subject, turn)
            except BusError as error:
                # Refused or not, the first try may have been stored.
                raise doubt from error

    async def cancel(self, message: TurnCancelRequest) -> Refused | None:
        """Leave the mark that a later apply is refused by, then tell agents to stop what they do for the turn. Says
        nothing if it went well: the turn's outcome tells."""
        caller = self._caller
        mark = CancelRequest(owner=caller.owner, operation_id=message.turn_id)
        try:
            marked = await self._bus.request(subjects.TODO_CANCEL, mark, CancelResult, timeout=CANCEL_TIMEOUT_S)
        except BusError as error:
            return refusal_of(message, error.problem)
        if marked.too_late:
            return None
        hint = TurnCancel(session=caller.session, turn_id=message.turn_id, owner=caller.owner)
        try:
            await self._bus.publish(subjects.cancel_turn(message.turn_id), hint)
        except BusError as error:
            # The mark stands, and the turn will not be applied; the model is only not stopped early.
            log.warning("agents not told of a cancel", extra={"code": error.problem.code.value})
        return None

    async def renew(self, message: TokenRenew) -> datetime | Refused:
        """Until when a new token of the same owner is good. A session never changes its owner."""
        asked = VerifyToken(token=message.token)
        try:
            verified = await self._bus.request(subjects.AUTH_VERIFY, asked, TokenVerified, timeout=VERIFY_TIMEOUT_S)
        except BusError as error:
            # At the door such a refusal is final. Here the old token is still good, and the channel stays open.
            return refusal_of(message, error.problem.model_copy(update={"final": False}))
        if verified.owner != self._caller.owner:
            detail = "is somebody else's; connect anew to enter as them"
            return refusal_of(message, Problem(code=ErrorCode.UNAUTHORISED, field="token", detail=detail))
        return verified.expires_at

    async def run(self, message: RunOperation) -> OperationCompleted | Refused:
        """Run operations without a model."""
        request = RunOperations(
            owner=self._caller.owner,
            operation_id=message.operation_id,
            author=Author.BOARD,
            operations=message.operations,
            expected_revision=message.expected_revision,
        )
        try:
            result = await self._bus.request(subjects.OPS_RUN, request, OperationsCompleted, timeout=RUN_TIMEOUT_S)
        except NoReplyError:
            detail = "may or may not have been applied; send it again with the same operation_id"
            problem = Problem(code=ErrorCode.TIMEOUT, field="operation_id", value=message.operation_id, detail=detail)
            return refusal_of(message, problem)
        except BusError as error:
            return refusal_of(message, error.problem)
        return OperationCompleted(ref=message.id, result=result)

    async def state(self, message: StateGet) -> State | Refused:
        """Read the owner's rows."""
        lists: list[TodoList] = []
        items: dict[str, list[TodoItem]] = defaultdict(list)
        revision = 0
        request = SnapshotRequest(owner=self._caller.owner)
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                parts = self._bus.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=PART_TIMEOUT_S)
                async for part in parts:
                    revision = part.revision
                    lists.extend(part.lists)
                    for item in part.items:
                        items[item.list_id].append(item)
        except TimeoutError:
            problem = Problem(code=ErrorCode.TIMEOUT, detail="the lists could not be read in time; ask again")
            return refusal_of(message, problem)
        except BusError as error:
            return refusal_of(message, error.problem)
        return State(revision, _state_lists(message.id, revision, lists, items))


def _state_lists(
    ref: str, revision: int, lists: list[TodoList], items: dict[str, list[TodoItem]]
) -> Iterator[StateList]:
    if not lists:
        yield StateList(ref=ref, revision=revision, index=0, last=True)
    for index, todo_list in enumerate(lists):
        yield StateList(
            ref=ref,
            revision=revision,
            index=index,
            last=index == len(lists) - 1,
            list=todo_list,
            items=tuple(items.get(todo_list.id, ())),
        )
