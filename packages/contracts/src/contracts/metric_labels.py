"""The labels of the metrics, each with all the values that it can have.

What is a service's own is written down here as well, since nothing in this package knows a service; a test beside each
service holds its enum to the label that names it as its source.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, get_args

from contracts import conventions, streams, subjects
from contracts.channel import CandidateType, PageMessage, PathProtocol
from contracts.instruments import OTHER, Label
from contracts.message import ErrorCode
from contracts.store import ApplyStatus
from contracts.todo import Author
from contracts.turns import Outcome, Phase, Verdict


def _label(name: str, values: Iterable[str], source: str, *, optional: bool = False) -> Label:
    return Label(name, frozenset(str(value) for value in values), source, optional)


def _enum(name: str, values: type[StrEnum], *others: str) -> Label:
    """A label with an enum's values, and `others`."""
    return _label(name, (*values, *others), f"{values.__module__}.{values.__name__}")


_METHODS: Final = (
    subjects.TODO_SNAPSHOT,
    subjects.TODO_APPLY,
    subjects.TODO_TAKE_OVER,
    subjects.TODO_CANCEL,
    subjects.TODO_CHANGES,
    subjects.TODO_SEARCH,
    subjects.TODO_REMEMBER,
    subjects.OPS_RUN,
    subjects.RTC_OFFER,
    subjects.AUTH_VERIFY,
    subjects.template(subjects.rtc_candidate("i")),
    subjects.template(subjects.rtc_close("i")),
)

# Of several services.
CODE: Final = _enum("code", ErrorCode)
ERROR: Final = _label("error.type", (*ErrorCode, OTHER), "contracts.message.ErrorCode", optional=True)
RPC_METHOD: Final = _label("rpc.method", (*_METHODS, OTHER), "contracts.subjects.template")
CPU_MODE: Final = _label("cpu.mode", ("user", "system"), "semantic conventions")

# Of the agent.
OUTCOME: Final = _enum("outcome", Outcome)
DOOR: Final = _enum("door", Author)
VERDICT: Final = _enum("verdict", Verdict)
PHASE: Final = _enum("phase", Phase, "queued")
SWEPT: Final = _label("result", ("ended", "not_yet", "failed"), "agent.sweeping")
GIVEN_UP: Final = _label("reason", ("poison", "unreadable"), "agent.telling")
JOB: Final = _label("result", ("acked", "given_back", "taken_out", "let_go", "failed"), "bus.workers")
SLOT: Final = _label("state", ("busy", "free"), "bus.workers")
STREAM: Final = _label("stream", (streams.CHAT, streams.DLQ), "contracts.streams")
GEN_AI: Final = (
    _label("gen_ai.operation.name", ("chat",), "semantic conventions"),
    _label("gen_ai.provider.name", ("lm_studio",), "agent.model"),
)
TOKEN: Final = _label("gen_ai.token.type", ("input", "output"), "semantic conventions")
_FAULTS: Final = (
    "model_unreachable",
    "model_dropped",
    "model_timeout",
    "model_resting",
    "model_not_loaded",
    "model_loading",
    "model_bad_endpoint",
    "model_context_overflow",
    "model_http_error",
    "model_empty",
    "model_truncated",
    "model_no_plan",
    "model_unknown_tool",
    "model_bad_plan",
)
FAULT: Final = _label("kind", _FAULTS, "agent.faults.ModelFault")
MODEL_ERROR: Final = _label("error.type", _FAULTS, "agent.faults.ModelFault", optional=True)
RECOVERY: Final = _label(
    "kind",
    ("repeated_calls", "object_arguments", "text_call", "finish_reason", "model_swapped", "repaired"),
    "agent.completion.Recovery",
)

# Of the gateway.
START: Final = _enum("result", ErrorCode, "stored", "repeated")
CHANNEL: Final = _label("session", ("new", "resumed"), "contracts.gateway.OpenPeer")
ANSWERED: Final = _enum("result", ErrorCode, "answered")
ASKED: Final = _enum("result", ErrorCode, "ok")
LOCAL: Final = _enum("local", CandidateType)
REMOTE: Final = _enum("remote", CandidateType)
PROTOCOL: Final = _enum("protocol", PathProtocol)
IGNORED: Final = _label("cause", ("behind", "malformed", "unknown"), "rtc_gateway.event_feed")
MESSAGE: Final = _label(
    "type",
    (kind.model_fields["type"].default for kind in get_args(PageMessage)),
    "contracts.channel.PageMessage",
)
CLOSED: Final = _label(
    "reason",
    (*ErrorCode, "local", "remote", "lost", "not_connected", "misuse", "silent", "closed", "failed"),
    "rtc_gateway.peer.CloseReason, rtc_gateway.session, contracts.message.ErrorCode",
)

# Of signaling.
TURNED_AWAY: Final = _label("reason", ("origin", "draining", "full", "address"), "signaling.app")
HELLO: Final = _enum("outcome", ErrorCode, "admitted", "resumed")

# Of the store.
STORE_OPERATION: Final = _label(
    "operation",
    ("snapshot", "changes", "search", "apply", "take_over", "cancel", "remember"),
    "todo_store.handlers.Handlers",
)
STORE_RESULT: Final = _label(
    "result", ("ok", *ApplyStatus, *ErrorCode), "contracts.store.ApplyStatus, contracts.message.ErrorCode"
)
POOL: Final = _label("db.client.connection.pool.name", ("todo-store",), "todo_store.pool")
CONNECTION: Final = _label("db.client.connection.state", ("idle", "used"), "semantic conventions")
RELAY_FAILURE: Final = _label("cause", ("bus", "database", "change", "internal"), "todo_store.relay")

# Of the bridge.
MCP_METHOD: Final = _label("mcp.method.name", (*conventions.MCP_METHODS, OTHER), "contracts.conventions")
TOOL: Final = _label(
    "gen_ai.tool.name",
    (
        "get_all_todo_lists",
        "create_todo_list",
        "rename_todo_list",
        "delete_todo_list",
        "create_todo_item",
        "update_todo_item",
        "complete_todo_item",
        "move_todo_item",
        "delete_todo_item",
        "search_todo_items",
        "get_changes",
        "undo_change",
        OTHER,
    ),
    "mcp_bridge.tools.NAMES",
    optional=True,
)
MCP_ERROR: Final = _label(
    "error.type",
    (*ErrorCode, *Outcome, conventions.TOOL_ERROR, OTHER),
    "contracts.message.ErrorCode, contracts.turns.Outcome",
    optional=True,
)
