"""The process on a wire that is spoken by hand: nothing but the protocol on it, every revision, and how it ends."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION

from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.store import SearchRequest, SearchResult
from contracts.turns import OperationsCompleted, Outcome, Receipt, RunOperations, Verdict
from local_stack.temporary import RunningNats

from .bridge import BOUND_S, RawBridge

AT_ONCE_S = 3.0  # of a busy machine
MODERN = {
    "io.modelcontextprotocol/protocolVersion": LATEST_MODERN_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


@dataclass
class Agent:
    """Answers operations, each only when the test lets it."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, asked: RunOperations) -> OperationsCompleted:
        self.asked.set()
        await self.may_answer.wait()
        receipt = Receipt(verdict=Verdict.CONFIRMED, change_id="c1", revision_before=0, revision_after=1)
        return OperationsCompleted(
            operation_id=asked.operation_id, outcome=Outcome.CONFIRMED, text="Did it.", receipt=receipt
        )

    async def search(self, _: SearchRequest) -> SearchResult:
        return SearchResult(revision=0, total=0)


@pytest.fixture
async def agent(nats_server: RunningNats) -> AsyncIterator[Agent]:
    agent = Agent()
    async with (
        NatsBus.connected_to(nats_server.bus_settings("agent")) as bus,
        NatsBus.connected_to(nats_server.bus_settings("todo-store")) as store,
    ):
        operations = await bus.serve(subjects.OPS_RUN, RunOperations, agent.run, queue=subjects.QUEUE_OPS)
        searches = await store.serve("rpc.todo.v1.>", SearchRequest, agent.search, queue=subjects.QUEUE_TODO)
        yield agent
        agent.may_answer.set()
        await operations.close()
        await searches.close()


@pytest.fixture
def stack_file(nats_server: RunningNats, tmp_path: Path) -> Path:
    path = tmp_path / "mcp.json"
    password = nats_server.passwords["mcp-bridge"]
    path.write_text(json.dumps({"nats_url": nats_server.url, "nats_password": password, "local_owner": "me"}))
    return path


@asynccontextmanager
async def started(stack_file: Path, *argv: str) -> AsyncIterator[RawBridge]:
    bridge = await RawBridge.started(
        [sys.executable, *(argv or ("-m", "mcp_bridge"))], env={"STACK_FILE": str(stack_file), "LOG_LEVEL": "info"}
    )
    try:
        yield bridge
    finally:
        if bridge.process.returncode is None:
            bridge.process.kill()
            await bridge.process.communicate()


CREATE = {"name": "create_todo_list", "arguments": {"name": "x"}}


@pytest.mark.parametrize("version", HANDSHAKE_PROTOCOL_VERSIONS)
@pytest.mark.usefixtures("agent")
async def test_every_revision_with_a_handshake_is_spoken_as_asked(stack_file: Path, version: str) -> None:
    async with started(stack_file) as bridge:
        hello = (await bridge.initialize(version))["result"]
        assert hello["protocolVersion"] == version
        assert hello["serverInfo"]["name"] == "todo-agent"
        assert hello["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
        assert len(hello["instructions"].split()) < 60
        assert len((await bridge.ask("tools/list", {}))["result"]["tools"]) == 12
        read = {"name": "get_all_todo_lists", "arguments": {}}
        assert (await bridge.ask("tools/call", read))["result"]["content"][0]["text"].startswith("revision 0: no lists")


@pytest.mark.usefixtures("agent")
async def test_the_newest_revision_is_spoken_without_a_handshake(stack_file: Path) -> None:
    async with started(stack_file) as bridge:
        found = (await bridge.ask("server/discover", {"_meta": MODERN}))["result"]
        assert found["supportedVersions"] == [LATEST_MODERN_VERSION]
        tools = (await bridge.ask("tools/list", {"_meta": MODERN}))["result"]
        assert (len(tools["tools"]), tools["cacheScope"], tools["resultType"]) == (12, "public", "complete")
        read = {"name": "get_all_todo_lists", "arguments": {}, "_meta": MODERN}
        assert not (await bridge.ask("tools/call", read))["result"]["isError"]
        old = await bridge.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}})
        assert old["error"]["code"] == -32022


@pytest.mark.usefixtures("agent")
async def test_nothing_that_is_printed_reaches_the_wire(stack_file: Path) -> None:
    noisy = str(Path(__file__).with_name("noisy_bridge.py"))
    async with started(stack_file, noisy) as bridge:
        await bridge.initialize()
        read = {"name": "get_all_todo_lists", "arguments": {}}
        assert not (await bridge.ask("tools/call", read))["result"]["isError"]
        status, left, said = await bridge.ended()
    assert (status, left) == (0, "")
    for source in ("while importing", "from print()", "by the descriptor", "from a child", "left in the buffer"):
        assert f"NOISE-ON-STDOUT {source}" in said


async def test_without_a_stack_it_lists_its_tools_and_says_how_to_start_one_and_finds_it_then(
    stack_file: Path, agent: Agent
) -> None:
    stack = stack_file.read_text()
    stack_file.unlink()
    agent.may_answer.set()
    async with started(stack_file) as bridge:
        await bridge.initialize()
        assert len((await bridge.ask("tools/list", {}))["result"]["tools"]) == 12
        refused = (await bridge.ask("tools/call", CREATE))["result"]
        assert refused["isError"]
        assert refused["content"][0]["text"] == (
            "the to-do store is away (no to-do stack is running on this machine; start it with: todo-agent up). "
            "Nothing was changed. Try again in a moment."
        )
        stack_file.write_text(stack)
        async with asyncio.timeout(BOUND_S):
            while (await bridge.ask("tools/call", CREATE))["result"]["isError"]:
                pass


async def test_what_is_no_message_does_not_end_it(stack_file: Path, agent: Agent) -> None:
    async with started(stack_file) as bridge:
        assert bridge.process.stdin is not None
        bridge.process.stdin.write(b"GET / HTTP/1.1\r\n\r\n")
        assert (await bridge.line())["error"]["code"] == -32700
        await bridge.initialize()
        assert (await bridge.ask("ping", {}))["result"] == {}


async def test_the_end_of_stdin_ends_it_at_once_also_in_the_middle_of_a_call(stack_file: Path, agent: Agent) -> None:
    async with started(stack_file) as bridge:
        await bridge.initialize()
        bridge.begin("tools/call", CREATE)
        await asyncio.wait_for(agent.asked.wait(), BOUND_S)
        begun = time.monotonic()
        status, _, said = await bridge.ended()
        assert time.monotonic() - begun < AT_ONCE_S
    assert (status, said) == (0, "")


async def test_sigterm_finishes_the_call_in_hand_and_begins_no_other(stack_file: Path, agent: Agent) -> None:
    async with started(stack_file) as bridge:
        await bridge.initialize()
        in_hand = bridge.begin("tools/call", CREATE)
        await asyncio.wait_for(agent.asked.wait(), BOUND_S)
        agent.asked.clear()
        bridge.process.send_signal(signal.SIGTERM)
        await bridge.says("stopping")
        bridge.begin("tools/call", CREATE)
        agent.may_answer.set()
        answer = (await bridge.answer(in_hand))["result"]
        assert answer["content"][0]["text"].startswith("verified: Did it")
        await asyncio.wait_for(bridge.process.wait(), BOUND_S)  # with its stdin open
        status, left, _ = await bridge.ended()
    assert (status, left) == (0, "")
    assert not agent.asked.is_set()


async def test_sigterm_ends_a_bridge_with_nothing_in_hand_and_a_subscription_with_its_last_word(
    stack_file: Path, agent: Agent
) -> None:
    async with started(stack_file) as bridge:
        wanted = {"notifications": {"resourceSubscriptions": ["todo://lists"]}, "_meta": MODERN}
        listening = bridge.begin("subscriptions/listen", wanted)
        assert (await bridge.line())["method"] == "notifications/subscriptions/acknowledged"
        bridge.process.send_signal(signal.SIGTERM)
        assert "result" in await bridge.answer(listening)
        begun = time.monotonic()
        await asyncio.wait_for(bridge.process.wait(), BOUND_S)  # with its stdin open
        status, left, _ = await bridge.ended()
        assert time.monotonic() - begun < AT_ONCE_S
    assert (status, left) == (0, "")


async def test_a_second_signal_does_not_wait_for_the_call_in_hand(stack_file: Path, agent: Agent) -> None:
    async with started(stack_file) as bridge:
        await bridge.initialize()
        bridge.begin("tools/call", CREATE)
        await asyncio.wait_for(agent.asked.wait(), BOUND_S)
        bridge.process.send_signal(signal.SIGTERM)
        await bridge.says("stopping")
        bridge.process.send_signal(signal.SIGTERM)
        assert (await bridge.ended())[0] == 130


async def test_a_client_that_cancels_gets_no_answer_and_the_next_one(stack_file: Path, agent: Agent) -> None:
    async with started(stack_file) as bridge:
        await bridge.initialize()
        cancelled = bridge.begin("tools/call", CREATE)
        await asyncio.wait_for(agent.asked.wait(), BOUND_S)
        bridge.send(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": cancelled, "reason": "x"}}
        )
        pinged = bridge.begin("ping", {})
        assert (await bridge.line())["id"] == pinged
        agent.may_answer.set()
        assert (await bridge.ended())[1] == ""


@pytest.mark.parametrize("stdin", [os.devnull, __file__])
async def test_stdin_may_be_a_file(stack_file: Path, stdin: str) -> None:
    with Path(stdin).open("rb") as file:  # noqa: ASYNC230 - a descriptor for a child
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mcp_bridge"),
            stdin=file,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "STACK_FILE": str(stack_file)},
        )
        out, _ = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert all(line["error"]["code"] in {-32700, -32600} for line in lines)
    assert bool(lines) == (stdin == __file__)
