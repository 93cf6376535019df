"""Each message is counted by what it is and what it came to, in names of ours."""

from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from tests.telemetry.measured import Measured

from bus.errors import Refusal
from contracts import conventions, metrics
from contracts.message import ErrorCode, Problem
from contracts.metric_labels import MCP_ERROR, MCP_METHOD, TOOL
from contracts.turns import OperationsCompleted, Outcome, Receipt, RunOperations, Verdict
from mcp_bridge.tools import NAMES

if TYPE_CHECKING:
    from conftest import Stack

RENAME = ("rename_todo_list", {"list_id": "la", "name": "Food"})


def of_tool(name: str, error: str | None = None) -> dict[str, str]:
    labels = {"mcp.method.name": "tools/call", "gen_ai.tool.name": name}
    return labels if error is None else labels | {"error.type": error}


async def test_a_call_is_counted_by_its_tool(client: Client, measured: Measured) -> None:
    await client.call_tool(*RENAME)
    assert measured(metrics.MCP_DURATION, of_tool("rename_todo_list")) == 1
    assert sum(measured(metrics.MCP_DURATION, of_tool("rename_todo_list", code)) for code in ErrorCode) == 0


@pytest.mark.parametrize(
    "case",
    [
        ({"list_id": "la"}, None, "invalid"),
        (RENAME[1], Refusal(Problem(code=ErrorCode.LIMIT, detail="too many")), "limit"),
        (RENAME[1], Outcome.REFUTED, "refuted"),
        (RENAME[1], Outcome.CONFLICT, "conflict"),
    ],
)
async def test_a_call_that_failed_is_counted_by_why(
    client: Client, stack: "Stack", measured: Measured, case: tuple[dict[str, str], Any, str]
) -> None:
    arguments, answer, error = case

    def run(asked: RunOperations) -> OperationsCompleted:
        if isinstance(answer, Exception):
            raise answer
        verdict = Verdict.REFUTED if answer is Outcome.REFUTED else None
        receipt = Receipt(verdict=verdict, change_id="c17", revision_before=1, revision_after=2)
        return OperationsCompleted(operation_id=asked.operation_id, outcome=answer, text="No.", receipt=receipt)

    stack.on_run = run
    assert (await client.call_tool("rename_todo_list", arguments)).is_error
    assert measured(metrics.MCP_DURATION, of_tool("rename_todo_list", error)) == 1
    assert measured(metrics.MCP_DURATION, of_tool("rename_todo_list")) == 1


async def test_the_name_of_a_tool_that_there_is_not_stays_out(client: Client, measured: Measured) -> None:
    with pytest.raises(MCPError):
        await client.call_tool("what people wrote", {})
    assert measured(metrics.MCP_DURATION, of_tool("other", "invalid")) == 1


def test_every_tool_and_method_has_its_place_in_the_metrics() -> None:
    assert {*NAMES, "other"} == TOOL.values
    assert {*conventions.MCP_METHODS, "other"} == MCP_METHOD.values
    assert conventions.MCP_LASTING.isdisjoint(MCP_METHOD.values)
    assert conventions.TOOL_ERROR in MCP_ERROR.values
