"""Truth: whether what was said is what the database holds, and what stood in between."""

from typing import Final

from dashboards.links import runbook, traces
from dashboards.panels import Dashboard, Query, Row, Series, Source, Stat, Steps, Traces, Unit
from dashboards.promql import happened, per_minute, share

_VERDICTS: Final = "todo_verdicts_total"

_NOW: Final = Row(
    "The promise",
    (
        Stat(
            "Refuted",
            Query(happened(_VERDICTS, where='verdict="refuted"')),
            Unit.COUNT,
            "Changes where the second read found something else than was applied. One is an incident.",
            steps=Steps(bad=0.5),
            links=(runbook("refuted"), traces("Traces", '{ span.todo.verdict = "refuted" }')),
        ),
        Stat(
            "Unknown",
            Query(happened(_VERDICTS, where='verdict="unknown"')),
            Unit.COUNT,
            "Changes whose second read could not be made. The user was told so, and nothing was folded into failed.",
            steps=Steps(warning=0.5, bad=5),
            links=(runbook("unknown-growing"), traces("Traces", '{ span.todo.verdict = "unknown" }')),
        ),
        Stat(
            "Confirmed",
            Query(
                share(
                    'sum(increase(todo_verdicts_total{verdict="confirmed"}[$__range]))',
                    "sum(increase(todo_verdicts_total[$__range]))",
                )
            ),
            Unit.SHARE,
            "Of all verdicts. Anything but 100 % is explained by the two on the left.",
            steps=Steps(warning=0.999, bad=0.99, falling=True),
        ),
        Stat(
            "Dead letters",
            Query('max(todo_stream_messages{stream="DLQ"})'),
            Unit.COUNT,
            "Turns that were given up after three deaths of a worker, and that nobody has looked at yet.",
            steps=Steps(bad=0.5),
            links=(runbook("dead-letters"),),
        ),
        Stat(
            "Taken up again",
            Query(happened("todo_job_redeliveries_total")),
            Unit.COUNT,
            "Jobs that were delivered before: their worker died, or was too slow to say that it lives.",
            steps=Steps(warning=5, bad=50),
            links=(runbook("jobs-redelivered"),),
        ),
        Stat(
            "Conflicts",
            Query(happened("todo_turns_total", where='outcome="conflict"')),
            Unit.COUNT,
            "Turns that lost twice against somebody else's change and said so, with nothing changed.",
        ),
    ),
)

_VERDICT: Final = Row(
    "Verdicts",
    (
        Series(
            "Verdicts",
            (Query(per_minute(_VERDICTS, "verdict"), "{{verdict}}"),),
            Unit.PER_MINUTE,
            "What the second read said of what was applied, through every door.",
            stacked=True,
            point=traces("Traces with this verdict", '{ span.todo.verdict = "${__field.labels.verdict}" }'),
        ),
        Series(
            "By door",
            (Query(per_minute(_VERDICTS, "door"), "{{door}}"),),
            Unit.PER_MINUTE,
            "Chat is planned by a model; board and mcp are not. All are confirmed alike.",
            stacked=True,
        ),
        Series(
            "Turns that changed nothing, and said so",
            (
                Query(
                    per_minute(
                        "todo_turns_total", "outcome", where='outcome=~"clarify|not_found|refused|conflict|failed"'
                    ),
                    "{{outcome}}",
                ),
            ),
            Unit.PER_MINUTE,
            "Where code would not go along with a plan. Much clarify after a change of the model says that it guesses.",
            point=traces("Traces with this outcome", '{ span.todo.outcome = "${__field.labels.outcome}" }'),
        ),
        Series(
            "Jobs by how they left a worker's hands",
            (Query(per_minute("todo_jobs_total", "result"), "{{result}}"),),
            Unit.PER_MINUTE,
            "Acked is the rule. Given back: to be delivered again later; let go: the lease was lost to another worker; "
            "taken out: never to be delivered again.",
        ),
        Series(
            "Dead letters by reason",
            (Query(per_minute("todo_dead_letters_total", "reason"), "{{reason}}"),),
            Unit.PER_MINUTE,
            "Poison: three workers died over it. Unreadable: its message was not understood.",
            links=(runbook("dead-letters"),),
        ),
        Series(
            "Redeliveries",
            (Query(per_minute("todo_job_redeliveries_total", "instance"), "{{instance}}"),),
            Unit.PER_MINUTE,
            "By the agent that took the job up again.",
            links=(runbook("jobs-redelivered"), traces("Traces", "{ span.nats.delivery_count > 1 }")),
        ),
    ),
)

_CASES: Final = Row(
    "Single cases",
    (
        Traces(
            "Refuted and unknown",
            Query('{ span.todo.verdict =~ "refuted|unknown" }', source=Source.TEMPO),
            "A row a case. The trace shows PLAN, EXECUTE and CONFIRM, and each statement of the store.",
            links=(runbook("refuted"),),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    "todo-truth",
    "Truth",
    "Whether what was said is what the database holds.",
    (_NOW, _VERDICT, _CASES),
)
