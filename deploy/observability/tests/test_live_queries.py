"""Every PromQL query of our own metrics, of every dashboard and alert, gives data.

A real Prometheus is asked, that scraped a real stack, two of each service, while people, MCP clients, strangers and
faults kept it busy.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from deploy.observability.tests.life import Bridge, a_while, bridge
from deploy.observability.tests.prometheus import SCRAPE_EVERY_S, Prometheus, running_prometheus
from deploy.observability.tests.test_alerts import ALERTS, OTHERS, RULES
from tests.resume.model import HeldModel, held_model

from client import AgentClient
from dashboards.__main__ import DASHBOARDS
from dashboards.panels import Source, queries
from dashboards.vocabulary import filled, selectors
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_S = 90.0
SCALE = "agent=2,rtc-gateway=2,todo-store=2"
ENVIRON = {
    # One agent dies over the first turn that it takes up; the other one finishes that.
    "CRASH_AT": "agent-1:before_plan",
    # Boards are looked after more often than in twenty seconds.
    "LOOK_EVERY_S": "1",
}
ASKED = {
    f"{dashboard.title}: {panel.title}: {query.expr}": filled(query.expr, rate_interval="30s", range="5m")
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
    for query in queries(panel)
    if query.source is Source.OURS
}


@dataclass(frozen=True)
class Live:
    """A busy stack, and the Prometheus that scrapes it."""

    stack: RunningStack
    model: HeldModel
    bridge: Bridge
    prometheus: Prometheus

    async def silent(self) -> list[str]:
        """The panels' queries that give no data yet: no sample, or none that is a number."""
        return [where for where, expr in ASKED.items() if not await self.prometheus.values(expr)]


@pytest.fixture(scope="module")
async def live() -> AsyncIterator[Live]:
    """After as many rounds of life as it took for every panel to show something, within a bound."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        model = await stack.enter_async_context(held_model())
        arguments = ("--model-url", model.url, "--scale", SCALE)
        running = await stack.enter_async_context(running_stack(directory, *arguments, environ=ENVIRON))
        served = await stack.enter_async_context(bridge(running))
        scraped = [directory.path / "metrics.json", served.targets]
        prometheus = await stack.enter_async_context(running_prometheus(directory.logs, RULES, scraped))
        everything = Live(running, model, served, prometheus)
        # Somebody who stays, and is pinged.
        await stack.enter_async_context(AgentClient.connect(running.url))
        loop = asyncio.get_running_loop()
        until = loop.time() + BOUND_S
        await a_while(running, model, served)
        while await everything.silent() and loop.time() < until:
            await a_while(running, model, served)
            # To the next scrape: what happened shows by then.
            await asyncio.sleep(SCRAPE_EVERY_S)
        yield everything


@pytest.mark.timeout(240)
async def test_every_query_of_every_dashboard_gives_data(live: Live) -> None:
    assert len(ASKED) > 90
    assert await live.silent() == []


async def test_every_metric_that_a_panel_or_an_alert_asks_for_was_scraped(live: Live) -> None:
    # Where a query ends in `or vector(0)`, or an alert is silent since all is well, an answer alone says nothing.
    asked = [*ASKED.values(), *(alert["expr"] for alert in ALERTS)]
    series = {selector.series for expr in asked for selector in selectors(expr)} - OTHERS
    assert [name for name in sorted(series) if not await live.prometheus.values(name)] == []


async def test_every_alert_is_evaluated_without_an_error(live: Live) -> None:
    rules = await live.prometheus.rules()
    assert {rule["name"] for rule in rules} == {alert["alert"] for alert in ALERTS}
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []


async def test_all_processes_are_scraped_by_the_file_that_the_stack_writes(live: Live) -> None:
    health = await live.prometheus.health()
    assert health == dict.fromkeys(
        (
            "signaling",
            *("rtc-gateway-1", "rtc-gateway-2"),
            *("agent-1", "agent-2"),
            *("todo-store-1", "todo-store-2"),
            "mcp-bridge-1",
        ),
        "up",
    )


async def test_the_agent_that_was_killed_shows_as_a_redelivery_and_nothing_as_untrue(live: Live) -> None:
    assert max(await live.prometheus.values("sum(todo_job_redeliveries_total)")) >= 1
    assert await live.prometheus.values('sum(todo_verdicts_total{verdict=~"refuted|unknown"})') == [0]
    assert max(await live.prometheus.values('sum(todo_verdicts_total{verdict="confirmed"})')) > 5
