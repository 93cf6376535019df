"""What taking a change back does to an owner's rows, by the journal's images. Pure: rows in, rows out.

Deleted rows come back under their id, at their place; made rows are deleted; changed fields get their former values,
and those that somebody else has set since stay.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from contracts.limits import ITEMS_PER_LIST_MAX, LISTS_MAX
from contracts.operations import Operation, UndoChange
from contracts.store import ApplyStatus
from contracts.todo import Image, TodoItem, TodoList
from todo_store.effects import Effects, Needs, Rejected, Rows
from todo_store.positions import POSITION_MAX_CHARS, between

Row = TodoList | TodoItem
_INTERNAL = frozenset({"id", "version", "position"})


def change_to_undo(operations: Sequence[Operation]) -> str | None:
    """The id of the change that is to be taken back, or None. Raises Rejected where other operations stand beside it.

    They would have to say which of them wins on a row that both touch.
    """
    undo = next((operation for operation in operations if isinstance(operation, UndoChange)), None)
    if undo is not None and len(operations) > 1:
        raise Rejected(ApplyStatus.REFUSED, (), "undo_alone")
    return None if undo is None else undo.change_id


def net(images: Iterable[Image]) -> tuple[Image, ...]:
    """One image for each row that a change made different: as it was before, and as it was left."""
    first: dict[str, Row | None] = {}
    last: dict[str, Row | None] = {}
    for image in images:
        first.setdefault(image.row_id, image.before)
        last[image.row_id] = image.after
    return tuple(
        Image(row_id=row, before=first[row], after=last[row])
        for row in first
        if _values(first[row]) != _values(last[row])
    )


def needs_of(images: Iterable[Image], relies_on: Iterable[str]) -> Needs:
    """What must be read before a change can be taken back."""
    rows, emptied, filled, order_of_lists = set(relies_on), set[str](), set[str](), False
    for image in images:
        rows.add(image.row_id)
        match image.before, image.after:
            case TodoList(), None:
                order_of_lists = True
            case None, TodoList():
                emptied.add(image.row_id)
            case TodoItem(list_id=list_id), _:
                rows.add(list_id)
                filled.add(list_id)
            case _:
                pass
    return Needs(frozenset(rows), frozenset(emptied), frozenset(filled), order_of_lists)


def effects_of(rows: Rows, images: Sequence[Image]) -> Effects:
    """Take back what `net` images show. Raises Rejected with every row that is not as the change left it."""
    living: Mapping[str, Row] = {**rows.lists, **rows.items}
    changed = [image.row_id for image in images if not _as_left(living.get(image.row_id), image)]
    if changed:
        raise Rejected(ApplyStatus.CONFLICT, tuple(sorted(changed)))
    gone = {image.row_id for image in images if image.before is None}
    back = [_risen(rows, image.before) for image in images if image.before is not None and image.after is None]
    edited = [
        _former(living[image.row_id], image.before, image.after)
        for image in images
        if image.before is not None and image.after is not None
    ]
    _check_homes(rows, gone, [*back, *edited])
    _check_room(rows, back, edited)
    placed = _placed(rows, {image.row_id for image in images}, [*back, *edited])
    lists = [row for row in placed if isinstance(row, TodoList)]
    items = [row for row in placed if isinstance(row, TodoItem)]
    return Effects(
        lists_changed=tuple(row for row in lists if row.id in living),
        lists_deleted=tuple(sorted(gone & rows.lists.keys())),
        lists_restored=tuple(row for row in lists if row.id not in living),
        items_changed=tuple(row for row in items if row.id in living),
        items_deleted=tuple(sorted(gone & rows.items.keys())),
        items_restored=tuple(row for row in items if row.id not in living),
    )


def _values(row: Row | None) -> dict[str, object] | None:
    return None if row is None else row.model_dump(exclude={"id", "version"})


def _as_left(now: Row | None, image: Image) -> bool:
    """Whether a user sees what the change left. Somebody's move within the list counts only if the change placed it."""
    after = image.after
    if now is None or after is None:
        return now is None and after is None
    placed = image.before is None or image.before.position != after.position
    names = type(after).model_fields.keys() - _INTERNAL
    seen = all(getattr(now, name) == getattr(after, name) for name in names)
    return seen and (not placed or now.position == after.position)


def _former(now: Row, before: Row, after: Row) -> Row:
    names = type(before).model_fields.keys() - {"id", "version"}
    changed = {name: getattr(before, name) for name in names if getattr(before, name) != getattr(after, name)}
    return now.model_copy(update={**changed, "version": now.version + 1})


def _risen(rows: Rows, before: Row) -> Row:
    version = rows.dead.get(before.id)
    if version is None:
        raise Rejected(ApplyStatus.CONFLICT, (before.id,))
    return before.model_copy(update={"version": version + 1})


def _placed(rows: Rows, touched: set[str], coming: Sequence[Row]) -> list[Row]:
    """The same rows, none at a position that somebody has since taken: such a one goes right in front of it.

    Only rows whose place is read here, those that come back or move, can meet another.
    """
    orders = {
        list_id: [p for p, row in places if row not in touched] for list_id, places in (rows.orders or {}).items()
    }
    lists = [p for p, row in rows.order_of_lists if row not in touched]
    placed: list[Row] = []
    for row in sorted(coming, key=lambda row: row.position):
        taken = orders.get(row.list_id, []) if isinstance(row, TodoItem) else lists
        at = bisect_left(taken, row.position)
        position = row.position
        if at < len(taken) and taken[at] == position:
            position = between(taken[at - 1] if at > 0 else None, position)
        if len(position) > POSITION_MAX_CHARS:
            raise Rejected(ApplyStatus.REFUSED, (row.id,), "positions_exhausted")
        taken.insert(at, position)
        placed.append(row.model_copy(update={"position": position}))
    return placed


def _check_homes(rows: Rows, gone: set[str], kept: Sequence[Row]) -> None:
    """Items come back only to lists that live, and a list goes only with nothing of anybody else's in it."""
    lists = {row.id for row in kept if isinstance(row, TodoList)} | rows.lists.keys() - gone
    moved = {row.id: row.list_id for row in kept if isinstance(row, TodoItem)}
    homeless = {list_id for list_id in moved.values() if list_id not in lists and list_id not in gone}
    strangers = {
        item.id for item in rows.items.values() if item.id not in gone and moved.get(item.id, item.list_id) in gone
    }
    strangers |= {item_id for item_id, list_id in moved.items() if list_id in gone}
    if homeless or strangers:
        raise Rejected(ApplyStatus.CONFLICT, tuple(sorted(homeless | strangers)))


def _check_room(rows: Rows, back: Sequence[Row], edited: Sequence[Row]) -> None:
    lists = [row.id for row in back if isinstance(row, TodoList)]
    if lists and len(rows.order_of_lists) + len(lists) > LISTS_MAX:
        raise Rejected(ApplyStatus.REFUSED, (lists[0],), "lists_limit")
    coming: dict[str, int] = {}
    for row in (*back, *edited):
        if isinstance(row, TodoItem) and (row.id not in rows.items or rows.items[row.id].list_id != row.list_id):
            coming[row.list_id] = coming.get(row.list_id, 0) + 1
    for list_id, count in coming.items():
        if len((rows.orders or {}).get(list_id, ())) + count > ITEMS_PER_LIST_MAX:
            raise Rejected(ApplyStatus.REFUSED, (list_id,), "items_limit")
