"""Services: which processes run, what they use, and what MCP clients get."""

from typing import Final

from dashboards.links import runbook, traces
from dashboards.panels import Dashboard, Logs, Query, Row, Series, Source, Stat, Steps, Unit
from dashboards.promql import happened, per_minute, per_second, quantile

JOBS: Final = "signaling|rtc-gateway|agent|todo-store|mcp-bridge"
MCP: Final = "mcp_server_operation_duration_seconds"
_CHOSEN: Final = 'job=~"$job"'

_NOW: Final = Row(
    "At a glance",
    (
        Stat(
            "Processes",
            Query(f'sum(up{{job=~"{JOBS}"}})'),
            Unit.COUNT,
            "That answer when their metrics are asked for.",
        ),
        Stat(
            "Silent",
            Query(f'count(up{{job=~"{JOBS}"}} == 0) or vector(0)'),
            Unit.COUNT,
            "That should answer and do not.",
            steps=Steps(bad=0.5),
            links=(runbook("service-down"),),
        ),
        Stat(
            "Youngest",
            Query("min(process_uptime_seconds)"),
            Unit.SECONDS,
            "The last start of any process. Short again and again: something keeps dying.",
        ),
        Stat(
            "Processors",
            Query("sum(rate(process_cpu_time_seconds_total[$__rate_interval]))"),
            Unit.NONE,
            "How many processors all of them keep busy.",
        ),
        Stat("Memory", Query("sum(process_memory_usage_bytes)"), Unit.BYTES, "Resident, of all of them."),
        Stat(
            "MCP requests",
            Query(happened(f"{MCP}_count")),
            Unit.COUNT,
            "Of MCP clients, in the time shown; over HTTP, since a bridge on stdio is not scraped.",
        ),
    ),
)

_PROCESSES: Final = Row(
    "Processes",
    (
        Series(
            "Answering",
            (Query(f"sum by (job) (up{{{_CHOSEN}}})", "{{job}}"),),
            Unit.COUNT,
            "How many processes of each service answer.",
            links=(runbook("service-down"),),
        ),
        Series(
            "Running since",
            (Query(f"min by (instance) (process_uptime_seconds{{{_CHOSEN}}})", "{{instance}}"),),
            Unit.SECONDS,
            "A saw is a process that is started again and again.",
        ),
        Series(
            "Processor time",
            (Query(per_second("process_cpu_time_seconds_total", "instance", where=_CHOSEN), "{{instance}}"),),
            Unit.SHARE,
            "100 % is one processor. A service of ours uses one at most: scale out before it stays there.",
            stacked=True,
        ),
        Series(
            "Processor time by kind",
            (Query(per_second("process_cpu_time_seconds_total", "cpu_mode", where=_CHOSEN), "{{cpu_mode}}"),),
            Unit.SHARE,
            "System is the kernel's: sockets, mostly.",
            stacked=True,
        ),
        Series(
            "Lateness of the event loop, 99 of 100",
            (Query(quantile(0.99, "todo_event_loop_lag_seconds", "instance", where=_CHOSEN), "{{instance}}"),),
            Unit.SECONDS,
            "How late a timer fires. Everything that the process does is late by as much.",
            steps=Steps(warning=0.1, bad=0.5),
        ),
        Series(
            "Memory",
            (Query(f"sum by (instance) (process_memory_usage_bytes{{{_CHOSEN}}})", "{{instance}}"),),
            Unit.BYTES,
            "Resident. It should level off.",
        ),
        Series(
            "Open files",
            (Query(f"sum by (instance) (process_unix_file_descriptor_count{{{_CHOSEN}}})", "{{instance}}"),),
            Unit.COUNT,
            "Sockets count: a gateway has one or more for each page.",
        ),
        Series(
            "Asked of it over the bus",
            (Query(per_second("rpc_server_call_duration_seconds_count", "job", where=_CHOSEN), "{{job}}"),),
            Unit.PER_SECOND,
            "Requests that each service answered.",
        ),
    ),
)

_MCP: Final = Row(
    "MCP",
    (
        Series(
            "Requests",
            (Query(per_minute(f"{MCP}_count", "mcp_method_name"), "{{mcp_method_name}}"),),
            Unit.PER_MINUTE,
            "Of MCP clients over HTTP, by method.",
            stacked=True,
        ),
        Series(
            "Tool calls, 19 of 20",
            (
                Query(
                    quantile(0.95, MCP, "gen_ai_tool_name", where='mcp_method_name="tools/call"'),
                    "{{gen_ai_tool_name}}",
                ),
            ),
            Unit.SECONDS,
            "By tool, as the bridge measures it.",
            point=traces("Traces of this tool", '{ span.gen_ai.tool.name = "${__field.labels.gen_ai_tool_name}" }'),
        ),
        Series(
            "Refused and failed",
            (
                Query(
                    per_minute(f"{MCP}_count", "gen_ai_tool_name", "error_type", where='error_type!=""'),
                    "{{gen_ai_tool_name}} {{error_type}}",
                ),
            ),
            Unit.PER_MINUTE,
            "Not_found and clarify are answers to a model that guessed; unavailable and timeout are ours.",
        ),
    ),
)

_LOGS: Final = Row(
    "Logs",
    (
        Logs(
            "Warnings and errors",
            Query(
                '{service_name=~"$job"} | detected_level=~"warn|error|fatal"',
                source=Source.LOKI,
            ),
            "Static messages; what varies is in their fields, the trace's id among them. No user's words.",
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    "todo-services",
    "Services",
    "Which processes run, what they use, and what MCP clients get.",
    (_NOW, _PROCESSES, _MCP, _LOGS),
    jobs=True,
)
