"""The one union of what can be done to a store: applied by todo-store, planned by the agent, offered as MCP tools."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contracts.message import Message
from contracts.text import Notes, Title
from contracts.todo import Due, Priority
from contracts.tokens import ChangeId, ItemId, ListId


class CreateList(Message):
    op: Literal["create_list"] = "create_list"
    list_id: ListId
    name: Title


class RenameList(Message):
    op: Literal["rename_list"] = "rename_list"
    list_id: ListId
    name: Title


class DeleteList(Message):
    """Deletes the list and its items."""

    op: Literal["delete_list"] = "delete_list"
    list_id: ListId


class CreateItem(Message):
    """Adds at the end of the list."""

    op: Literal["create_item"] = "create_item"
    item_id: ItemId
    list_id: ListId
    title: Title
    notes: Notes = ""
    due: Due = None
    priority: Priority = Priority.NONE


class UpdateItem(Message):
    """Changes the fields given; `clear_due` takes the due date away."""

    op: Literal["update_item"] = "update_item"
    item_id: ItemId
    title: Title | None = None
    notes: Notes | None = None
    due: Due = None
    clear_due: bool = False
    priority: Priority | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "UpdateItem":
        if self.clear_due and self.due is not None:
            raise ValueError("gives both due and clear_due; give one of them")
        given = (self.title, self.notes, self.due, self.priority)
        if not self.clear_due and all(value is None for value in given):
            raise ValueError("changes nothing; give title, notes, due, clear_due or priority")
        return self


class CompleteItem(Message):
    """Marks as done, or with `done: false` as open again."""

    op: Literal["complete_item"] = "complete_item"
    item_id: ItemId
    done: bool = True


class MoveItem(Message):
    """Moves to a list, behind `after_id` or at its end; the id stays."""

    op: Literal["move_item"] = "move_item"
    item_id: ItemId
    list_id: ListId
    after_id: ItemId | None = None
    first: bool = False


class DeleteItem(Message):
    op: Literal["delete_item"] = "delete_item"
    item_id: ItemId


class UndoChange(Message):
    """Puts back what a change did; itself a change, so it can be undone."""

    op: Literal["undo_change"] = "undo_change"
    change_id: ChangeId


Operation = Annotated[
    CreateList | RenameList | DeleteList | CreateItem | UpdateItem | CompleteItem | MoveItem | DeleteItem | UndoChange,
    Field(discriminator="op"),
]
