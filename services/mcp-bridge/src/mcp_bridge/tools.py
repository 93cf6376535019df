"""The twelve tools as data: what a model reads of each, and what a host may know of it before it asks its user."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations

from mcp_bridge import arguments
from mcp_bridge.arguments import Arguments, Change
from mcp_bridge.schema import schema_of


@dataclass(frozen=True)
class Tool:
    """`destructive`: may take rows away; `idempotent`: a second call of the same changes nothing more."""

    name: str
    description: str
    takes: type[Arguments]
    destructive: bool = False
    idempotent: bool = True

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, ever."""
        return not issubclass(self.takes, Change)

    @cached_property
    def listed(self) -> ListedTool:
        """As `tools/list` tells it. Always all four annotations: what is missing a host takes for the worst."""
        return ListedTool(
            name=self.name,
            description=self.description,
            input_schema=schema_of(self.takes),
            annotations=ToolAnnotations(
                read_only_hint=self.reads,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=False,
            ),
        )

    @property
    def input_schema(self) -> dict[str, Any]:
        return self.listed.input_schema


TOOLS: Final = (
    Tool(
        "get_all_todo_lists",
        "Show the lists and their open items, with the ids that the other tools take. Call it first.",
        arguments.GetAllTodoLists,
    ),
    Tool("create_todo_list", "Make a new, empty list.", arguments.CreateTodoList, idempotent=False),
    Tool("rename_todo_list", "Give a list another name.", arguments.RenameTodoList),
    Tool(
        "delete_todo_list",
        "Delete a list with all its items. undo_change brings them back.",
        arguments.DeleteTodoList,
        destructive=True,
    ),
    Tool("create_todo_item", "Add one item at the end of a list.", arguments.CreateTodoItem, idempotent=False),
    Tool(
        "update_todo_item",
        "Change an item's title, due date, priority or notes; what is left out stays. "
        "Not for ticking off: that is complete_todo_item.",
        arguments.UpdateTodoItem,
    ),
    Tool(
        "complete_todo_item",
        "Mark an item as done, or with done=false as open again.",
        arguments.CompleteTodoItem,
    ),
    Tool(
        "move_todo_item",
        "Move an item to another list, or to another place in its own.",
        arguments.MoveTodoItem,
    ),
    Tool(
        "delete_todo_item",
        "Delete an item. What is finished is not deleted: use complete_todo_item.",
        arguments.DeleteTodoItem,
        destructive=True,
    ),
    Tool(
        "search_todo_items",
        "Find items in all lists by words of their title or notes, or by due date.",
        arguments.SearchTodoItems,
    ),
    Tool(
        "get_changes",
        "Show what was changed lately, by anyone, with the ids that undo_change takes.",
        arguments.GetChanges,
    ),
    Tool(
        "undo_change",
        "Take one change back, as long as nobody has changed the same since.",
        arguments.UndoChange,
        destructive=True,
    ),
)
Tools = Mapping[str, Tool]
"""By name, in the order in which they are listed."""

NAMES: Final = tuple(tool.name for tool in TOOLS)


class UnknownToolError(ValueError):
    """A name that is none of NAMES."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"no tool is called {', '.join(sorted(names))}; there are {', '.join(NAMES)}")


def offered(*, only: Iterable[str] = (), read_only: bool = False) -> Tools:
    """The tools to offer, by name and in their order: all, or `only` those named, or those that change nothing.

    Raises UnknownToolError.
    """
    wanted = frozenset(only)
    if unknown := wanted.difference(NAMES):
        raise UnknownToolError(unknown)
    return {tool.name: tool for tool in TOOLS if (not wanted or tool.name in wanted) and (tool.reads or not read_only)}
