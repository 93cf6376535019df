"""The bridge as a client starts it: its command, a real client on it, and the wire by hand where that is the point."""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult

BOUND_S = 60.0


def command(data: Path, owner: str, *arguments: str) -> list[str]:
    """`todo-agent mcp`, as a client's configuration has it."""
    return [sys.executable, "-m", "local_stack", "mcp", "--data", str(data), "--owner", owner, *arguments]


def new_owner() -> str:
    """Nobody else's lists."""
    return f"mcp-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Answered:
    """What a tool call came to."""

    text: str
    facts: dict[str, Any]
    failed: bool


class Caller:
    """Calls tools and takes the answers apart."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, /, **arguments: Any) -> Answered:
        return answered(await self.client.call_tool(tool, arguments))

    async def done(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The facts of a call that must be verified."""
        answer = await self.call(tool, **arguments)
        assert answer.text.startswith("verified: "), answer
        assert not answer.failed
        return answer.facts

    async def titles(self) -> list[str]:
        """Of every item in every list, page by page."""
        found: list[str] = []
        cursor = ""
        while True:
            page = await self.call("get_all_todo_lists", include_done=True, limit=100, cursor=cursor)
            assert not page.failed, page
            found += [item["title"] for row in page.facts["lists"] for item in row["items"]]
            cursor = page.facts.get("next_cursor", "")
            if not cursor:
                return found


def answered(result: CallToolResult) -> Answered:
    (content,) = result.content
    assert content.type == "text"
    facts = result.structured_content if isinstance(result.structured_content, dict) else {}
    return Answered(content.text, facts, result.is_error)


@asynccontextmanager
async def connected(
    data: Path, owner: str, *arguments: str, mode: str = "auto", env: Mapping[str, str] | None = None
) -> AsyncIterator[Caller]:
    """The SDK's own client on a bridge of its own."""
    argv = command(data, owner, *arguments)
    parameters = StdioServerParameters(command=argv[0], args=argv[1:], env=dict(env or {}))
    async with Client(stdio_client(parameters), mode=mode) as client:
        yield Caller(client)


class RawBridge:
    """A bridge whose wire is spoken by hand, in the newest revision that has a handshake."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._number = 0

    @classmethod
    async def started(cls, argv: list[str], env: Mapping[str, str] | None = None) -> "RawBridge":
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **(env or {})}, limit=1 << 22
        )
        return cls(process)

    async def initialize(self, version: str = "2025-11-25") -> dict[str, Any]:
        client = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        answer = await self.ask("initialize", client)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def send(self, message: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def begin(self, method: str, params: object) -> int:
        """Send a request, and return its id."""
        self._number += 1
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    async def ask(self, method: str, params: object) -> dict[str, Any]:
        return await self.answer(self.begin(method, params))

    async def answer(self, number: int) -> dict[str, Any]:
        while True:
            message = await self.line()
            if message.get("id") == number:
                return message

    async def line(self) -> dict[str, Any]:
        """The next message. Everything on the wire has to be one."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), BOUND_S)
        assert line, "the wire has ended"
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def says(self, words: str) -> None:
        """Wait for a line of these words in its log."""
        assert self.process.stderr is not None
        while words.encode() not in (line := await asyncio.wait_for(self.process.stderr.readline(), BOUND_S)):
            assert line, f"it has ended without saying {words!r}"

    async def ended(self) -> tuple[int, str, str]:
        """Close its stdin. Its status, what was left on the wire, and what else it said on stderr."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        out, said = await asyncio.wait_for(self.process.communicate(), BOUND_S)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode(), said.decode()
