"""A turn's way over the bus: the job, its phases, its outcome and the receipt that proves it."""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from contracts.message import Message
from contracts.operations import Operation
from contracts.text import RequestText
from contracts.todo import Author, Diff
from contracts.tokens import ChangeId, OperationId, OwnerKey, SessionId, TurnId


class Phase(StrEnum):
    PLAN = "plan"
    EXECUTE = "execute"
    CONFIRM = "confirm"


class WaitsFor(StrEnum):
    """What holds a phase up."""

    MODEL = "model"  # it thinks, or is being loaded
    STORE = "store"  # it is away


class Verdict(StrEnum):
    """What the second read says of the plan."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How a turn or an operation ended."""

    CONFIRMED = "confirmed"  # applied, and seen in the database
    ALREADY_SO = "already_so"  # nothing to change
    ANSWERED = "answered"  # a question, answered from the state
    CLARIFY = "clarify"  # several things could be meant
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    CONFLICT = "conflict"  # someone else changed it meanwhile
    CANCELLED = "cancelled"
    REFUTED = "refuted"  # applied, and the database shows something else
    FAILED = "failed"  # nothing was changed
    UNKNOWN = "unknown"  # whether it was applied could not be read


class TurnStarted(Message):
    """`evt.chat.<session>.<turn>.start`: an accepted turn. The owner comes from the verified token."""

    session: SessionId
    turn_id: TurnId
    owner: OwnerKey
    text: RequestText
    time_zone: str = "UTC"
    accepted_at: AwareDatetime


class TurnPhase(Message):
    """`evt.out.<session>.<turn>.<phase>`: a step of a turn has begun, or, with `waits_for`, takes long."""

    session: SessionId
    turn_id: TurnId
    phase: Phase
    attempt: int = Field(ge=1)
    elapsed_ms: float = Field(ge=0, description="since the turn was accepted")
    waits_for: WaitsFor | None = None


class TurnDelta(Message):
    """A piece of free prose. Not stored; `completed` holds the whole."""

    session: SessionId
    turn_id: TurnId
    attempt: int = Field(ge=1)
    offset: int = Field(ge=0, description="in characters")
    text: str


class TurnCancel(Message):
    """`ctl.turn.<turn>.cancel`."""

    session: SessionId
    turn_id: TurnId
    owner: OwnerKey


class Timings(Message):
    """Milliseconds. `model` is part of `plan`."""

    queued: float | None = None
    plan: float | None = None
    model: float | None = None
    execute: float | None = None
    confirm: float | None = None
    total: float | None = None


class ModelUse(Message):
    """Which model answered, and how often it was asked."""

    name: str
    calls: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Receipt(Message):
    """The proof of one turn or operation: what was understood, expected and seen."""

    request: str | None = Field(default=None, description="the words of the request; None for a click or a tool call")
    understood: tuple[str, ...] = Field(default=(), description="each step in words, rendered by code")
    operations: tuple[Operation, ...] = ()
    expected: Diff = Diff()
    observed: Diff = Diff()
    others: Diff = Field(default=Diff(), description="what somebody else changed meanwhile")
    verdict: Verdict | None = Field(default=None, description="None where nothing was applied")
    revision_before: int | None = None
    revision_after: int | None = None
    change_id: ChangeId | None = None
    truncated: bool = Field(default=False, description="too large for the bus: diffs and operations are cut")
    attempt: int = 1
    timings: Timings = Timings()
    model: ModelUse | None = None
    trace_id: str | None = None


class Candidate(Message):
    """One thing that could be meant: a button under a clarifying question."""

    label: str
    detail: str | None = None
    reply: str = Field(description="the request that choosing it sends")


class TurnCompleted(Message):
    """`evt.chat.<session>.<turn>.completed`: the end of a turn, exactly one for each that was accepted."""

    session: SessionId
    turn_id: TurnId
    outcome: Outcome
    text: str = Field(description="rendered by code from rows that were read")
    reason: str | None = Field(default=None, description="a code, where the outcome alone does not say why")
    candidates: tuple[Candidate, ...] = ()
    receipt: Receipt
    completed_at: AwareDatetime


class DeadTurn(Message):
    """`dlq.chat.<session>.<turn>`: a turn given up after its third crash, or unreadable, with where to find it."""

    session: SessionId
    turn_id: TurnId
    owner: OwnerKey | None = Field(default=None, description="None where the turn could not be read")
    crashes: int
    stream_sequence: int | None = None
    at: AwareDatetime


class RunOperations(Message):
    """`rpc.ops.v1.run`: operations without a model. Answered by OperationsCompleted; safe to resend by its id."""

    owner: OwnerKey
    operation_id: OperationId
    author: Author
    operations: tuple[Operation, ...] = Field(min_length=1, max_length=500)
    expected_revision: int | None = Field(default=None, description="refuse if the owner's state is newer")


class OperationsCompleted(Message):
    """What became of RunOperations."""

    operation_id: OperationId
    outcome: Outcome
    text: str
    reason: str | None = None
    receipt: Receipt
