"""The bridge over HTTP: tokens, hosts and origins at the door; any client behind it, and stdio passed on to it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from access.interface import Expected
from access.shared_secret import SharedSecrets
from local_stack.passwords import load_or_make
from local_stack.ports import free_port
from local_stack.temporary import RunningStack

from .bridge import BOUND_S, Caller, connected, new_owner

SECRET = "s" * 40
SECRETS = SharedSecrets((SECRET,), Expected("local", "todo-agent"))
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def token(owner: str, lifetime: timedelta = timedelta(minutes=5)) -> str:
    return SECRETS.mint(owner, lifetime)


@dataclass(frozen=True)
class Served:
    """A bridge that serves HTTP."""

    url: str
    process: Process


@asynccontextmanager
async def serving(stack: RunningStack, **environ: str) -> AsyncIterator[Served]:
    """As a cluster has it: told of its bus by the environment."""
    port = free_port()
    env = {
        **os.environ,
        "NATS_URL": json.loads((stack.data / "stack.json").read_text())["nats_url"],
        "NATS_PASSWORD": load_or_make(stack.data / "secrets.json").bus["mcp-bridge"],
        **environ,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_bridge", "--http", f"127.0.0.1:{port}"), stdout=PIPE, stderr=PIPE, env=env
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(BOUND_S):
            while b'"serving"' not in (line := await process.stderr.readline()):
                assert line, "it ended before it served"
        yield Served(f"http://127.0.0.1:{port}/mcp", process)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), BOUND_S)


@pytest.fixture(scope="module")
async def secured(stack: RunningStack) -> AsyncIterator[Served]:
    async with serving(stack, AUTH_SECRET=SECRET) as served:
        yield served


@asynccontextmanager
async def over_http(served: Served, owner: str, *, mode: str = "auto") -> AsyncIterator[Caller]:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token(owner)}"}, timeout=BOUND_S) as http,
        Client(streamable_http_client(served.url, http_client=http), mode=mode) as client,
    ):
        yield Caller(client)


async def post(served: Served, headers: dict[str, str], method: str = "tools/list") -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": MODERN}}
    own = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        **headers,
    }
    async with httpx2.AsyncClient(timeout=BOUND_S) as http:
        return await http.post(served.url, json=body, headers=own)


def bearer(owner: str, **more: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {token(owner, **more)}"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_with_a_token_has_its_owners_lists_and_nobody_elses(secured: Served, mode: str) -> None:
    mine, theirs = new_owner(), new_owner()
    async with over_http(secured, mine, mode=mode) as bridge:
        list_id = (await bridge.done("create_todo_list", name="Mine"))["list_id"]
        await bridge.done("create_todo_item", list_id=list_id, title="milk")
    async with over_http(secured, theirs, mode=mode) as other:
        assert await other.titles() == []
        stolen = await other.call("create_todo_item", list_id=list_id, title="milk")
        assert stolen.failed
        assert "Lists: none" in stolen.text
    async with over_http(secured, mine, mode=mode) as bridge:
        assert await bridge.titles() == ["milk"]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, ""),
        ({"authorization": "Bearer"}, ""),
        ({"authorization": "Basic YTpi"}, ""),
        ({"authorization": "Bearer nonsense"}, 'error="invalid_token"'),
        (bearer("me", lifetime=timedelta(minutes=-5)), 'error_description="expired"'),
        (
            {
                "authorization": "Bearer "
                + replace(SECRETS, secrets=("t" * 40,)).mint("me", timedelta(minutes=5), now=datetime.now(UTC))
            },
            'error="invalid_token"',
        ),
    ],
)
async def test_without_a_good_token_nothing_is_read(secured: Served, headers: dict[str, str], error: str) -> None:
    refused = await post(secured, headers)
    assert refused.status_code == 401
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="todo-agent"')
    assert error in challenge
    assert ("error=" in challenge) == bool(error)
    assert refused.json()["error"] == "unauthorised"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost:6274"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "localhost.evil.example:80"}, 421),
        ({"content-type": "text/plain"}, 400),
    ],
)
async def test_a_page_of_a_stranger_is_not_let_in(secured: Served, headers: dict[str, str], status: int) -> None:
    assert (await post(secured, bearer("me") | headers)).status_code == status


async def test_a_body_that_is_too_large_and_another_method_are_refused(secured: Served) -> None:
    async with httpx2.AsyncClient(headers=bearer("me"), timeout=BOUND_S) as http:
        large = await http.post(secured.url, content=b"x" * 300_000, headers={"content-type": "application/json"})
        assert large.status_code == 413
        assert (await http.get(secured.url)).status_code == 405
        base = secured.url.removesuffix("/mcp")
        assert (await http.get(f"{base}/healthz")).status_code == 200
        assert (await http.get(f"{base}/readyz")).json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["--http", "0.0.0.0:0"], {}, "nobody is asked for a token; set AUTH_SECRET"),
        (["--tools", "fly"], {}, "no tool is called fly"),
        (["--url", "http://todo.example"], {"TODO_AGENT_TOKEN": "t"}, "readable for everybody on the way; use https"),
    ],
)
async def test_what_would_be_unsafe_or_makes_no_sense_is_refused_in_one_line(
    arguments: list[str], environ: dict[str, str], words: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcp_bridge", *arguments), stdout=PIPE, stderr=PIPE, env={**os.environ, **environ}
    )
    out, said = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode in {1, 2}
    assert out == b""
    assert words in " ".join(said.decode().split())
    assert b"Traceback" not in said


async def test_a_local_bridge_over_http_asks_for_no_token_and_has_the_local_owners_lists(
    stack: RunningStack, owner: str
) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", "mcp", "--data", str(stack.data), "--owner", owner),
        *("--http", f"127.0.0.1:{port}"),
        stderr=PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(BOUND_S):
            while b'"serving"' not in (line := await process.stderr.readline()):
                assert line
        async with Client(f"http://127.0.0.1:{port}/mcp") as client:
            await Caller(client).done("create_todo_list", name="By HTTP")
        async with connected(stack.data, owner) as bridge:
            assert [row["name"] for row in (await bridge.call("get_all_todo_lists")).facts["lists"]] == ["By HTTP"]
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), BOUND_S)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_stdio_is_passed_on_to_a_bridge_elsewhere(secured: Served, stack: RunningStack, mode: str) -> None:
    owner = new_owner()
    env = {"TODO_AGENT_TOKEN": token(owner)}
    async with connected(stack.data, owner, "--url", secured.url, mode=mode, env=env) as bridge:
        assert len((await bridge.client.list_tools()).tools) == 12
        list_id = (await bridge.done("create_todo_list", name="Far away"))["list_id"]
        milk = {"list_id": list_id, "title": "milk", "idempotency_key": "k"}
        assert await bridge.done("create_todo_item", **milk) is not None
        assert await bridge.done("create_todo_item", **milk) is not None
        assert await bridge.titles() == ["milk"]
        wrong = await bridge.call("complete_todo_item", item_id="milk")
        assert "Near: " in wrong.text
        assert str((await bridge.client.list_resources()).resources[0].uri) == "todo://lists"


async def test_a_token_that_will_not_do_is_said_to_the_model(secured: Served, stack: RunningStack) -> None:
    env = {"TODO_AGENT_TOKEN": token("me", timedelta(minutes=-5))}
    async with connected(stack.data, "me", "--url", secured.url, mode="2026-07-28", env=env) as bridge:
        refused = await bridge.call("create_todo_list", name="x")
    assert refused.failed
    assert refused.text == (
        "127.0.0.1 did not take the token: put a new one into TODO_AGENT_TOKEN. Nothing was changed."
    )
