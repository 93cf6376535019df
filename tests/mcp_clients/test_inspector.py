"""The MCP Inspector's command line on stdio: the strictest reader of schemas that clients' makers have."""

import json
from pathlib import Path

import pytest

from local_stack.temporary import RunningStack

from .bridge import command
from .node_tools import installed, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
LAUNCHER = "clients/launcher/build/index.js"
TOOL_ERROR = 5


async def inspect(folder: Path, stack: RunningStack, owner: str, *arguments: str) -> tuple[int, str, str]:
    argv = command(stack.data, owner)
    return await run(folder, "@modelcontextprotocol/inspector", LAUNCHER, "--cli", *argv, *arguments, bound_s=120)


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_strict_reading_of_the_tools_finds_nothing(stack: RunningStack, owner: str, era: str) -> None:
    folder = await installed("inspector")
    status, out, said = await inspect(folder, stack, owner, "--method", "tools/list", "--strict", "--protocol-era", era)
    assert (status, said) == (0, "")
    assert len(json.loads(out)["tools"]) == 12


async def test_a_call_succeeds_and_one_that_cannot_is_a_tools_error(stack: RunningStack, owner: str) -> None:
    folder = await installed("inspector")
    call = ("--method", "tools/call", "--format", "json", "-q")
    made = await inspect(folder, stack, owner, *call, "--tool-name", "create_todo_list", "--tool-arg", "name=Seen")
    assert made[0] == 0
    assert json.loads(made[1])["result"]["structuredContent"]["verified"] is True
    wrong = ("--tool-name", "create_todo_item", "--tool-arg", "list_id=Seen", "--tool-arg", "title=x")
    status, out, _ = await inspect(folder, stack, owner, *call, *wrong)
    assert status == TOOL_ERROR
    assert "Near: " in out
