"""Plain data as operations: the rows that a run begins with, and other people's edits. Pure."""

from datetime import date

from bench.faults.state import Edit, State
from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UpdateItem,
)
from contracts.store import ApplyRequest, Plan, Snapshot
from contracts.todo import Author, Priority
from contracts.tokens import new_item_id, new_list_id, uuid7


def seeded(owner: str, state: State) -> ApplyRequest:
    """The request that makes these rows for an owner that has none."""
    made: list[Operation] = []
    for row in state:
        list_id = new_list_id()
        made.append(CreateList(list_id=list_id, name=row.name))
        for item in row.items:
            item_id = new_item_id()
            due = None if item.due is None else date.fromisoformat(item.due)
            made.append(
                CreateItem(
                    item_id=item_id,
                    list_id=list_id,
                    title=item.title,
                    notes=item.notes,
                    due=due,
                    priority=Priority(item.priority),
                )
            )
            if item.done:
                made.append(CompleteItem(item_id=item_id))
    return ApplyRequest(
        owner=owner, operation_id=uuid7(), author=Author.SYSTEM, operations=tuple(made), plan=Plan(revision=0)
    )


def operations_of(edit: Edit, rows: Snapshot) -> tuple[Operation, ...]:  # noqa: PLR0911 - one a kind
    """An edit of the list or item of that name. Raises LookupError where there is none."""

    def list_id(name: str) -> str:
        return {row.name: row.id for row in rows.lists}[name]

    def item_id() -> str:
        return {item.title: item.id for item in rows.items}[edit.name]

    match edit.what:
        case "add_item":
            return (CreateItem(item_id=new_item_id(), list_id=list_id(edit.to), title=edit.name),)
        case "complete_item":
            return (CompleteItem(item_id=item_id()),)
        case "rename_item":
            return (UpdateItem(item_id=item_id(), title=edit.to),)
        case "note_item":
            return (UpdateItem(item_id=item_id(), notes=edit.to),)
        case "move_item":
            return (MoveItem(item_id=item_id(), list_id=list_id(edit.to)),)
        case "delete_item":
            return (DeleteItem(item_id=item_id()),)
        case "rename_list":
            return (RenameList(list_id=list_id(edit.name), name=edit.to),)
        case "delete_list":
            return (DeleteList(list_id=list_id(edit.name)),)
