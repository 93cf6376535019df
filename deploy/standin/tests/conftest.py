"""The stand-in as a real process, started once; what a test scripts is gone when it ends."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from standin.prompt import Prompt, TodoList, read_prompt
from standin.rules.planner import plan

STATE = {
    "today": "2026-11-22",
    "lists": [
        {
            "list": "L1",
            "name": "Groceries",
            "items": [
                {"item": "L1.1", "title": "milk", "done": False},
                {"item": "L1.2", "title": "eggs", "done": False},
                {"item": "L1.3", "title": "bread", "done": True},
            ],
        },
        {"list": "L2", "name": "Travel", "items": [{"item": "L2.1", "title": "passport", "done": False}]},
    ],
}
TOOL = {"type": "function", "function": {"name": "plan", "parameters": {"type": "object"}}}


@dataclass(frozen=True)
class StandIn:
    """A running stand-in and a client of it."""

    http: httpx.AsyncClient
    process: asyncio.subprocess.Process

    def body(self, request: str, **more: Any) -> dict[str, Any]:
        """A chat completion request as the agent sends it."""
        content = f"<state>\n{json.dumps(STATE)}\n</state>\n<request>\n{request}\n</request>"
        messages = [{"role": "system", "content": "Plan."}, {"role": "user", "content": content}]
        return {"model": "any", "messages": messages, "tools": [TOOL], "tool_choice": "required", **more}

    async def ask(self, request: str, **more: Any) -> httpx.Response:
        """Send one."""
        return await self.http.post("/v1/chat/completions", json=self.body(request, **more))

    async def script(self, *steps: dict[str, Any]) -> None:
        """Queue script steps."""
        response = await self.http.post("/__standin__/script", json=list(steps))
        assert response.status_code == 200, response.text

    async def requests(self, **query: Any) -> dict[str, Any]:
        """What it has seen."""
        found: dict[str, Any] = (await self.http.get("/__standin__/requests", params=query)).json()
        return found


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[StandIn]:
    """`python -m standin` on a free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "standin", "--port", "0", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        async with httpx.AsyncClient(base_url=line.split()[-1], timeout=20) as http:
            yield StandIn(http, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 20)


@pytest.fixture(scope="session")
def start() -> Callable[..., Any]:
    """Start one with other options: `async with start("--delay-ms", "5") as standin`."""
    return running


@pytest.fixture(scope="session")
async def process() -> AsyncIterator[StandIn]:
    async with running("--scriptable") as standin:
        yield standin


@pytest.fixture
async def standin(process: StandIn) -> AsyncIterator[StandIn]:
    yield process
    await process.http.delete("/__standin__/script")


@pytest.fixture
def arguments() -> Callable[[httpx.Response], list[dict[str, str]]]:
    """The steps in the one tool call of a completion."""

    def steps(response: httpx.Response) -> list[dict[str, str]]:
        (choice,) = response.json()["choices"]
        (call,) = choice["message"]["tool_calls"]
        found: list[dict[str, str]] = json.loads(call["function"]["arguments"])["steps"]
        return found

    return steps


@pytest.fixture(scope="session")
def planned() -> Callable[..., str]:
    """The rules' plan for a request about the lists of STATE, or those given, as the README writes it."""
    state = {"role": "user", "content": f"<state>{json.dumps(STATE)}</state><request></request>"}
    known = read_prompt([state]).lists

    def written(request: str, lists: tuple[TodoList, ...] = known) -> str:
        steps = plan(Prompt(request, lists))
        return "; ".join(" ".join(v if k == "op" else f"{k}={v}" for k, v in step.items()) for step in steps)

    return written
