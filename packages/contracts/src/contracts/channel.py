"""The data channel `agent.v1`: JSON messages between page and gateway, framed by `contracts.frames`.

`id` is minted by the sender of a request and comes back as `ref`. `seq` is the sequence in the stream of an event that
is stored: turn.completed in one stream, turn.phase in another. A client that reconnects names the last of each that it
saw (`Seen`), and is told what it missed before anything new; a number that it has seen before it drops.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from contracts.limits import TOKEN_MAX_CHARS
from contracts.message import Message, Problem
from contracts.model_status import ModelStatus
from contracts.operations import Operation
from contracts.signaling import Seen
from contracts.text import RequestText
from contracts.todo import JournalEntry, TodoItem, TodoList
from contracts.tokens import OperationId, Token, Traceparent, TurnId
from contracts.turns import OperationsCompleted, Phase, TurnCompleted, WaitsFor

MessageId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class FromPage(Message):
    """What every message of the page may carry."""

    id: MessageId
    traceparent: Traceparent | None = None


class TurnStart(FromPage):
    """A request. Answered by turn.accepted or turn.rejected, then phases, then turn.completed."""

    type: Literal["turn.start"] = "turn.start"
    turn_id: TurnId
    text: RequestText
    sent_at: AwareDatetime | None = None


class TurnCancelRequest(FromPage):
    type: Literal["turn.cancel"] = "turn.cancel"
    turn_id: TurnId


class RunOperation(FromPage):
    """Operations without a model: a click on the board. Answered by op.completed, or error."""

    type: Literal["op.run"] = "op.run"
    operation_id: OperationId
    operations: tuple[Operation, ...] = Field(min_length=1, max_length=500)
    expected_revision: int | None = Field(default=None, ge=0)


class StateGet(FromPage):
    """Answered by one state.list a list, the last one marked; state.changed follows from there."""

    type: Literal["state.get"] = "state.get"


class HistoryGet(FromPage):
    """This session's earlier turns: the newest, or the newest of those before one. Answered by history.page."""

    type: Literal["history.get"] = "history.get"
    before: int | None = Field(default=None, ge=0, description="the seq of a turn in a page: what is older than it")
    limit: int = Field(default=50, ge=1, le=200)


class Ack(FromPage):
    """Everything up to `seq` has arrived. Lets nothing go: events stay in their streams, for whoever resumes."""

    type: Literal["ack"] = "ack"
    seq: int = Field(ge=0)


class CandidateType(StrEnum):
    """Of ICE (RFC 8445 section 5.1.1)."""

    HOST = "host"
    SRFLX = "srflx"
    PRFLX = "prflx"
    RELAY = "relay"


class PathProtocol(StrEnum):
    """What carries the page's end of the path; of a relayed one, what carries it to the relay."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class PathReport(FromPage):
    """The pair of candidates that ICE chose, as the page sees it, and how long it took. Not answered.

    The gateway sees most of its peers as `prflx` or `host`: their candidates come later than their checks, or never.
    """

    type: Literal["path.report"] = "path.report"
    local: CandidateType
    remote: CandidateType
    protocol: PathProtocol
    connect_ms: float = Field(
        ge=0, le=600_000, description="from the making of the peer connection to the open channel"
    )


class TokenRenew(FromPage):
    """A new access token of the same owner, before the old one expires. Answered by token.renewed, or error."""

    type: Literal["token.renew"] = "token.renew"
    token: str = Field(max_length=TOKEN_MAX_CHARS, repr=False)


class Ping(FromPage):
    """Both ways; answered by pong with the same id."""

    type: Literal["ping"] = "ping"


class Pong(Message):
    type: Literal["pong"] = "pong"
    ref: MessageId


class TurnAccepted(Message):
    """The turn is stored and will be answered, once."""

    type: Literal["turn.accepted"] = "turn.accepted"
    ref: MessageId
    turn_id: TurnId
    seq: int | None = None
    trace_id: str | None = None


class TurnRejected(Problem):
    """The turn was not stored; nothing will happen."""

    type: Literal["turn.rejected"] = "turn.rejected"
    turn_id: Token | None = None
    retry_after_ms: int | None = None


class TurnPhaseEvent(Message):
    type: Literal["turn.phase"] = "turn.phase"
    turn_id: TurnId
    phase: Phase
    attempt: int = Field(ge=1)
    elapsed_ms: float = Field(ge=0)
    waits_for: WaitsFor | None = None
    seq: int | None = None


class TurnDeltaEvent(Message):
    """A piece of free prose, at `offset` characters of attempt `attempt`."""

    type: Literal["turn.delta"] = "turn.delta"
    turn_id: TurnId
    attempt: int = Field(ge=1)
    offset: int = Field(ge=0)
    text: str


class TurnCompletedEvent(Message):
    """The end of a turn. With `ref` it answers a turn.start that was sent again, out of the order of events."""

    type: Literal["turn.completed"] = "turn.completed"
    turn: TurnCompleted
    seq: int | None = None
    ref: MessageId | None = None


class SessionCurrent(Message):
    """Once after each opening, behind the outcomes that were missed: what follows is new. Phases are short messages,
    which overtake long ones: newer ones may come before it, so `seen` is never a reason to go back.

    Where more than REPLAY_MAX events of a stream were missed, those behind them were left out and `complete` is false.
    """

    type: Literal["session.current"] = "session.current"
    seen: Seen
    replayed: int = Field(default=0, ge=0)
    complete: bool = True


class TokenRenewed(Message):
    type: Literal["token.renewed"] = "token.renewed"
    ref: MessageId
    expires_at: AwareDatetime


class OperationCompleted(Message):
    type: Literal["op.completed"] = "op.completed"
    ref: MessageId
    result: OperationsCompleted


class StateList(Message):
    """One list with its items, at a revision. An owner without lists gets one message with `list` None."""

    type: Literal["state.list"] = "state.list"
    ref: MessageId
    revision: int = Field(ge=0)
    index: int = Field(ge=0)
    last: bool
    list: TodoList | None = None
    items: tuple[TodoItem, ...] = ()


class StateChanged(Message):
    """One journal entry: the one after the last seen, or one told before; after a gap the page asks state.get again."""

    type: Literal["state.changed"] = "state.changed"
    entry: JournalEntry


class StateStale(Message):
    """Changes up to `revision` were passed over, and will not be told: ask state.get. What is told later follows it."""

    type: Literal["state.stale"] = "state.stale"
    revision: int = Field(ge=0)


class HistoryTurn(Message):
    """A turn as it is kept. Without `completed` it is under way, unless `outcome_lost`: it ended, and what came of it
    cannot be read any more."""

    seq: int = Field(description="of its start, in the stream; turn.accepted has the same")
    turn_id: TurnId
    text: str
    accepted_at: AwareDatetime
    completed: TurnCompleted | None = None
    outcome_lost: bool = False


class HistoryPage(Message):
    """Turns in their order, the oldest first: at most `limit`, and no more than one message holds. With `more` there
    are older ones, to be asked for with `before`. What has aged out of the stream, or is not readable, is left out."""

    type: Literal["history.page"] = "history.page"
    ref: MessageId
    turns: tuple[HistoryTurn, ...] = ()
    more: bool = False


class ChannelDraining(Message):
    """This gateway is going; connect again while the channel still lives."""

    type: Literal["draining"] = "draining"
    retry_after_ms: int = Field(ge=0)


class ChannelError(Problem):
    """What was wrong with the message `ref`. With `final` the channel closes."""

    type: Literal["error"] = "error"


PageMessage = (
    TurnStart | TurnCancelRequest | RunOperation | StateGet | HistoryGet | PathReport | TokenRenew | Ack | Ping | Pong
)
GatewayMessage = (
    TurnAccepted
    | TurnRejected
    | TurnPhaseEvent
    | TurnDeltaEvent
    | TurnCompletedEvent
    | OperationCompleted
    | StateList
    | StateChanged
    | StateStale
    | HistoryPage
    | SessionCurrent
    | TokenRenewed
    | ModelStatus
    | ChannelDraining
    | ChannelError
    | Ping
    | Pong
)
FROM_PAGE: TypeAdapter[PageMessage] = TypeAdapter(Annotated[PageMessage, Field(discriminator="type")])
FROM_GATEWAY: TypeAdapter[GatewayMessage] = TypeAdapter(Annotated[GatewayMessage, Field(discriminator="type")])
