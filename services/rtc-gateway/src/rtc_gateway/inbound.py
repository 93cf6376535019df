"""From a page's frames to typed messages, or to the answer that says what was wrong. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from contracts.channel import FROM_PAGE, ChannelError, PageMessage, Pong, TurnRejected, TurnStart
from contracts.frames import Assembler, FrameError
from contracts.limits import MESSAGE_IN_MAX_BYTES
from contracts.message import ErrorCode, Problem, problem_of
from contracts.tokens import TOKEN_PATTERN

_TOKEN: Final = re.compile(TOKEN_PATTERN)
_TURN_START: Final = "turn.start"
RETRY_AFTER_MS: Final = 1000
_RETRYABLE: Final = frozenset({ErrorCode.RATE, ErrorCode.OVERLOADED, ErrorCode.UNAVAILABLE})

Refused = TurnRejected | ChannelError


class Inbound:
    """Assembles and parses what one page sends. Holds at most a few unfinished messages."""

    def __init__(self) -> None:
        self._assembler = Assembler(MESSAGE_IN_MAX_BYTES)

    def read(self, frame: str | bytes) -> PageMessage | Refused | None:
        """A message, a refusal to send back, or None while parts are missing."""
        try:
            payload = self._assembler.feed(frame)
        except FrameError as error:
            return refusal_of_frame(frame, error.problem)
        if payload is None:
            return None
        try:
            return FROM_PAGE.validate_json(payload)
        except ValidationError as error:
            return refusal_of_frame(payload, problem_of(error))


def refusal_of_frame(frame: str | bytes, problem: Problem) -> Refused:
    """The answer to a frame that became no message: `turn.rejected` if it can be seen to be a turn, else `error`."""
    head = _head(frame)
    field = problem.field
    if field is not None and head.kind is not None:
        field = field.removeprefix(f"{head.kind}.")  # pydantic puts the union's tag in front
    problem = problem.model_copy(update={"ref": head.id, "field": field})
    return _refusal(problem, is_turn=head.kind == _TURN_START, turn_id=head.turn_id)


def refusal_of(message: PageMessage, problem: Problem) -> Refused:
    """The answer to a message that was understood and cannot be served."""
    problem = problem.model_copy(update={"ref": message.ref if isinstance(message, Pong) else message.id})
    turn_id = message.turn_id if isinstance(message, TurnStart) else None
    return _refusal(problem, is_turn=turn_id is not None, turn_id=turn_id)


def _refusal(problem: Problem, *, is_turn: bool, turn_id: str | None) -> Refused:
    if not is_turn:
        return ChannelError.model_validate(problem.model_dump())
    retry_after_ms = RETRY_AFTER_MS if problem.code in _RETRYABLE else None
    return TurnRejected.model_validate(problem.model_dump() | {"turn_id": turn_id, "retry_after_ms": retry_after_ms})


@dataclass(frozen=True)
class _Head:
    id: str | None = None
    kind: str | None = None
    turn_id: str | None = None


def _head(frame: str | bytes) -> _Head:
    """What can be read of a message that is refused; nothing of what is too long to be looked at."""
    if len(frame) > MESSAGE_IN_MAX_BYTES:
        return _Head()
    try:
        parsed = json.loads(frame)
    except (ValueError, RecursionError):
        return _Head()
    if not isinstance(parsed, dict):
        return _Head()
    kind = parsed.get("type")  # a piece has none, and carries its message's id
    return _Head(
        id=_token(parsed.get("id")),
        kind=kind if isinstance(kind, str) else None,
        turn_id=_token(parsed.get("turn_id")),
    )


def _token(value: object) -> str | None:
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None
