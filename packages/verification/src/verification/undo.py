"""What taking a change back makes of the rows: by the journal's images, and only where nobody touched what it left.

Undoing is a change of its own. It is given alone, so that positions are those that were read, and say the order.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from contracts.limits import ITEMS_PER_LIST_MAX, LISTS_MAX
from contracts.operations import Operation, UndoChange
from contracts.todo import Image, JournalEntry, TodoItem
from verification.errors import ChangedSinceError, HistoryError, LimitError, UndoAloneError, UnknownChangeError
from verification.rows import same
from verification.state import Row, State

History = Mapping[str, JournalEntry]
"""Journal entries by change id, with all of their images."""

NO_HISTORY: Final[History] = MappingProxyType({})
_KEPT: Final = frozenset({"id", "version"})


def undone(state: State, operations: Sequence[Operation], history: History) -> State | None:
    """The state after the one change that the operations take back; None where they take nothing back.

    A change whose rows are all as they were before it is taken back already: the state comes back as it is.

    Raises UndoAloneError, UnknownChangeError for a change that `history` does not hold, ChangedSinceError, LimitError,
    and HistoryError for an entry without its images.
    """
    undo = next((operation for operation in operations if isinstance(operation, UndoChange)), None)
    if undo is None:
        return None
    if len(operations) > 1:
        raise UndoAloneError(undo.change_id)
    entry = history.get(undo.change_id)
    if entry is None:
        raise UnknownChangeError(undo.change_id)
    return _taken_back(state, entry)


def rows_of(state: State, operations: Sequence[Operation], history: History) -> frozenset[str]:
    """The living rows of the changes that are taken back. That their lists are alive, the store checks."""
    ids: set[str] = set()
    for operation in operations:
        if isinstance(operation, UndoChange) and operation.change_id in history:
            for image in history[operation.change_id].images:
                ids.add(image.row_id)
    return frozenset(row_id for row_id in ids if state.row(row_id) is not None)


def _taken_back(state: State, entry: JournalEntry) -> State:
    if entry.truncated:
        raise HistoryError(entry.revision, "has lost its images; read the entry by its change id")
    images = [image for image in _net(entry.images) if _shows(image.before, image.after)]
    if all(_stands(state.row(image.row_id), image.before, image.after) for image in images):
        return state
    changed = [image.row_id for image in images if not _stands(state.row(image.row_id), image.after, image.before)]
    rows = {image.row_id: _former(state.row(image.row_id), image) for image in images}
    result = _in_front(state.with_rows(state.revision, rows), rows)
    changed += _homeless(state, result)
    if changed:
        raise ChangedSinceError(entry.change_id, tuple(sorted(set(changed))))
    _refuse_overfull(state, result)
    return result


def _in_front(state: State, back: Mapping[str, Row | None]) -> State:
    """Where somebody has since taken the very position that an item comes back to, the one that comes back is first."""
    order = dict(state.order)
    for list_id in {row.list_id for row in back.values() if isinstance(row, TodoItem)}:
        order[list_id] = tuple(
            sorted(order[list_id], key=lambda item_id: (state.items[item_id].position, item_id not in back, item_id))
        )
    return State(state.revision, state.lists, state.items, order)


def _net(images: Sequence[Image]) -> list[Image]:
    """One image a row, from its first `before` to its last `after`."""
    rows: dict[str, Image] = {}
    for image in images:
        first = rows.get(image.row_id)
        rows[image.row_id] = image if first is None else first.model_copy(update={"after": image.after})
    return list(rows.values())


def _shows(before: Row | None, after: Row | None) -> bool:
    return not same(before, after) or _moved(before, after)


def _moved(one: Row | None, other: Row | None) -> bool:
    return one is not None and other is not None and one.position != other.position


def _stands(now: Row | None, there: Row | None, other: Row | None) -> bool:
    """Whether a row is as one side of its image says. Its position counts where the change was about it."""
    placed = there is not None and (other is None or _moved(there, other))
    return same(now, there) and not (placed and _moved(now, there))


def _former(now: Row | None, image: Image) -> Row | None:
    before, after = image.before, image.after
    if before is None or after is None or now is None:
        return before
    changed = {
        name: getattr(before, name)
        for name in type(before).model_fields
        if name not in _KEPT and getattr(before, name) != getattr(after, name)
    }
    return now.model_copy(update=changed)


def _homeless(before: State, after: State) -> list[str]:
    """Lists that items would come back to and that are gone, and items that somebody put into a list that would go."""
    found: list[str] = []
    for list_id, ids in after.order.items():
        if list_id not in after.lists:
            found += ids if list_id in before.lists else [list_id]
    return found


def _refuse_overfull(before: State, after: State) -> None:
    if len(after.lists) > max(LISTS_MAX, len(before.lists)):
        raise LimitError(next(iter(after.lists.keys() - before.lists.keys())), "lists", LISTS_MAX)
    for list_id, ids in after.order.items():
        if len(ids) > max(ITEMS_PER_LIST_MAX, len(before.order.get(list_id, ()))):
            raise LimitError(list_id, "items in a list", ITEMS_PER_LIST_MAX)
