"""Passing stdio on, where the other side is away, goes away in the middle, or is no bridge."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from mcp_bridge.endpoint import Endpoint
from mcp_bridge.remote import Remote
from mcp_bridge.wire import Wire

BOUND_S = 10
CREATE = {"name": "create_todo_list", "arguments": {"name": "x"}}
READ = {"name": "get_all_todo_lists", "arguments": {}}


class Passed:
    """A client's ends of the wire."""

    def __init__(self, stdin: int, stdout: int) -> None:
        self._stdin = stdin
        self._stdout = stdout

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        os.write(self._stdin, json.dumps(message).encode() + b"\n")
        async with asyncio.timeout(BOUND_S):
            answer: dict[str, Any] = json.loads(await asyncio.to_thread(os.read, self._stdout, 1 << 16))
        return answer

    async def told(self, params: dict[str, Any]) -> str:
        """What a model reads of a tool call that failed."""
        result = (await self.ask("tools/call", params))["result"]
        assert result["isError"]
        return str(result["content"][0]["text"])


class Far:
    """The other side: what it answers, and what it was sent."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[httpx2.Response | Exception] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(json.loads(request.content))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def passing(far: Far) -> AsyncIterator[Passed]:
    theirs_in, ours_in = os.pipe()
    theirs_out, ours_out = os.pipe()
    wire = Wire.over((theirs_in, ours_out))
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(far)) as client:
        endpoint = Endpoint("https://todo.example/mcp", client, lambda: "secret")
        running = asyncio.create_task(Remote(endpoint, wire, "todo.example", patience_s=1.5).run())
        yield Passed(ours_in, theirs_out)
        os.close(ours_in)
        await asyncio.wait_for(running, BOUND_S)
    for descriptor in (theirs_in, theirs_out, ours_out):
        os.close(descriptor)


def verified() -> httpx2.Response:
    result = {"content": [{"type": "text", "text": "verified: x"}], "isError": False}
    return httpx2.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": result})


AWAY = "the to-do store is away (todo.example {}). {}Try again in a moment."
NOTHING = "Nothing was changed. "


@pytest.mark.parametrize(
    ("answer", "changed", "read"),
    [
        (
            httpx2.ConnectError("refused"),
            AWAY.format("cannot be reached", NOTHING),
            AWAY.format("cannot be reached", ""),
        ),
        (
            httpx2.Response(503),
            AWAY.format("is not available now (HTTP 503)", NOTHING),
            AWAY.format("is not available now (HTTP 503)", ""),
        ),
        (
            httpx2.Response(200, text="<html>"),
            "todo.example does not speak MCP there (HTTP 200). Nothing was changed.",
            "todo.example does not speak MCP there (HTTP 200).",
        ),
        (
            httpx2.Response(401, json={}),
            "todo.example did not take the token: put a new one into TODO_AGENT_TOKEN. Nothing was changed.",
            "todo.example did not take the token: put a new one into TODO_AGENT_TOKEN.",
        ),
    ],
)
async def test_what_is_not_done_is_said_not_to_be(answer: httpx2.Response | Exception, changed: str, read: str) -> None:
    far = Far()
    far.answers = [answer]
    async with passing(far) as passed:
        assert await passed.told(CREATE) == changed
        assert await passed.told(READ) == read


async def test_a_change_whose_answer_is_lost_is_asked_for_again_under_one_key() -> None:
    far = Far()
    far.answers = [httpx2.ReadError("reset"), httpx2.Response(504), verified()]
    async with passing(far) as passed:
        assert (await passed.ask("tools/call", CREATE))["result"]["content"][0]["text"] == "verified: x"
    keys = {one["params"]["arguments"]["idempotency_key"] for one in far.asked}
    assert (len(far.asked), len(keys)) == (3, 1)


async def test_a_change_whose_answer_stays_away_is_not_called_undone_and_names_its_key() -> None:
    far = Far()
    far.answers = [httpx2.ReadError("reset"), httpx2.ConnectError("refused")]
    async with passing(far) as passed:
        told = await passed.told(CREATE)
    assert "Whether this was done is not known." in told
    assert far.asked[0]["params"]["arguments"]["idempotency_key"] in told


async def test_a_key_of_the_callers_and_a_read_are_passed_on_as_they_are() -> None:
    far = Far()
    far.answers = [verified()]
    keyed = {"name": "create_todo_list", "arguments": {"name": "x", "idempotency_key": "mine"}}
    async with passing(far) as passed:
        await passed.ask("tools/call", keyed)
        await passed.ask("tools/call", READ)
    assert [one["params"] for one in far.asked] == [keyed, READ]


async def test_what_is_no_tool_call_gets_an_error_of_the_protocol() -> None:
    far = Far()
    far.answers = [httpx2.ConnectError("refused")]
    async with passing(far) as passed:
        error = (await passed.ask("tools/list", {}))["error"]
    assert error == {"code": -32603, "message": "todo.example cannot be reached"}
