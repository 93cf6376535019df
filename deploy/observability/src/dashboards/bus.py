"""Bus: whether messages get through, what waits, what fills up."""

from typing import Final

from dashboards.links import runbook, traces
from dashboards.panels import Dashboard, Query, Row, Series, Source, Stat, Steps, Unit
from dashboards.promql import happened, per_minute, per_second, quantile

_NATS: Final = Source.NATS_EXPORTER
FAILED: Final = 'error_type!=""'
OF_CHAT: Final = 'stream_name="CHAT", is_consumer_leader="true"'

_NOW: Final = Row(
    "At a glance",
    (
        Stat(
            "Processes without the bus",
            Query("count(todo_bus_connected == 0) or vector(0)"),
            Unit.COUNT,
            "A process that is without for a minute ends, so that a new one can try.",
            steps=Steps(bad=0.5),
            links=(runbook("bus-away"),),
        ),
        Stat(
            "Turns waiting",
            Query("max(todo_consumer_pending)"),
            Unit.COUNT,
            "For an agent, over all partitions.",
            steps=Steps(warning=10, bad=50),
            links=(runbook("turns-waiting"),),
        ),
        Stat(
            "Turns in hand",
            Query("max(todo_consumer_ack_pending)"),
            Unit.COUNT,
            "Delivered and not acked: an agent works on them, or died over them.",
        ),
        Stat(
            "Slots free",
            Query('sum(todo_job_slots{state="free"})'),
            Unit.COUNT,
            "How many more turns all agents together could take up now.",
            steps=Steps(warning=1, falling=True),
            links=(runbook("turns-waiting"),),
        ),
        Stat(
            "Dead letters",
            Query('max(todo_stream_messages{stream="DLQ"})'),
            Unit.COUNT,
            "Turns that were given up, and that nobody has looked at yet.",
            steps=Steps(bad=0.5),
            links=(runbook("dead-letters"),),
        ),
        Stat(
            "CHAT is full to",
            Query('max(todo_stream_size_bytes{stream="CHAT"} / todo_stream_limit_bytes{stream="CHAT"})'),
            Unit.SHARE,
            "At 100 % it refuses turns: nothing that was accepted is ever thrown away for room.",
            steps=Steps(warning=0.7, bad=0.85),
            links=(runbook("stream-filling"),),
        ),
    ),
)

_JOBS: Final = Row(
    "Jobs",
    (
        Series(
            "Waiting and in hand",
            (
                Query("max(todo_consumer_pending)", "waiting"),
                Query("max(todo_consumer_ack_pending)", "in hand"),
            ),
            Unit.COUNT,
            "All agents tell the same of the stream, so this is the largest of what they tell, not the sum.",
        ),
        Series(
            "The oldest waits since",
            (Query("max(todo_consumer_oldest_waiting_seconds)", "oldest"),),
            Unit.SECONDS,
            "Growing in a straight line: nothing is taken up at all.",
            steps=Steps(warning=20, bad=60),
            links=(runbook("turns-waiting"),),
        ),
        Series(
            "Slots",
            (Query("sum by (state) (todo_job_slots)", "{{state}}"),),
            Unit.COUNT,
            "One for each question that the model may be asked at a time, over all agents.",
            stacked=True,
        ),
        Series(
            "Redeliveries",
            (Query(per_minute("todo_job_redeliveries_total", "instance"), "{{instance}}"),),
            Unit.PER_MINUTE,
            "Jobs that had been delivered before, by the agent that took them up again.",
            links=(runbook("jobs-redelivered"), traces("Traces", "{ span.nats.delivery_count > 1 }")),
        ),
        Series(
            "Streams, as a share of their limit",
            (Query("max by (stream) (todo_stream_size_bytes / todo_stream_limit_bytes)", "{{stream}}"),),
            Unit.SHARE,
            "Both refuse more when they are full.",
            at_most=1,
            steps=Steps(warning=0.7, bad=0.85),
            links=(runbook("stream-filling"),),
        ),
        Series(
            "Messages in streams",
            (Query("max by (stream) (todo_stream_messages)", "{{stream}}"),),
            Unit.COUNT,
            "CHAT holds two for each turn: its start and its outcome.",
        ),
    ),
)

_REQUESTS: Final = Row(
    "Requests over the bus",
    (
        Series(
            "Answered",
            (Query(per_second("rpc_server_call_duration_seconds_count", "rpc_method"), "{{rpc_method}}"),),
            Unit.PER_SECOND,
            "By method, as those who answer count them.",
        ),
        Series(
            "Answering, 19 of 20",
            (Query(quantile(0.95, "rpc_server_call_duration_seconds", "rpc_method"), "{{rpc_method}}"),),
            Unit.SECONDS,
            "By method, as those who answer measure it.",
            point=traces("Traces of this method", '{ span.rpc.method = "${__field.labels.rpc_method}" }'),
        ),
        Series(
            "Asking, 19 of 20",
            (Query(quantile(0.95, "rpc_client_call_duration_seconds", "rpc_method"), "{{rpc_method}}"),),
            Unit.SECONDS,
            "By method, as those who ask measure it. What is longer here than on the left is the bus.",
            point=traces("Traces of this method", '{ span.rpc.method = "${__field.labels.rpc_method}" }'),
        ),
        Series(
            "Refused and failed",
            (
                Query(
                    per_minute("rpc_client_call_duration_seconds_count", "rpc_method", "error_type", where=FAILED),
                    "{{rpc_method}} {{error_type}}",
                ),
            ),
            Unit.PER_MINUTE,
            "As those who ask saw it. Unavailable: nobody answers. Timeout: whether it was done is not known, so it is "
            "asked again under the same id.",
        ),
    ),
)

_CONNECTIONS: Final = Row(
    "Connections to the bus",
    (
        Series(
            "Connected",
            (Query("min by (job) (todo_bus_connected)", "{{job}}"),),
            Unit.NONE,
            "0 as soon as one process of a service is without.",
            at_most=1,
            links=(runbook("bus-away"),),
        ),
        Series(
            "Lost and found again",
            (
                Query(per_minute("todo_bus_disconnects_total", "job"), "{{job}} lost it"),
                Query(per_minute("todo_bus_reconnects_total", "job"), "{{job}} has it back"),
            ),
            Unit.PER_MINUTE,
            "A server that is restarted shows one of each for every process.",
        ),
        Series(
            "Events dropped",
            (Query(per_minute("todo_bus_events_dropped_total", "job"), "{{job}}"),),
            Unit.PER_MINUTE,
            "By handlers that were too slow. Nothing is lost by that: what was missed is read from the streams.",
        ),
        Series(
            "Publishes refused",
            (Query(happened("todo_bus_publishes_refused_total", "job"), "{{job}}"),),
            Unit.COUNT,
            "What a service's user may not send, in the time shown: its permissions are of another release than it is.",
            links=(runbook("bus-permission"),),
        ),
    ),
)

_SERVER: Final = Row(
    "The NATS server",
    (
        Series(
            "Messages",
            (
                Query("sum(rate(gnatsd_varz_in_msgs[$__rate_interval]))", "in", _NATS),
                Query("sum(rate(gnatsd_varz_out_msgs[$__rate_interval]))", "out", _NATS),
            ),
            Unit.PER_SECOND,
            "Of all servers. Out is larger: each event goes to every gateway.",
        ),
        Series(
            "Connections",
            (Query("sum by (server_id) (gnatsd_varz_connections)", "{{server_id}}", _NATS),),
            Unit.COUNT,
            "One for each process of ours.",
        ),
        Series(
            "Slow consumers",
            (Query("sum by (server_id) (increase(gnatsd_varz_slow_consumers[$__range]))", "{{server_id}}", _NATS),),
            Unit.COUNT,
            "Connections that the server closed since they did not read, in the time shown.",
            links=(runbook("nats-slow-consumers"),),
        ),
        Series(
            "Memory",
            (Query("sum by (server_id) (gnatsd_varz_mem)", "{{server_id}}", _NATS),),
            Unit.BYTES,
            "Resident, of each server.",
        ),
        Series(
            "Storage of JetStream",
            (
                Query("max by (server_id) (gnatsd_varz_jetstream_stats_storage)", "{{server_id}} used", _NATS),
                Query("max by (server_id) (gnatsd_varz_jetstream_config_max_storage)", "{{server_id}} limit", _NATS),
            ),
            Unit.BYTES,
            "On disk. A stream's limit counts as taken when it is declared.",
        ),
        Series(
            "Pending by consumer",
            (
                Query(
                    f"sum by (consumer_name) (jetstream_consumer_num_pending{{{OF_CHAT}}})",
                    "{{consumer_name}}",
                    _NATS,
                ),
            ),
            Unit.COUNT,
            "The same lag by partition: one that stands alone is one session's long turn.",
            links=(runbook("turns-waiting"),),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    "todo-bus",
    "Bus",
    "Whether messages get through, what waits, what fills up.",
    (_NOW, _JOBS, _REQUESTS, _CONNECTIONS, _SERVER),
)
