"""What people, MCP clients, strangers and faults do to a stack, so that its metrics have something to say."""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.resume.model import HeldModel
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from client import AgentClient, ConnectError, Rejected
from contracts.operations import CreateList, RenameList
from contracts.tokens import new_list_id, uuid7
from contracts.turns import Outcome
from local_stack.passwords import load_or_make
from local_stack.ports import LOOPBACK, free_port
from local_stack.temporary import RunningStack

BOUND_S = 60.0


@dataclass(frozen=True)
class Bridge:
    """An MCP bridge that serves HTTP, and the file that says where it is scraped."""

    url: str
    targets: Path


@asynccontextmanager
async def bridge(stack: RunningStack) -> AsyncIterator[Bridge]:
    """One beside `stack`, told of its bus by the environment, as in a cluster."""
    port, metrics_port = free_port(), free_port()
    targets = stack.data / "bridge-metrics.json"
    labels = {"job": "mcp-bridge", "instance": "mcp-bridge-1"}
    targets.write_text(json.dumps([{"targets": [f"{LOOPBACK}:{metrics_port}"], "labels": labels}]))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_bridge", "--http", f"{LOOPBACK}:{port}"),
        stderr=PIPE,
        env={
            **os.environ,
            "NATS_URL": json.loads((stack.data / "stack.json").read_text())["nats_url"],
            "NATS_PASSWORD": load_or_make(stack.data / "secrets.json").bus["mcp-bridge"],
            "METRICS_PORT": str(metrics_port),
            "INSTANCE": "mcp-bridge-1",
        },
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(BOUND_S):
            while b'"serving"' not in (line := await process.stderr.readline()):
                assert line, "the bridge ended before it served"
        yield Bridge(f"http://{LOOPBACK}:{port}/mcp", targets)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), BOUND_S)


async def a_while(stack: RunningStack, model: HeldModel, served: Bridge) -> None:
    """Everything once, side by side."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_a_person(stack))
        group.create_task(_somebody_who_comes_back(stack))
        group.create_task(_an_mcp_client(served))
        group.create_task(_strangers(stack))
    await _a_model_with_faults(stack, model)


async def _a_person(stack: RunningStack) -> None:
    name = f"Plans {secrets.token_hex(3)}"
    async with AgentClient.connect(stack.url) as client:
        assert (await client.ask(f"create a list called {name}")).outcome is Outcome.CONFIRMED
        assert (await client.ask(f"add tea to {name}")).outcome is Outcome.CONFIRMED
        assert (await client.ask("add tea to Nowhere")).outcome is Outcome.NOT_FOUND
        click = await client.run([CreateList(list_id=new_list_id(), name=f"{name} too")], operation_id=uuid7())
        assert click.outcome is Outcome.CONFIRMED
        refused = await client.run([RenameList(list_id=new_list_id(), name="Nobody's")], operation_id=uuid7())
        assert refused.outcome is not Outcome.CONFIRMED
        with pytest.raises(Rejected):  # the id is another operation's
            await client.run([CreateList(list_id=new_list_id(), name=f"{name} three")], operation_id=click.operation_id)
        client.send_raw('{"type": "turn.start", "text": 7}')
        await client.lists()


async def _somebody_who_comes_back(stack: RunningStack) -> None:
    """Away while the answer comes, so that it is told from the streams."""
    async with AgentClient.connect(stack.url) as client:
        await client.ask("what are my lists?")
        told = client.messages()
        asking = asyncio.create_task(client.ask("what are my lists?"))
        async with asyncio.timeout(BOUND_S):
            async for message in told:
                if message.type == "turn.accepted":
                    break
        resumption = client.resumption
    with suppress(ConnectError):
        await asking
    async with AgentClient.connect(stack.url, resume=resumption) as client:
        assert client.ready.resumed
        await client.ask("what are my lists?")


async def _an_mcp_client(served: Bridge) -> None:
    async with Client(streamable_http_client(served.url)) as client:
        made = await client.call_tool("create_todo_list", {"name": f"Tools {secrets.token_hex(3)}"})
        assert not made.is_error, made
        await client.call_tool("get_all_todo_lists", {})
        missed = await client.call_tool("complete_todo_item", {"item": "nothing of that name", "list": "Nowhere"})
        assert missed.is_error
        # The store says no to this one, which is a request over the bus that fails.
        refused = await client.call_tool("search_todo_items", {"query": "tea\0"})
        assert refused.is_error


async def _strangers(stack: RunningStack) -> None:
    """A page of somebody else's, and one that speaks another version."""
    socket = f"{stack.url.replace('http', 'ws', 1)}/ai/ws"
    with suppress(InvalidStatus):
        async with connect(socket, origin="https://elsewhere.example"):
            raise AssertionError("a foreign page was let in")
    async with connect(socket, origin=stack.url) as opened:
        await opened.send('{"type": "hello", "version": 999}')
        await asyncio.wait_for(opened.recv(), BOUND_S)


async def _a_model_with_faults(stack: RunningStack, model: HeldModel) -> None:
    async with AgentClient.connect(stack.url) as client:
        await model.http.post("/__standin__/script", json=[{"fault": "text_call"}])
        await client.ask(f"create a list called Odd {secrets.token_hex(3)}")
        await model.http.post("/__standin__/script", json=[{"fault": "lie"}, {"fault": "lie"}])
        await client.ask(f"create a list called Even {secrets.token_hex(3)}")
