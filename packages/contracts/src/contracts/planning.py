"""The planner's one tool, `plan{steps[]}`: what a language model may say. Flat, no `$ref`, for a 7B model.

Targets are aliases of the live state (L1 a list, L1.3 an item of it), or N1..N4 for what an earlier step of the same
plan makes.
"""

from enum import StrEnum
from typing import Any, Final

from pydantic import Field

from contracts.limits import STEPS_MAX
from contracts.message import Message

PLAN_TOOL: Final = "plan"


class StepOp(StrEnum):
    CREATE_LIST = "create_list"
    RENAME_LIST = "rename_list"
    DELETE_LIST = "delete_list"
    ADD_ITEM = "add_item"
    UPDATE_ITEM = "update_item"
    COMPLETE_ITEM = "complete_item"
    REOPEN_ITEM = "reopen_item"
    MOVE_ITEM = "move_item"
    DELETE_ITEM = "delete_item"
    UNDO = "undo"
    SHOW = "show"
    COUNT = "count"
    FIND = "find"
    MISSING = "missing"
    SAY = "say"


QUESTION_OPS: Final = frozenset({StepOp.SHOW, StepOp.COUNT, StepOp.FIND})
"""Steps that ask, and change nothing."""


class Select(StrEnum):
    """Instead of one item: a group of a list's items, expanded by code."""

    ALL = "all"
    OPEN = "open"
    DONE = "done"
    DUE_BEFORE = "due_before"


class PlanStep(Message):
    """One step. Which fields matter depends on `op`; the agent checks that."""

    op: StepOp
    list: str = Field(default="", max_length=16)
    item: str = Field(default="", max_length=16)
    select: Select | None = None
    text: str = Field(default="", max_length=2000)
    notes: str = Field(default="", max_length=8000)
    due: str = Field(default="", max_length=100)
    priority: str = Field(default="", max_length=16)


class ModelPlan(Message):
    """The arguments of one `plan` call."""

    steps: tuple[PlanStep, ...] = Field(min_length=1, max_length=STEPS_MAX)


MADE_LISTS: Final = ("N1", "N2", "N3", "N4")
"""Aliases of the lists that a plan makes."""
ALIASES_MAX: Final = 1000
"""More aliases than this are not put into a schema: a grammar of them would take longer than the plan."""


def plan_schema(lists: tuple[str, ...] | None = None, items: tuple[str, ...] | None = None) -> dict[str, Any]:
    """JSON Schema of the arguments of `plan`, as sent to the model server.

    With the aliases of the live state a step can name nothing else.
    """
    properties: dict[str, Any] = {
        "op": {"type": "string", "enum": [op.value for op in StepOp]},
        "list": {"type": "string", "description": "alias of a list (L1) or of one made earlier in this plan (N1)"},
        "item": {"type": "string", "description": "alias of an item (L1.2)"},
        "select": {
            "type": "string",
            "enum": [select.value for select in Select],
            "description": "instead of item: all matching items of the list",
        },
        "text": {"type": "string", "description": "new name or title, search words, or what is missing; user's words"},
        "notes": {"type": "string"},
        "due": {
            "type": "string",
            "description": "the user's words for the date, such as 'tomorrow'; 'none' removes it",
        },
        "priority": {"type": "string", "enum": ["none", "low", "medium", "high"]},
    }
    if lists is not None and len(lists) <= ALIASES_MAX:
        properties["list"]["enum"] = ["", *lists, *MADE_LISTS]
    if items is not None and len(items) <= ALIASES_MAX:
        properties["item"]["enum"] = ["", *items]
    step = {"type": "object", "properties": properties, "required": ["op"], "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": step, "minItems": 1, "maxItems": STEPS_MAX}},
        "required": ["steps"],
        "additionalProperties": False,
    }
