"""What a user would see change between two states."""

from collections.abc import Iterator, Mapping, Set
from itertools import compress
from operator import is_not

from contracts.todo import Diff, Place, RowChange, TodoItem
from verification.place import placements
from verification.rows import same, view_of
from verification.state import Row, State

__all__ = ["diff", "view_of"]


def diff(before: State, after: State, movers: Set[str] | None = None) -> Diff:
    """Changes by row, sorted by (kind, id): one pass over the rows, and work only for those that differ.

    Versions, positions and times are outside; order shows as the `place` of the items that were put somewhere. The
    items of a deleted list are listed with it. The order of the lists themselves is not compared: no operation sets it.
    `movers` says by which items' moves a new order is to be told where several tellings are true (see `place.runs`).
    """
    placed: dict[str, Place | None] = {}
    if before.order is not after.order:
        for list_id in after.order:
            placed.update(placements(before, after, list_id, movers))
    ids = {*_changed(before.items, after.items), *_changed(before.lists, after.lists), *placed}
    changes = [_change(before, after, row_id, placed.get(row_id)) for row_id in ids]
    return Diff(changes=tuple(sorted(changes, key=sort_key)))


def sort_key(change: RowChange) -> tuple[str, str]:
    """The order of a Diff: by (kind, id)."""
    view = change.after or change.before
    return (view.kind if view is not None else "", change.id)


def _changed(before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[str]:
    # States made from one another share what did not change: whole mappings, or the rows in them.
    if before is after:
        return
    new = 0
    # All but a few rows are the very same objects, and are passed over without a step of the interpreter's.
    for row_id in compress(after, map(is_not, map(before.get, after), after.values())):
        old = before.get(row_id)
        new += old is None
        if not same(old, after[row_id]):
            yield row_id
    if len(after) - new < len(before):
        yield from before.keys() - after.keys()


def _change(before: State, after: State, row_id: str, place: Place | None) -> RowChange:
    old, new = before.row(row_id), after.row(row_id)
    return RowChange(
        id=row_id,
        before=None if old is None else view_of(old),
        after=view_of(new, place) if isinstance(new, TodoItem) else None if new is None else view_of(new),
        list_name=_list_name(after, new) or _list_name(before, old),
    )


def _list_name(state: State, row: Row | None) -> str | None:
    named = state.lists.get(row.list_id) if isinstance(row, TodoItem) else None
    return None if named is None else view_of(named).name
