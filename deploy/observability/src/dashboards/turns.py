"""Turns: what people asked for, what became of it, and where its time went."""

from typing import Final

from dashboards.links import runbook, traces
from dashboards.panels import Dashboard, Query, Row, Series, Source, Stat, Steps, Traces, Unit
from dashboards.promql import happened, per_minute, per_second, quantile, share

DURATION: Final = "todo_turn_duration_seconds"
PHASE: Final = "todo_phase_duration_seconds"
MODEL: Final = "gen_ai_client_operation_duration_seconds"
CHAT: Final = 'door="chat"'
TOKENS: Final = "gen_ai_client_token_usage"

_BY_OUTCOME: Final = traces("Traces with this outcome", '{ span.todo.outcome = "${__field.labels.outcome}" }')

_NOW: Final = Row(
    "At a glance",
    (
        Stat(
            "Turns",
            Query(happened("todo_turns_total")),
            Unit.COUNT,
            "Requests in words that have ended in the time shown, each once however often it was sent.",
        ),
        Stat(
            "Half take less than",
            Query(quantile(0.5, DURATION)),
            Unit.SECONDS,
            "Median from accepted to the stored outcome. Most of it is the model's.",
        ),
        Stat(
            "19 of 20 take less than",
            Query(quantile(0.95, DURATION)),
            Unit.SECONDS,
            "The 95th percentile from accepted to the stored outcome.",
            steps=Steps(warning=30, bad=90),
        ),
        Stat(
            "Could not be done",
            Query(
                share(
                    happened("todo_turns_total", where='outcome=~"failed|unknown|refuted"'),
                    "sum(increase(todo_turns_total[$__range]))",
                )
            ),
            Unit.SHARE,
            "Share of turns that ended as failed, unknown or refuted: our fault, not the request's.",
            steps=Steps(warning=0.02, bad=0.1),
        ),
        Stat(
            "Waiting for an agent",
            Query("max(todo_consumer_pending)"),
            Unit.COUNT,
            "Turns that are accepted and that no agent has taken up. Accepted means answered: they are late, not lost.",
            steps=Steps(warning=10, bad=50),
            links=(runbook("turns-waiting"),),
        ),
        Stat(
            "Waiting since",
            Query("max(todo_consumer_oldest_waiting_seconds)"),
            Unit.SECONDS,
            "How long the oldest of them waits.",
            steps=Steps(warning=20, bad=60),
            links=(runbook("turns-waiting"),),
        ),
    ),
)

_TURNS: Final = Row(
    "Turns",
    (
        Series(
            "Turns by outcome",
            (Query(per_minute("todo_turns_total", "outcome"), "{{outcome}}"),),
            Unit.PER_MINUTE,
            "How turns ended. Failed: nothing was changed. Unknown: it could not be read whether it was.",
            stacked=True,
            point=_BY_OUTCOME,
        ),
        Series(
            "Duration",
            (
                Query(quantile(0.5, DURATION), "half"),
                Query(quantile(0.95, DURATION), "19 of 20"),
                Query(quantile(0.99, DURATION), "99 of 100"),
            ),
            Unit.SECONDS,
            "From accepted to the stored outcome, as quantiles.",
            links=(traces("Slow turns", '{ name = "invoke_agent todo" && duration > 10s }'),),
        ),
        Series(
            "Where a turn's time goes",
            (
                Query(
                    f"{per_second(f'{PHASE}_sum', 'phase', where=CHAT)} / scalar({per_second('todo_turns_total')} > 0)",
                    "{{phase}}",
                ),
            ),
            Unit.SECONDS,
            "Mean seconds of a turn in each phase: queued for an agent, PLAN (the model), EXECUTE (the transaction), "
            "CONFIRM (the second read). The widest is where to look.",
            stacked=True,
        ),
        Series(
            "Phases, 19 of 20",
            (Query(quantile(0.95, PHASE, "phase", where=CHAT), "{{phase}}"),),
            Unit.SECONDS,
            "The 95th percentile of each phase of turns.",
            links=(traces("Long CONFIRMs", '{ name = "CONFIRM" && duration > 1s }'),),
        ),
        Series(
            "Turns asked for",
            (Query(per_minute("todo_turn_starts_total", "result"), "{{result}}"),),
            Unit.PER_MINUTE,
            "What gateways made of turn.start: stored; repeated, that is sent again by a page that had no answer; or "
            "refused with a code. Overloaded is a full stream.",
            stacked=True,
            links=(runbook("stream-filling"),),
        ),
        Series(
            "Found by the sweeper",
            (Query(per_minute("todo_sweeper_turns_total", "result"), "{{result}}"),),
            Unit.PER_MINUTE,
            "Turns without an outcome that no consumer hands out any more. Ended ones were lost by a consumer and have "
            "their answer after all; not_yet means that another worker may still have it.",
        ),
    ),
)

_MODEL: Final = Row(
    "The model",
    (
        Series(
            "One question to the model",
            (
                Query(quantile(0.5, MODEL), "half"),
                Query(quantile(0.95, MODEL), "19 of 20"),
            ),
            Unit.SECONDS,
            "From sending the request to the last byte of the plan.",
            links=(traces("Its calls", '{ span.gen_ai.operation.name = "chat" }'),),
        ),
        Series(
            "Tokens of one question",
            (
                Query(
                    f"{per_second(f'{TOKENS}_sum', 'gen_ai_token_type')}"
                    f" / ({per_second(f'{TOKENS}_count', 'gen_ai_token_type')} > 0)",
                    "{{gen_ai_token_type}}",
                ),
            ),
            Unit.COUNT,
            "Mean, as the server counts. Input grows with an owner's open lists, up to what a model is shown at most.",
        ),
        Series(
            "Answers that could not be used",
            (Query(per_minute("todo_model_faults_total", "kind"), "{{kind}}"),),
            Unit.PER_MINUTE,
            "By kind. Unreachable, resting and timeout are the server's; no_plan and bad_plan the model's.",
            links=(runbook("model-failing"),),
        ),
        Series(
            "Plans read though something was amiss",
            (Query(per_minute("todo_model_recoveries_total", "kind"), "{{kind}}"),),
            Unit.PER_MINUTE,
            "A model that needs many of these is worth another, or another setting in LM Studio.",
        ),
    ),
)

_OPERATIONS: Final = Row(
    "Clicks and tools",
    (
        Series(
            "Operations by outcome",
            (
                Query(per_minute("todo_operations_total", "door", "outcome"), "{{door}} {{outcome}}"),
                Query(per_minute("todo_operations_refused_total", "door", "code"), "{{door}} told {{code}}"),
            ),
            Unit.PER_MINUTE,
            "Changes without a model: of the board, and of MCP clients. Told: those that have a code and no outcome.",
            stacked=True,
        ),
        Series(
            "Operations, 19 of 20",
            (Query(quantile(0.95, "todo_operation_duration_seconds", "door"), "{{door}}"),),
            Unit.SECONDS,
            "In the agent: check, apply, read again.",
        ),
        Traces(
            "The last turns",
            Query('{ name = "invoke_agent todo" }', source=Source.TEMPO),
            "A row a turn. Open one to see where its time went.",
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    "todo-turns",
    "Turns",
    "What people asked for, what became of it, and where its time went.",
    (_NOW, _TURNS, _MODEL, _OPERATIONS),
)
