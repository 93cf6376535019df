"""Every name that a span of ours may have, and every attribute that it may carry.

Sources, as of November 2026:
  [S] open-telemetry/semantic-conventions 1.44, as in the Python package 0.66b2. Of these `messaging.*` and `session.*`
      are in development, `rpc.*` is a release candidate, `db.*`, `error.*`, `server.*` and `service.*` are stable.
  [G] open-telemetry/semantic-conventions-genai, where `gen_ai.*` and `mcp.*` went; in development. The constants of the
      Python package are marked as deprecated since, which is why these are not imported but written down.
  [T] ours: `todo.*` of turns, `nats.*` of JetStream, which no convention covers, `rtc.*` of data channels.

No attribute holds what a person or a model wrote, a title, a token, or the text of an exception.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# --- any span

ERROR_TYPE: Final = "error.type"  # [S] an ErrorCode or an exception's class, never a text
SESSION_ID: Final = "session.id"  # [S] of the chat session; no secret, unlike its resume token

# --- requests and their answers: over NATS, the data channel, the WebSocket of signaling
# Name: `{rpc.method}`. Kinds CLIENT and SERVER. [S docs/rpc/rpc-spans.md]

RPC_SYSTEM_NAME: Final = "rpc.system.name"  # [S]
RPC_METHOD: Final = "rpc.method"  # [S] a subject's template, or the type of a message; never a subject
RPC_RESPONSE_STATUS_CODE: Final = "rpc.response.status_code"  # [S] an ErrorCode, on what was refused

SIGNALING: Final = "signaling"  # [T] `signaling.{type}`: a message on the socket
ENTER: Final = "enter"  # [T] `signaling.enter`: what a hello asks for, once it was read

NATS: Final = "nats"
DATA_CHANNEL: Final = "webrtc_data_channel"  # [T]
WEBSOCKET: Final = "websocket"  # [T]

# --- messages: events and jobs
# Name: `{operation} {destination template}`. send is PRODUCER, process CONSUMER, receive CLIENT. [S messaging-spans.md]

MESSAGING_SYSTEM: Final = "messaging.system"  # [S] "nats", which its list of systems has not
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"  # [S]
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"  # [S] send, receive, process, settle
MESSAGING_DESTINATION_TEMPLATE: Final = "messaging.destination.template"  # [S] the subject's template
MESSAGING_BATCH_MESSAGE_COUNT: Final = "messaging.batch.message_count"  # [S] of several messages told at once
NATS_DELIVERY_COUNT: Final = "nats.delivery_count"  # [T] 1, and more for a job that is delivered again
NATS_QUEUE_WAIT_S: Final = "nats.queue_wait_s"  # [T] seconds from the stream's taking it to this delivery

SEND: Final = "send"
RECEIVE: Final = "receive"
PROCESS: Final = "process"
GET: Final = "get"  # a stream read by subject: of type receive
REPLAY: Final = "replay"  # what a session missed, told in one go: of type process, with a link to each message's trace

OPERATION_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {SEND: SEND, RECEIVE: RECEIVE, PROCESS: PROCESS, GET: RECEIVE, REPLAY: PROCESS}
)

# --- PostgreSQL
# Name: `{db.operation.name} {db.collection.name}`. Kind CLIENT. No statement's text, no value. [S database-spans.md]

DB_SYSTEM_NAME: Final = "db.system.name"  # [S]
DB_OPERATION_NAME: Final = "db.operation.name"  # [S] the verb
DB_COLLECTION_NAME: Final = "db.collection.name"  # [S] the table

POSTGRESQL: Final = "postgresql"

# --- the model and the agent
# Names: `chat {gen_ai.request.model}` of kind CLIENT, `invoke_agent {gen_ai.agent.name}` INTERNAL. [G gen-ai-spans.md]

GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"  # [G]
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"  # [G]
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"  # [G]
GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"  # [G] the session
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"  # [G]
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"  # [G]
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"  # [G]
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"  # [G]
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"  # [G]
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"  # [G]
SERVER_ADDRESS: Final = "server.address"  # [S] of the model server
SERVER_PORT: Final = "server.port"  # [S]

CHAT: Final = "chat"
INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"
LM_STUDIO: Final = "lm_studio"
AGENT_NAME: Final = "todo"

# --- turns and operations: INTERNAL steps of the agent [T]

PLAN: Final = "PLAN"
EXECUTE: Final = "EXECUTE"
CONFIRM: Final = "CONFIRM"

TODO_TURN_ID: Final = "todo.turn.id"  # of the turn or operation; minted by its client, and no secret
TODO_ATTEMPT: Final = "todo.attempt"  # which attempt at it: one more each time that it was taken over
TODO_VERDICT: Final = "todo.verdict"  # of CONFIRM: confirmed, refuted, unknown
TODO_OUTCOME: Final = "todo.outcome"  # an Outcome
TODO_CANCELLED: Final = "todo.cancelled"  # true on what was stopped on its way

# --- MCP
# Name: `{mcp.method.name} {gen_ai.tool.name}`. Kind SERVER. [G mcp.md]

MCP_METHOD_NAME: Final = "mcp.method.name"  # [G] one of the specification's
MCP_PROTOCOL_VERSION: Final = "mcp.protocol.version"  # [G]
GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"  # [G] one of ours

MCP_METHODS: Final = (
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
)
"""Those that are told apart, in spans and in metrics; any other one is "other"."""
MCP_LASTING: Final = frozenset({"subscriptions/listen"})
"""Under way for as long as their client listens: neither spans nor lengths of them would tell anything."""

TOOL_ERROR: Final = "tool_error"  # [G] the error.type of a tool that answered with isError

# --- how a page is connected [T]

RTC_PATH: Final = "rtc.path"  # the next three, with slashes
RTC_PATH_LOCAL: Final = "rtc.path.local"
RTC_PATH_REMOTE: Final = "rtc.path.remote"
RTC_PATH_PROTOCOL: Final = "rtc.path.protocol"

# --- who says it: of the resource, on every span [S docs/resource/service.md]

SERVICE_NAME: Final = "service.name"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
SERVICE_VERSION: Final = "service.version"

NAMESPACE: Final = "todo-agent"
PAGE: Final = "page"
"""The service of a client's own span. Clients export nothing; the gateway writes down when they asked."""

RESOURCE_ATTRIBUTES: Final = frozenset({SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_INSTANCE_ID, SERVICE_VERSION})

OF_OPERATORS: Final = frozenset({"deployment.environment.name"})
"""Of resources too, where whoever runs it says so (OTEL_RESOURCE_ATTRIBUTES); none of ours needs them."""

SPAN_ATTRIBUTES: Final = frozenset(
    {
        ERROR_TYPE,
        SESSION_ID,
        RPC_SYSTEM_NAME,
        RPC_METHOD,
        RPC_RESPONSE_STATUS_CODE,
        MESSAGING_SYSTEM,
        MESSAGING_OPERATION_NAME,
        MESSAGING_OPERATION_TYPE,
        MESSAGING_DESTINATION_TEMPLATE,
        MESSAGING_BATCH_MESSAGE_COUNT,
        NATS_DELIVERY_COUNT,
        NATS_QUEUE_WAIT_S,
        DB_SYSTEM_NAME,
        DB_OPERATION_NAME,
        DB_COLLECTION_NAME,
        GEN_AI_OPERATION_NAME,
        GEN_AI_PROVIDER_NAME,
        GEN_AI_AGENT_NAME,
        GEN_AI_CONVERSATION_ID,
        GEN_AI_REQUEST_MODEL,
        GEN_AI_REQUEST_MAX_TOKENS,
        GEN_AI_REQUEST_TEMPERATURE,
        GEN_AI_RESPONSE_MODEL,
        GEN_AI_USAGE_INPUT_TOKENS,
        GEN_AI_USAGE_OUTPUT_TOKENS,
        GEN_AI_TOOL_NAME,
        SERVER_ADDRESS,
        SERVER_PORT,
        TODO_TURN_ID,
        TODO_ATTEMPT,
        TODO_VERDICT,
        TODO_OUTCOME,
        TODO_CANCELLED,
        MCP_METHOD_NAME,
        MCP_PROTOCOL_VERSION,
        RTC_PATH,
        RTC_PATH_LOCAL,
        RTC_PATH_REMOTE,
        RTC_PATH_PROTOCOL,
    }
)
"""All that a span of ours may carry. Whoever records another is told by `tests/telemetry`."""
