"""Store: the rows and their database, and the relay that tells of changes."""

from typing import Final

from dashboards.links import runbook, traces
from dashboards.panels import Dashboard, Query, Row, Series, Stat, Steps, Unit
from dashboards.promql import happened, per_minute, per_second, quantile

OPERATION: Final = "todo_store_operation_duration_seconds"

_NOW: Final = Row(
    "At a glance",
    (
        Stat(
            "Applies",
            Query(happened(f"{OPERATION}_count", where='operation="apply", result="applied"')),
            Unit.COUNT,
            "Transactions that changed rows, in the time shown.",
        ),
        Stat(
            "Apply, 19 of 20",
            Query(quantile(0.95, OPERATION, where='operation="apply"')),
            Unit.SECONDS,
            "From the request to the commit.",
            steps=Steps(warning=0.25, bad=1),
        ),
        Stat(
            "Connections used",
            Query('sum(db_client_connection_count{db_client_connection_state="used"}) / sum(db_client_connection_max)'),
            Unit.SHARE,
            "Of what the pools of all stores may open.",
            steps=Steps(warning=0.8, bad=0.95),
            links=(runbook("store-pool-exhausted"),),
        ),
        Stat(
            "Not published since",
            Query("max(todo_relay_age_seconds)"),
            Unit.SECONDS,
            "Age of the oldest change that the relay has not told the bus. Boards are behind by as much, at most 25 s.",
            steps=Steps(warning=5, bad=30),
            links=(runbook("journal-relay-late"),),
        ),
        Stat(
            "Relays at work",
            Query("sum(todo_relay_leading)"),
            Unit.COUNT,
            "One, of all stores.",
            steps=Steps(bad=1, falling=True),
            links=(runbook("journal-relay-failing"),),
        ),
        Stat(
            "Relay failures",
            Query(happened("todo_relay_failures_total")),
            Unit.COUNT,
            "In the time shown. A bus or a database that was away shows here.",
            steps=Steps(warning=1, bad=10),
            links=(runbook("journal-relay-failing"),),
        ),
    ),
)

_ASKED: Final = Row(
    "What it is asked",
    (
        Series(
            "Operations",
            (Query(per_second(f"{OPERATION}_count", "operation"), "{{operation}}"),),
            Unit.PER_SECOND,
            "By what was asked for. Many changes without as many applies: gateways that miss events.",
            stacked=True,
        ),
        Series(
            "Duration, 19 of 20",
            (Query(quantile(0.95, OPERATION, "operation"), "{{operation}}"),),
            Unit.SECONDS,
            "In the store, its queue for a connection included.",
            links=(
                traces("Slow ones", '{ resource.service.name = "todo-store" && kind = server && duration > 250ms }'),
            ),
        ),
        Series(
            "Results of applies",
            (Query(per_minute(f"{OPERATION}_count", "result", where='operation="apply"'), "{{result}}"),),
            Unit.PER_MINUTE,
            "Applied; conflict: somebody else was faster, and the agent plans anew; refused and fenced: a guard held.",
            stacked=True,
        ),
        Series(
            "Anything but ok, without applies",
            (
                Query(
                    per_minute(f"{OPERATION}_count", "operation", "result", where='operation!="apply", result!="ok"'),
                    "{{operation}} {{result}}",
                ),
            ),
            Unit.PER_MINUTE,
            "Unavailable is a database that is away.",
        ),
    ),
)

_POOL: Final = Row(
    "Connections to PostgreSQL",
    (
        Series(
            "Connections",
            (
                Query(
                    "sum by (db_client_connection_state) (db_client_connection_count)", "{{db_client_connection_state}}"
                ),
                Query("sum(db_client_connection_max)", "limit"),
            ),
            Unit.COUNT,
            "Of the pools of all stores.",
        ),
        Series(
            "Waiting for a connection",
            (
                Query(quantile(0.5, "db_client_connection_wait_time_seconds"), "half"),
                Query(quantile(0.95, "db_client_connection_wait_time_seconds"), "19 of 20"),
            ),
            Unit.SECONDS,
            "Grows before anything fails.",
            links=(runbook("store-pool-exhausted"),),
        ),
        Series(
            "Waits in vain",
            (Query(per_minute("db_client_connection_timeouts_total", "instance"), "{{instance}}"),),
            Unit.PER_MINUTE,
            "Requests that got no connection in time and were answered with unavailable.",
            links=(runbook("store-pool-exhausted"),),
        ),
    ),
)

_RELAY: Final = Row(
    "The relay of the journal",
    (
        Series(
            "Age of the oldest unpublished change",
            (Query("max(todo_relay_age_seconds)", "oldest"),),
            Unit.SECONDS,
            "0 when all is told.",
            steps=Steps(warning=5, bad=30),
            links=(runbook("journal-relay-late"),),
        ),
        Series(
            "Unpublished",
            (Query("max(todo_relay_unpublished)", "changes"),),
            Unit.COUNT,
            "Changes that wait for the relay; 10,000 means as many or more.",
            links=(runbook("journal-relay-late"),),
        ),
        Series(
            "Published",
            (Query(per_second("todo_relay_published_total"), "changes"),),
            Unit.PER_SECOND,
            "Told to the bus.",
        ),
        Series(
            "Who leads",
            (Query("max by (instance) (todo_relay_leading)", "{{instance}}"),),
            Unit.NONE,
            "1 in the store whose relay publishes; another takes over when it ends.",
            at_most=1,
        ),
        Series(
            "Failures",
            (Query(per_minute("todo_relay_failures_total", "cause"), "{{cause}}"),),
            Unit.PER_MINUTE,
            "By what failed. Change: one that cannot be told, which is skipped after it was logged.",
            links=(runbook("journal-relay-failing"),),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    "todo-store",
    "Store",
    "The rows and their database, and the relay that tells of changes.",
    (_NOW, _ASKED, _POOL, _RELAY),
)
