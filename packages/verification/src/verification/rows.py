"""What of a row a user can see, and whether two rows show the same."""

from typing import overload

from contracts.text import normalise
from contracts.todo import ItemView, ListView, Place, TodoItem, TodoList
from verification.state import Row


@overload
def view_of(row: TodoList) -> ListView: ...
@overload
def view_of(row: TodoItem, place: Place | None = None) -> ItemView: ...
def view_of(row: Row, place: Place | None = None) -> ListView | ItemView:
    """The part of a row that is compared: no version, no position. Text in its one normal form."""
    if isinstance(row, TodoList):
        return ListView(name=normalise(row.name))
    return ItemView(
        list_id=row.list_id,
        title=normalise(row.title),
        notes=normalise(row.notes),
        done=row.done,
        due=row.due,
        priority=row.priority,
        place=place,
    )


def same(one: Row | None, other: Row | None) -> bool:
    """Whether two rows show a user the same; their order aside."""
    if one is other:
        return True
    if one is None or other is None:
        return False
    # Nearly all rows of two snapshots are equal in every field, and this comparison is the cheap one.
    return one.__dict__ == other.__dict__ or _seen(one) == _seen(other)


def _seen(row: Row) -> ListView | ItemView:
    return view_of(row)
