"""What a tool's arguments ask the store to do. Pure: the same arguments and key give the same operation each time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from contracts import operations
from contracts.operations import Operation
from contracts.todo import Priority
from contracts.tokens import ROW_ID_PATTERN, item_id_for, list_id_for
from mcp_bridge import arguments
from mcp_bridge.arguments import FIRST, LAST, NONE, Change, due_of

_ROW_ID: Final = re.compile(ROW_ID_PATTERN)

Kind = Literal["list", "item", "change"]


@dataclass(frozen=True)
class Named:
    """A row that the arguments name."""

    kind: Kind
    id: str

    @property
    def possible(self) -> bool:
        """Whether any row can have this id."""
        return _ROW_ID.fullmatch(self.id) is not None


def rows_named(change: Change) -> Iterator[Named]:
    """The rows that have to exist for a change."""
    kinds: tuple[tuple[str, Kind], ...] = (("item_id", "item"), ("list_id", "list"), ("change_id", "change"))
    for field, kind in kinds:
        row_id = getattr(change, field, None)
        if row_id is not None:
            yield Named(kind, row_id)
    if isinstance(change, arguments.MoveTodoItem) and change.position not in {FIRST, LAST}:
        yield Named("item", change.position)


def operation_of(change: Change, owner: str, key: str) -> Operation:  # noqa: PLR0911 - one a tool
    """The operation of a change whose rows all have possible ids. New rows get the ids that `key` stands for."""
    match change:
        case arguments.CreateTodoList():
            return operations.CreateList(list_id=list_id_for(owner, key), name=change.name)
        case arguments.RenameTodoList():
            return operations.RenameList(list_id=change.list_id, name=change.name)
        case arguments.DeleteTodoList():
            return operations.DeleteList(list_id=change.list_id)
        case arguments.CreateTodoItem():
            return operations.CreateItem(
                item_id=item_id_for(owner, key),
                list_id=change.list_id,
                title=change.title,
                notes=change.notes,
                due=due_of(change.due),
                priority=Priority(change.priority),
            )
        case arguments.UpdateTodoItem():
            return _update(change)
        case arguments.CompleteTodoItem():
            return operations.CompleteItem(item_id=change.item_id, done=change.done)
        case arguments.MoveTodoItem():
            after = None if change.position in {FIRST, LAST} else change.position
            first = change.position == FIRST
            return operations.MoveItem(item_id=change.item_id, list_id=change.list_id, after_id=after, first=first)
        case arguments.DeleteTodoItem():
            return operations.DeleteItem(item_id=change.item_id)
        case arguments.UndoChange():
            return operations.UndoChange(change_id=change.change_id)
        case _:
            raise TypeError(f"{type(change).__qualname__} is no change that has an operation")


def _update(change: arguments.UpdateTodoItem) -> operations.UpdateItem:
    return operations.UpdateItem(
        item_id=change.item_id,
        title=change.title or None,
        notes="" if change.notes == NONE else change.notes or None,
        due=due_of(change.due),
        clear_due=change.due == NONE,
        priority=Priority(change.priority) if change.priority else None,
    )


def made_by(operation: Operation) -> Named | None:
    """The row that an operation makes, whose id a model needs to go on with it."""
    match operation:
        case operations.CreateList():
            return Named("list", operation.list_id)
        case operations.CreateItem():
            return Named("item", operation.item_id)
        case _:
            return None
