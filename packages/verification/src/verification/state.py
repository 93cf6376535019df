"""One owner's rows in memory, indexed: what PLAN reads, what CONFIRM reads, and everything computed between them.

A State is never changed; what derives from it shares its rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TypeVar

from contracts.store import Snapshot
from contracts.todo import TodoItem, TodoList
from verification.errors import SnapshotError

Row = TodoList | TodoItem
_R = TypeVar("_R", TodoList, TodoItem)
_PLACE = attrgetter("position", "id")


@dataclass(frozen=True, slots=True)
class State:
    """Lists in their order, items by id, and each list's item ids in order.

    Rows of a snapshot are ordered by (position, id). In a state that `apply` made, `order` alone says what stands
    where, and `version` means nothing: the model foresees what a user sees, not how the store numbers it.
    """

    revision: int
    lists: Mapping[str, TodoList]
    items: Mapping[str, TodoItem]
    order: Mapping[str, tuple[str, ...]]

    def row(self, row_id: str) -> Row | None:
        """The list or item with this id."""
        return self.items.get(row_id) or self.lists.get(row_id)

    def items_of(self, list_id: str) -> tuple[TodoItem, ...]:
        """A list's items in order; empty for an unknown list."""
        return tuple(self.items[item_id] for item_id in self.order.get(list_id, ()))

    def with_rows(self, revision: int, rows: Mapping[str, Row | None]) -> "State":
        """This state with some rows put in another's place, or with None taken out. Costs one shallow copy."""
        if not rows:
            return State(revision, self.lists, self.items, self.order)
        lists, items, order = dict(self.lists), dict(self.items), dict(self.order)
        touched: dict[str, set[str]] = {}
        for row_id, row in rows.items():
            lists.pop(row_id, None)
            old = items.pop(row_id, None)
            if old is not None:
                _members(touched, self.order, old.list_id).discard(row_id)
            if isinstance(row, TodoItem):
                items[row_id] = row
                _members(touched, self.order, row.list_id).add(row_id)
            elif row is not None:
                lists[row_id] = row
        lists = _in_order(lists.values())
        for list_id, members in touched.items():
            order[list_id] = tuple(_in_order(items[item_id] for item_id in members))
        return State(revision, lists, items, _kept(order, lists))


def state_of(source: Snapshot | State) -> State:
    """Index a snapshot, in one pass; a State comes back as it is.

    Raises SnapshotError when an id occurs twice, since then no row can be told from another.
    """
    if isinstance(source, State):
        return source
    lists = _in_order(source.lists)
    items = {item.id: item for item in source.items}
    if len(lists) + len(items) != len(source.lists) + len(source.items) or not items.keys().isdisjoint(lists):
        raise SnapshotError(_twice(chain((row.id for row in source.lists), (item.id for item in source.items))))
    members: dict[str, list[TodoItem]] = {list_id: [] for list_id in lists}
    for item in source.items:
        members.setdefault(item.list_id, []).append(item)
    order = {list_id: tuple(_in_order(rows)) for list_id, rows in members.items()}
    return State(source.revision, lists, items, order)


def _in_order(rows: Iterable[_R]) -> dict[str, _R]:
    return {row.id: row for row in sorted(rows, key=_PLACE)}


def _members(touched: dict[str, set[str]], order: Mapping[str, tuple[str, ...]], list_id: str) -> set[str]:
    if list_id not in touched:
        touched[list_id] = set(order.get(list_id, ()))
    return touched[list_id]


def _kept(order: dict[str, tuple[str, ...]], lists: Mapping[str, TodoList]) -> dict[str, tuple[str, ...]]:
    """An entry for each list, and for a missing one as long as it has items, so that none is lost from sight."""
    kept = {list_id: ids for list_id, ids in order.items() if ids or list_id in lists}
    for list_id in lists:
        kept.setdefault(list_id, ())
    return kept


def _twice(ids: Iterable[str]) -> str:
    return next(row_id for row_id, count in Counter(ids).items() if count > 1)
