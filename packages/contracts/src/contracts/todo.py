"""To-do state as rows, and what can be seen of a change to them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from contracts.message import Message
from contracts.text import Notes, Title
from contracts.tokens import ChangeId, ItemId, ListId, OwnerKey


class Priority(StrEnum):
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


Due = Annotated[AwareDatetime | date | None, Field(union_mode="left_to_right")]
"""A day, or a moment with its UTC offset. Moments first: midnight with an offset is not a day."""


class TodoList(Message):
    """One list as stored. `version` rises by one with each change of the row."""

    id: ListId
    name: Title
    position: str
    version: int = Field(ge=1)


class TodoItem(Message):
    """One item as stored. Items of a list are ordered by (position, id)."""

    id: ItemId
    list_id: ListId
    title: Title
    notes: Notes = ""
    done: bool = False
    due: Due = None
    priority: Priority = Priority.NONE
    position: str
    version: int = Field(ge=1)


class ListView(Message):
    """What a user sees of a list: the part that verification compares."""

    kind: Literal["list"] = "list"
    name: str


class Place(Message):
    """Where in its list a change put an item: in front, at the end, or behind another item."""

    at: Literal["first", "end", "after"]
    item_id: ItemId | None = Field(default=None, description="with `after`: the item in front of it")


class ItemView(Message):
    """What a user sees of an item: the part that verification compares.

    `place` is given only in `after`, and only for an item whose place the change chose. None says: stayed where it was,
    or, for an item that is new to its list, stands at its end.
    """

    kind: Literal["item"] = "item"
    list_id: ListId
    title: str
    notes: str = ""
    done: bool = False
    due: Due = None
    priority: Priority = Priority.NONE
    place: Place | None = None


View = Annotated[ListView | ItemView, Field(discriminator="kind")]


class RowChange(Message):
    """One row before and after. `before` is None for an added row, `after` for a removed one."""

    id: str
    before: View | None = None
    after: View | None = None
    list_name: str | None = Field(default=None, description="for items: the name of the list, for people")


class Diff(Message):
    """Changes by row, sorted by (kind, id). Empty means: nothing that a user could see."""

    changes: tuple[RowChange, ...] = ()


class Author(StrEnum):
    """Which door a change came through."""

    CHAT = "chat"
    BOARD = "board"
    MCP = "mcp"
    SYSTEM = "system"


class Image(Message):
    """A row as the database's trigger saw it: OLD and NEW of one change. A soft-deleted row has `after` None."""

    row_id: str
    before: TodoList | TodoItem | None = None
    after: TodoList | TodoItem | None = None


class JournalEntry(Message):
    """One committed change. `revision` is gapless per owner and starts at 1."""

    revision: int = Field(ge=1)
    change_id: ChangeId
    operation_id: str
    author: Author
    at: AwareDatetime
    images: tuple[Image, ...] = ()
    truncated: bool = Field(
        default=False, description="the images did not fit in one message and are left out: read the state instead"
    )


class TodoChanged(Message):
    """`evt.todo.<owner>.changed`: a journal entry, relayed. A reader that misses a revision asks `changes`."""

    owner: OwnerKey
    entry: JournalEntry
