"""Each message beside the place where it travels: what docs/protocol.md is generated from."""

from dataclasses import dataclass
from typing import Final

from contracts import channel, dialogue, gateway, model_status, sessions, signaling, store, subjects, todo, turns
from contracts.message import Message, Problem


@dataclass(frozen=True)
class Entry:
    """One message: which way it goes, how it is carried, and what answers it."""

    message: type[Message]
    direction: str
    carried_by: str
    answered_by: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    about: str
    entries: tuple[Entry, ...]


def _subject(example: str) -> str:
    return f"`{subjects.template(example)}`"


def _rpc(message: type[Message], who: str, subject: str, queue: str, answer: str) -> Entry:
    return Entry(message, who, f"request on `{subject}`, queue `{queue}`", answer)


_SOCKET = "frame of `/ai/ws`"
_CHANNEL = "data channel"

SIGNALING: Final = Section(
    title="Signaling: the WebSocket `/ai/ws`",
    about="One JSON object a text frame, told apart by `type`. The client speaks first, with `hello`.",
    entries=(
        Entry(signaling.Hello, "client to server", _SOCKET, "`ready` or `error`"),
        Entry(signaling.Ready, "server to client", _SOCKET),
        Entry(signaling.Offer, "client to server", _SOCKET, "`answer` or `error`"),
        Entry(signaling.Answer, "server to client", _SOCKET),
        Entry(signaling.Candidate, "both ways", _SOCKET),
        Entry(signaling.SignalingError, "server to client", _SOCKET),
        Entry(signaling.SignalingDraining, "server to client", _SOCKET),
        Entry(signaling.Bye, "both ways", _SOCKET),
    ),
)
CHANNEL: Final = Section(
    title="The data channel `agent.v1`",
    about=(
        "Label `agent`, ordered and reliable. A message is one JSON object, told apart by `type`. A message of over "
        '16 KiB travels in frames `{"id", "part", "last", "data"}`, whose `data` joined is its JSON with everything '
        "beyond ASCII escaped; a frame is never longer than 16 KiB. At most 64 KiB a message from the page, 4 MiB to "
        "it."
    ),
    entries=(
        Entry(channel.TurnStart, "page to gateway", _CHANNEL, "`turn.accepted` or `turn.rejected`"),
        Entry(channel.TurnCancelRequest, "page to gateway", _CHANNEL),
        Entry(channel.RunOperation, "page to gateway", _CHANNEL, "`op.completed` or `error`"),
        Entry(channel.StateGet, "page to gateway", _CHANNEL, "`state.list`, the last one marked"),
        Entry(channel.HistoryGet, "page to gateway", _CHANNEL, "`history.page`"),
        Entry(channel.PathReport, "page to gateway", _CHANNEL),
        Entry(channel.TokenRenew, "page to gateway", _CHANNEL, "`token.renewed` or `error`"),
        Entry(channel.Ack, "page to gateway", _CHANNEL),
        Entry(channel.Ping, "both ways", _CHANNEL, "`pong`"),
        Entry(channel.Pong, "both ways", _CHANNEL),
        Entry(channel.TurnAccepted, "gateway to page", _CHANNEL),
        Entry(channel.TurnRejected, "gateway to page", _CHANNEL),
        Entry(channel.TurnPhaseEvent, "gateway to page", _CHANNEL),
        Entry(channel.TurnDeltaEvent, "gateway to page", _CHANNEL),
        Entry(channel.TurnCompletedEvent, "gateway to page", _CHANNEL),
        Entry(channel.OperationCompleted, "gateway to page", _CHANNEL),
        Entry(channel.StateList, "gateway to page", _CHANNEL),
        Entry(channel.StateChanged, "gateway to page", _CHANNEL),
        Entry(channel.StateStale, "gateway to page", _CHANNEL),
        Entry(channel.HistoryPage, "gateway to page", _CHANNEL),
        Entry(channel.SessionCurrent, "gateway to page", _CHANNEL),
        Entry(channel.TokenRenewed, "gateway to page", _CHANNEL),
        Entry(model_status.ModelStatus, "gateway to page", _CHANNEL),
        Entry(channel.ChannelDraining, "gateway to page", _CHANNEL),
        Entry(channel.ChannelError, "gateway to page", _CHANNEL),
    ),
)
EVENTS: Final = Section(
    title="Events",
    about="JSON bodies; `traceparent` in a header. What a stream republishes carries its sequence in `Nats-Sequence`.",
    entries=(
        Entry(
            turns.TurnStarted,
            "rtc-gateway to agent",
            f"{_subject('evt.chat.s.t.start')}, stored in CHAT as `job.chat.<partition>.<session>.<turn>`",
            "TurnCompleted",
        ),
        Entry(turns.TurnPhase, "agent to rtc-gateway", f"{_subject('evt.out.s.t.plan')}, stored in OUT"),
        Entry(turns.TurnDelta, "agent to rtc-gateway", "`live.evt.prose.{session}.{turn}.delta`, not stored"),
        Entry(turns.TurnCompleted, "agent to rtc-gateway", f"{_subject('evt.chat.s.t.completed')}, stored in CHAT"),
        Entry(turns.TurnCancel, "rtc-gateway to agents", _subject("ctl.turn.t.cancel")),
        Entry(model_status.ModelReport, "agent to rtc-gateways", _subject("ctl.agent.a.model")),
        Entry(gateway.SessionEntered, "rtc-gateway to rtc-gateways", _subject("ctl.session.s.entered")),
        Entry(turns.DeadTurn, "agent to operators", f"{_subject('dlq.chat.s.t')}, stored in DLQ"),
        Entry(todo.TodoChanged, "todo-store to all", _subject("evt.todo.o.changed")),
    ),
)
REQUESTS: Final = Section(
    title="Requests",
    about=(
        "NATS request and reply. `X-Deadline` (epoch milliseconds) says until when somebody waits; later ones are "
        "dropped. A refusal has the code in the header `Nats-Service-Error-Code` and a Problem as its body. The last "
        "message of a series carries `Todo-Last: 1`."
    ),
    entries=(
        _rpc(gateway.OpenPeer, "signaling to rtc-gateway", subjects.RTC_OFFER, subjects.QUEUE_RTC, "PeerOpened"),
        Entry(gateway.PeerOpened, "rtc-gateway to signaling", "reply"),
        Entry(
            gateway.AddCandidate, "signaling to one gateway", f"request on {_subject('rpc.rtc.i.x.candidate')}", "Done"
        ),
        Entry(gateway.ClosePeer, "signaling to one gateway", f"request on {_subject('rpc.rtc.i.x.close')}", "Done"),
        Entry(gateway.Done, "rtc-gateway to signaling", "reply"),
        _rpc(
            gateway.VerifyToken, "rtc-gateway to signaling", subjects.AUTH_VERIFY, subjects.QUEUE_AUTH, "TokenVerified"
        ),
        Entry(gateway.TokenVerified, "signaling to rtc-gateway", "reply"),
        Entry(
            sessions.SessionRecord,
            "kept by signaling",
            f"{_subject('$KV.sessions.s')}, a key of the bucket `sessions`, replaced by compare-and-set",
        ),
        _rpc(turns.RunOperations, "edges to agent", subjects.OPS_RUN, subjects.QUEUE_OPS, "OperationsCompleted"),
        Entry(turns.OperationsCompleted, "agent to edges", "reply"),
        _rpc(store.SnapshotRequest, "to todo-store", subjects.TODO_SNAPSHOT, subjects.QUEUE_TODO, "SnapshotParts"),
        Entry(store.SnapshotPart, "from todo-store", "one of a series of replies"),
        _rpc(store.ApplyRequest, "agent to todo-store", subjects.TODO_APPLY, subjects.QUEUE_TODO, "ApplyResult"),
        Entry(store.ApplyResult, "todo-store to agent", "reply"),
        _rpc(
            store.TakeOverRequest, "agent to todo-store", subjects.TODO_TAKE_OVER, subjects.QUEUE_TODO, "TakeOverResult"
        ),
        Entry(store.TakeOverResult, "todo-store to agent", "reply"),
        _rpc(store.CancelRequest, "to todo-store", subjects.TODO_CANCEL, subjects.QUEUE_TODO, "CancelResult"),
        Entry(store.CancelResult, "from todo-store", "reply"),
        _rpc(store.ChangesRequest, "to todo-store", subjects.TODO_CHANGES, subjects.QUEUE_TODO, "Changes"),
        Entry(store.Changes, "from todo-store", "reply"),
        _rpc(store.SearchRequest, "to todo-store", subjects.TODO_SEARCH, subjects.QUEUE_TODO, "SearchResult"),
        Entry(store.SearchResult, "from todo-store", "reply"),
        _rpc(
            dialogue.RememberRequest, "agent to todo-store", subjects.TODO_REMEMBER, subjects.QUEUE_TODO, "Remembered"
        ),
        Entry(dialogue.Remembered, "todo-store to agent", "reply"),
        Entry(Problem, "any server to its caller", "reply with `Nats-Service-Error-Code`"),
    ),
)

SECTIONS: Final = (SIGNALING, CHANNEL, EVENTS, REQUESTS)
