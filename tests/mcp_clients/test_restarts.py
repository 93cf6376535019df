"""The bridge is killed in the middle of calls, and the stack under it goes away: nothing lost, nothing doubled."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from local_stack.directory import DataDirectory
from local_stack.temporary import RunningStack, running_stack, temporary_directory

from .bridge import BOUND_S, Caller, RawBridge, command, connected

KILLS = 6
CALLS = 1000


def service(stack: RunningStack, module: str) -> psutil.Process:
    """A process of the stack, by the module that it runs."""
    children = psutil.Process(stack.pid).children(recursive=True)
    (found,) = [one for one in children if module in one.cmdline() or one.name() == module]
    return found


@pytest.fixture
def directory() -> AsyncIterator[DataDirectory]:
    with temporary_directory() as directory:
        yield directory


@pytest.fixture
async def own_stack(directory: DataDirectory) -> AsyncIterator[RunningStack]:
    """A stack that may be hurt."""
    async with running_stack(directory, "--standin", "--deaths", "100") as running:
        yield running


async def add_until_verified(bridge: Caller, list_id: str, title: str, key: str) -> None:
    """What a model does that reads the answers: again with the same key while it is not known, or cannot be done."""
    async with asyncio.timeout(BOUND_S):
        while True:
            answer = await bridge.call("create_todo_item", list_id=list_id, title=title, idempotency_key=key)
            if not answer.failed:
                assert answer.text.startswith("verified: ")
                return
            assert "Nothing was changed." in answer.text or "is not known" in answer.text, answer.text


async def test_a_bridge_that_is_killed_in_the_middle_of_a_call_and_started_again_does_it_once(
    stack: RunningStack, owner: str
) -> None:
    async with connected(stack.data, owner) as bridge:
        list_id = (await bridge.done("create_todo_list", name="Killed"))["list_id"]
    seed = random.Random(6)  # noqa: S311 - the same moments each time
    for number in range(KILLS):
        arguments = {"list_id": list_id, "title": f"item {number}", "idempotency_key": f"key {number}"}
        call = {"name": "create_todo_item", "arguments": arguments}
        victim = await RawBridge.started(command(stack.data, owner))
        await victim.initialize()
        # Warm, so that the call is under way when the blow falls.
        await victim.ask("tools/call", {"name": "get_changes", "arguments": {}})
        victim.begin("tools/call", call)
        await asyncio.sleep(seed.uniform(0, 0.02))
        victim.process.kill()
        await victim.process.communicate()
    async with connected(stack.data, owner) as bridge:
        for number in range(KILLS):
            await add_until_verified(bridge, list_id, f"item {number}", f"key {number}")
        assert sorted(await bridge.titles()) == sorted(f"item {number}" for number in range(KILLS))


@pytest.mark.long
async def test_a_bridge_outlives_stacks_and_says_in_words_when_there_is_none(
    directory: DataDirectory, owner: str
) -> None:
    away = "no to-do stack is running on this machine; start it with: todo-agent up"
    async with connected(directory.path, owner) as bridge:
        before = await bridge.call("create_todo_list", name="Too early")
        assert before.failed
        assert away in before.text
        assert "Nothing was changed." in before.text
        assert len((await bridge.client.list_tools()).tools) == 12
        for number in range(2):
            async with running_stack(directory, "--standin") as running:
                assert running.data == directory.path
                await until_there(bridge)
                await bridge.done("create_todo_list", name=f"Of stack {number}")
            after = await bridge.call("get_all_todo_lists")
            assert after.failed
            assert "try again" in after.text.lower()
        assert not (directory.path / "mcp.json").exists()
        assert not (directory.path / "metrics.json").exists()


async def until_there(bridge: Caller) -> None:
    async with asyncio.timeout(BOUND_S):
        while (await bridge.call("get_all_todo_lists")).failed:
            pass


async def test_the_stacks_file_is_for_its_owner_alone_and_knows_one_password(stack: RunningStack) -> None:
    file: Path = stack.data / "mcp.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().count("password") == 1


async def test_calls_while_the_store_the_agent_and_the_bus_are_killed_are_each_done_once(
    own_stack: RunningStack, owner: str
) -> None:
    async with connected(own_stack.data, owner) as bridge:
        list_id = (await bridge.done("create_todo_list", name="Hurt"))["list_id"]
        for number in range(24):
            if number % 8 == 4:
                service(own_stack, ("todo_store", "agent", "nats-server")[number // 8]).kill()
            await add_until_verified(bridge, list_id, f"item {number}", f"key {number}")
        assert await bridge.titles() == [f"item {number}" for number in range(24)]


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_thousand_calls_with_the_store_restarted_in_between_lose_and_double_nothing(
    own_stack: RunningStack, owner: str
) -> None:
    async with connected(own_stack.data, owner) as bridge:
        lists = [(await bridge.done("create_todo_list", name=f"List {number}"))["list_id"] for number in range(4)]
        for number in range(CALLS):
            if number % 250 == 125:
                service(own_stack, "todo_store").kill()
            await add_until_verified(bridge, lists[number % 4], f"item {number}", f"key {number}")
        assert sorted(await bridge.titles()) == sorted(f"item {number}" for number in range(CALLS))
        changes = await bridge.call("get_changes")
        assert changes.facts["revision"] == CALLS + len(lists)
