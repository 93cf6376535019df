"""Every metric of every service: the one table that instruments are made of and that a scrape is held against.

What has a name in OpenTelemetry's semantic conventions has it here (`db.client.*`, `rpc.*`, `gen_ai.*`, `mcp.*`,
`process.*`), pinned: those of GenAI and MCP are still being renamed, and a dashboard should not break by that. What is
ours begins with `todo.`. `Instrument.prometheus` has each name as Prometheus shows it; docs/metrics.md lists them all.
"""

from typing import Final

from contracts import metric_labels as labels
from contracts.instruments import Instrument, counter, gauge, histogram, observed_counter, up_down

SIGNALING: Final = ("signaling",)
GATEWAY: Final = ("rtc-gateway",)
AGENT: Final = ("agent",)
STORE: Final = ("todo-store",)
BRIDGE: Final = ("mcp-bridge",)
EVERY: Final = SIGNALING + GATEWAY + AGENT + STORE + BRIDGE

# Upper bounds: in seconds, of what takes milliseconds, of calls, which take as much and may take a minute, of what a
# person waits for, and of a model's thinking (as the conventions have it, and on to the longest time-out); in tokens.
QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
CALL: Final = (*QUICK, 10, 30, 60)
WAIT: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
MODEL: Final = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36,
)  # fmt: skip
TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576)

# Turns and operations: what the promise is about.
TURN_STARTS: Final = counter(
    "todo.turn.starts", "{turn}", "turns that pages asked for, by what became of the asking", GATEWAY, labels.START
)
TURNS: Final = counter("todo.turns", "{turn}", "turns whose outcome was stored, each once", AGENT, labels.OUTCOME)
TURN_DURATION: Final = histogram(
    "todo.turn.duration", "s", "from accepted to the stored outcome", AGENT, labels.OUTCOME, buckets=WAIT
)
PHASE_DURATION: Final = histogram(
    "todo.phase.duration", "s", "of what a turn's or operation's time goes into", AGENT,
    labels.PHASE, labels.DOOR, buckets=WAIT,
)  # fmt: skip
OPERATIONS: Final = counter(
    "todo.operations", "{operation}", "clicks and tool calls that have ended", AGENT, labels.DOOR, labels.OUTCOME
)
OPERATIONS_REFUSED: Final = counter(
    "todo.operations.refused", "{operation}", "clicks and tool calls that have no outcome, by the code they were told",
    AGENT, labels.DOOR, labels.CODE,
)  # fmt: skip
OPERATION_DURATION: Final = histogram(
    "todo.operation.duration", "s", "of clicks and tool calls, in the agent", AGENT, labels.DOOR, buckets=WAIT
)
VERDICTS: Final = counter(
    "todo.verdicts", "{verdict}", "of the second read, on what was applied", AGENT, labels.VERDICT, labels.DOOR
)
SWEPT: Final = counter(
    "todo.sweeper.turns", "{turn}", "turns without an outcome that the sweeper took up", AGENT, labels.SWEPT
)
DEAD_LETTERS: Final = counter(
    "todo.dead_letters", "{turn}", "turns that were given up, with a copy in DLQ", AGENT, labels.GIVEN_UP
)

# The model.
MODEL_DURATION: Final = histogram(
    "gen_ai.client.operation.duration", "s", "of one question to the model", AGENT,
    *labels.GEN_AI, labels.MODEL_ERROR, buckets=MODEL,
)  # fmt: skip
MODEL_TOKENS: Final = histogram(
    "gen_ai.client.token.usage", "{token}", "of one question, as the server counts them", AGENT,
    *labels.GEN_AI, labels.TOKEN, buckets=TOKENS,
)  # fmt: skip
MODEL_FAULTS: Final = counter(
    "todo.model.faults", "{call}", "answers of the model that could not be used", AGENT, labels.FAULT
)
MODEL_RECOVERIES: Final = counter(
    "todo.model.recoveries", "{plan}", "plans that were read though something was amiss", AGENT, labels.RECOVERY
)

# Jobs and streams. What is told of streams every agent tells alike: take the largest, not the sum.
JOBS: Final = counter("todo.jobs", "{job}", "jobs that left a worker's hands", AGENT, labels.JOB)
REDELIVERIES: Final = counter("todo.job.redeliveries", "{job}", "jobs that had been delivered before", AGENT)
SLOTS: Final = up_down("todo.job.slots", "{slot}", "of workers", AGENT, labels.SLOT)
CONSUMER_PENDING: Final = gauge(
    "todo.consumer.pending", "{turn}", "turns that wait for an agent, over all partitions", AGENT
)
CONSUMER_ACK_PENDING: Final = gauge(
    "todo.consumer.ack_pending", "{turn}", "turns that an agent has in hand, or had when it died", AGENT
)
CONSUMER_OLDEST: Final = gauge(
    "todo.consumer.oldest_waiting", "s", "how long the oldest turn waits for an agent; 0 if none does", AGENT
)
STREAM_MESSAGES: Final = gauge(
    "todo.stream.messages", "{message}", "that a stream holds; in DLQ, turns given up", AGENT, labels.STREAM
)
STREAM_SIZE: Final = gauge("todo.stream.size", "By", "of what a stream holds", AGENT, labels.STREAM)
STREAM_LIMIT: Final = gauge("todo.stream.limit", "By", "at which a stream refuses more", AGENT, labels.STREAM)

# Connections.
SESSIONS: Final = up_down("todo.rtc.sessions", "{session}", "whose peers are being made or open", GATEWAY)
ROOM: Final = gauge("todo.rtc.room", "{session}", "that the gateway can still take; 0 while it drains", GATEWAY)
CHANNELS: Final = counter(
    "todo.rtc.channels.opened", "{channel}", "of new sessions, and of those that came back", GATEWAY, labels.CHANNEL
)
CLOSED: Final = counter("todo.rtc.sessions.closed", "{session}", "by why they ended", GATEWAY, labels.CLOSED)
RTC_OFFERS: Final = counter(
    "todo.rtc.offers", "{offer}", "by the gateway's answer; capacity where it was full", GATEWAY, labels.ANSWERED
)
CONNECT: Final = histogram(
    "todo.rtc.connect.duration", "s", "to the open channel, as pages measure it, by the path that ICE chose", GATEWAY,
    labels.LOCAL, labels.REMOTE, labels.PROTOCOL, buckets=WAIT,
)  # fmt: skip
ROUND_TRIP: Final = histogram("todo.rtc.round_trip.duration", "s", "of our pings to pages", GATEWAY, buckets=QUICK)
RECEIVED: Final = counter("todo.rtc.messages.received", "{message}", "from pages", GATEWAY, labels.MESSAGE)
REFUSED: Final = counter(
    "todo.rtc.messages.refused", "{message}", "of pages, by the code they were told", GATEWAY, labels.CODE
)
IGNORED: Final = counter(
    "todo.rtc.events.ignored", "{event}", "of the bus, that no page was told", GATEWAY, labels.IGNORED
)
REPLAYED: Final = counter("todo.rtc.events.replayed", "{event}", "told to sessions that came back", GATEWAY)
BOARD_ASKS: Final = counter(
    "todo.rtc.board.asks", "{request}", "for changes that events did not bring", GATEWAY, labels.ASKED
)
BOARDS_STALE: Final = counter("todo.rtc.boards.stale", "{message}", "telling a page to read the state again", GATEWAY)

# The door.
SOCKETS: Final = up_down("todo.signaling.sockets", "{socket}", "WebSockets that are open", SIGNALING)
SOCKETS_REFUSED: Final = counter(
    "todo.signaling.sockets.refused", "{socket}", "before a word was said", SIGNALING, labels.TURNED_AWAY
)
HELLOS: Final = counter("todo.signaling.hellos", "{hello}", "by the answer", SIGNALING, labels.HELLO)
OFFERS: Final = counter(
    "todo.signaling.offers", "{offer}", "by the answer; capacity where no gateway had room", SIGNALING, labels.ANSWERED
)

# The store and its database.
STORE_DURATION: Final = histogram(
    "todo.store.operation.duration", "s", "of what the store was asked for", STORE,
    labels.STORE_OPERATION, labels.STORE_RESULT, buckets=QUICK,
)  # fmt: skip
POOL_CONNECTIONS: Final = gauge(
    "db.client.connection.count", "{connection}", "of the pool", STORE, labels.CONNECTION, labels.POOL
)
POOL_MAX: Final = gauge("db.client.connection.max", "{connection}", "that the pool may open", STORE, labels.POOL)
POOL_WAIT: Final = histogram(
    "db.client.connection.wait_time", "s", "for a connection of the pool", STORE, labels.POOL, buckets=QUICK
)
POOL_TIMEOUTS: Final = counter(
    "db.client.connection.timeouts", "{timeout}", "waits for a connection that got none", STORE, labels.POOL
)
RELAY_AGE: Final = gauge("todo.relay.age", "s", "of the oldest change that is not published yet; 0 if none", STORE)
RELAY_UNPUBLISHED: Final = gauge(
    "todo.relay.unpublished", "{change}", "that wait for the relay; 10,000 means as many or more", STORE
)
RELAY_LEADING: Final = gauge("todo.relay.leading", "{relay}", "1 in the one process whose relay publishes", STORE)
RELAY_PUBLISHED: Final = counter("todo.relay.published", "{change}", "told to the bus", STORE)
RELAY_FAILURES: Final = counter(
    "todo.relay.failures", "{failure}", "of the relay, by what failed", STORE, labels.RELAY_FAILURE
)

# Tools.
MCP_DURATION: Final = histogram(
    "mcp.server.operation.duration", "s", "of MCP requests", BRIDGE,
    labels.MCP_METHOD, labels.TOOL, labels.MCP_ERROR, buckets=WAIT,
)  # fmt: skip

# What every process has.
RPC_SERVED: Final = histogram(
    "rpc.server.call.duration", "s", "of answering over the bus", EVERY, labels.RPC_METHOD, labels.ERROR, buckets=CALL
)
RPC_ASKED: Final = histogram(
    "rpc.client.call.duration", "s", "of asking over the bus, to the last answer", EVERY,
    labels.RPC_METHOD, labels.ERROR, buckets=CALL,
)  # fmt: skip
BUS_CONNECTED: Final = gauge("todo.bus.connected", "{connection}", "1 while the bus is there", EVERY)
BUS_LOST: Final = counter("todo.bus.disconnects", "{connection}", "of the bus", EVERY)
BUS_BACK: Final = counter("todo.bus.reconnects", "{connection}", "to the bus", EVERY)
BUS_SLOW: Final = counter("todo.bus.events.dropped", "{event}", "since their handler was too slow", EVERY)
BUS_FORBIDDEN: Final = counter("todo.bus.publishes.refused", "{message}", "that our bus user may not send", EVERY)
LOOP_LAG: Final = histogram("todo.event_loop.lag", "s", "of a timer of the event loop", EVERY, buckets=QUICK)
CPU_TIME: Final = observed_counter("process.cpu.time", "s", "of this process", EVERY, labels.CPU_MODE)
MEMORY: Final = gauge("process.memory.usage", "By", "resident, of this process", EVERY)
FILES: Final = gauge("process.unix.file_descriptor.count", "{file_descriptor}", "open in this process", EVERY)
UPTIME: Final = gauge("process.uptime", "s", "since this process began to serve", EVERY)

INSTRUMENTS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Instrument))
