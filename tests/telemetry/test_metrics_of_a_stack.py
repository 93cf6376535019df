"""The whole stack, scraped as Prometheus would: nothing but what the table has, and it moves when things happen."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable

import httpx
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.mcp_clients.bridge import new_owner
from tests.telemetry.scraping import INFO, Scrape, Series, faults, scraped, targets

from client import AgentClient
from contracts import metrics
from contracts.operations import CreateList
from contracts.tokens import new_list_id, uuid7
from contracts.turns import Outcome
from local_stack.passwords import load_or_make
from local_stack.ports import free_port
from local_stack.temporary import RunningStack

BOUND_S = 30


async def eventually(stack: RunningStack, holds: Callable[[Scrape], bool]) -> Scrape:
    """Scrape until it holds. Some is shown by a look every few seconds, and some told after the answer."""
    async with asyncio.timeout(BOUND_S):
        while not holds(scrape := await scraped(targets(stack.data))):  # noqa: ASYNC110 - scrapes are what there is
            await asyncio.sleep(0.2)
    return scrape


async def test_a_turn_and_a_click_move_what_they_should_in_every_service(stack: RunningStack) -> None:
    before = await scraped(targets(stack.data))
    async with AgentClient.connect(stack.url) as client:
        turn = await client.ask(f"create a list called {new_owner()}")
        click = await client.run([CreateList(list_id=new_list_id(), name=new_owner())], operation_id=uuid7())
    assert (turn.outcome, click.outcome) == (Outcome.CONFIRMED, Outcome.CONFIRMED)

    def grown(scrape: Scrape, instrument: metrics.Instrument, **labels: str) -> float:
        return scrape(instrument, labels) - before(instrument, labels)

    after = await eventually(
        stack,
        lambda scrape: (
            grown(scrape, metrics.CLOSED) >= 1
            and grown(scrape, metrics.RELAY_PUBLISHED) >= 2
            and grown(scrape, metrics.LOOP_LAG) > 0
            and scrape(metrics.STREAM_LIMIT) > 0
        ),
    )
    for instrument, labels in (
        (metrics.HELLOS, {"outcome": "admitted"}),
        (metrics.OFFERS, {"result": "answered"}),
        (metrics.RTC_OFFERS, {"result": "answered"}),
        (metrics.CHANNELS, {"session": "new"}),
        (metrics.CONNECT, {"local": "host"}),
        (metrics.TURN_STARTS, {"result": "stored"}),
        (metrics.TURNS, {"outcome": "confirmed"}),
        (metrics.TURN_DURATION, {"outcome": "confirmed"}),
        (metrics.PHASE_DURATION, {"phase": "execute", "door": "chat"}),
        (metrics.VERDICTS, {"verdict": "confirmed", "door": "chat"}),
        (metrics.VERDICTS, {"verdict": "confirmed", "door": "board"}),
        (metrics.OPERATIONS, {"door": "board", "outcome": "confirmed"}),
        (metrics.MODEL_DURATION, {"gen_ai_operation_name": "chat"}),
        (metrics.MODEL_TOKENS, {"gen_ai_token_type": "input"}),
        (metrics.JOBS, {"result": "acked"}),
        (metrics.STORE_DURATION, {"operation": "apply", "result": "applied"}),
        (metrics.POOL_WAIT, {}),
        (metrics.RPC_ASKED, {"rpc_method": "rpc.ops.v1.run"}),
        (metrics.RPC_SERVED, {"rpc_method": "rpc.todo.v1.apply"}),
        (metrics.LOOP_LAG, {}),
        (metrics.CPU_TIME, {"cpu_mode": "user"}),
    ):
        assert grown(after, instrument, **labels) > 0, (instrument.name, labels)
    assert after(metrics.BUS_CONNECTED) == len(targets(stack.data))
    assert after(metrics.RELAY_LEADING) == 1
    assert after(metrics.SLOTS, {"state": "free"}) > 0
    for instrument in (metrics.POOL_MAX, metrics.MEMORY, metrics.FILES, metrics.UPTIME, metrics.ROOM):
        assert after(instrument) > 0, instrument.name


async def test_every_series_is_one_of_the_table_with_values_that_it_lists(stack: RunningStack) -> None:
    async with AgentClient.connect(stack.url) as client:
        await client.ask(f"create a list called {new_owner()}")
        await client.ask("how do you do?")
    scrape = await scraped(targets(stack.data))

    assert {series.job for series in scrape.series} == {"signaling", "rtc-gateway", "agent", "todo-store"}
    assert len({series.instance for series in scrape.series}) == 6
    named = {series.instance: series.labels["service_instance_id"] for series in scrape.series if series.name == INFO}
    assert named == {series.instance: series.instance for series in scrape.series}
    assert faults(scrape) == set()


@pytest.mark.parametrize(
    ("name", "labels", "job", "fault"),
    [
        ("todo_owners_total", {}, "agent", "todo_owners_total of agent is in no table"),
        ("todo_turns_total", {"outcome": "confirmed"}, "signaling", "todo_turns_total is none of signaling's"),
        ("todo_turns_total", {"outcome": "s_4f1c"}, "agent", "todo_turns_total has outcome='s_4f1c'"),
        ("todo_turns_total", {"outcome": "other"}, "agent", "todo_turns_total has outcome='other'"),
        ("todo_turns_total", {"outcome": "refuted", "turn": "t"}, "agent", "todo_turns_total has a label turn"),
        ("todo_turns_total", {}, "agent", "todo_turns_total lacks the label outcome"),
    ],
)
def test_what_the_table_does_not_have_is_a_fault(name: str, labels: dict[str, str], job: str, fault: str) -> None:
    assert faults(Scrape((Series(job, "x", name, labels, 1.0),))) == {fault}


async def test_strangers_are_not_shown_metrics(stack: RunningStack) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{stack.url}/metrics")

    assert "todo_signaling" not in answer.text
    assert answer.status_code == 404


async def test_a_bridge_that_serves_http_is_scraped_on_a_port_beside_it(stack: RunningStack) -> None:
    port, metrics_port = free_port(), free_port()
    env = {
        **os.environ,
        "NATS_URL": json.loads((stack.data / "stack.json").read_text())["nats_url"],
        "NATS_PASSWORD": load_or_make(stack.data / "secrets.json").bus["mcp-bridge"],
        "METRICS_PORT": str(metrics_port),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_bridge", "--http", f"127.0.0.1:{port}"), stderr=PIPE, env=env
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(BOUND_S):
            while b'"serving"' not in (line := await process.stderr.readline()):
                assert line, "it ended before it served"
        async with Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp")) as client:
            await client.call_tool("search_todo_items", {"query": "nothing of this name"})
            await client.call_tool("delete_todo_item", {"item_id": "i-never"})
        scrape = await scraped([(f"127.0.0.1:{metrics_port}", "mcp-bridge", "mcp-bridge")])
        async with httpx.AsyncClient(trust_env=False) as stranger:
            assert (await stranger.get(f"http://127.0.0.1:{port}/metrics")).status_code == 404
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), BOUND_S)
    assert faults(scrape) == set()
    assert scrape(metrics.MCP_DURATION, {"gen_ai_tool_name": "search_todo_items", "error_type": ""}) == 1
    assert scrape(metrics.MCP_DURATION, {"gen_ai_tool_name": "delete_todo_item", "error_type": "not_found"}) == 1
    assert scrape(metrics.RPC_ASKED, {"rpc_method": "rpc.todo.v1.search"}) >= 1
