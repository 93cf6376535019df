"""What operations do to an owner's rows. Pure: rows in, rows out; nothing is written where an operation is rejected.

Each row is changed once, however many operations touch it: one version more, one image in the journal.
"""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from contracts.limits import ITEMS_PER_LIST_MAX, LISTS_MAX
from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UndoChange,
    UpdateItem,
)
from contracts.store import ApplyStatus
from contracts.todo import TodoItem, TodoList
from todo_store.positions import POSITION_MAX_CHARS, between

Place = tuple[str, str]
"""A row's place among its siblings: (position, id)."""


@dataclass(frozen=True)
class Needs:
    """What must be read before operations can be worked out."""

    rows: frozenset[str]  # ids of lists and items, living or not
    emptied: frozenset[str]  # lists whose items are needed whole
    filled: frozenset[str]  # lists whose order is needed
    order_of_lists: bool


def needs_of(operations: Iterable[Operation], relies_on: Iterable[str]) -> Needs:
    rows, emptied, filled, order_of_lists = set(relies_on), set[str](), set[str](), False
    for operation in operations:
        for field in ("list_id", "item_id", "after_id"):
            row = getattr(operation, field, None)
            if row is not None:
                rows.add(row)
        match operation:
            case CreateList():
                order_of_lists = True
            case DeleteList():
                emptied.add(operation.list_id)
            case CreateItem() | MoveItem():
                filled.add(operation.list_id)
            case _:
                pass
    return Needs(frozenset(rows), frozenset(emptied), frozenset(filled), order_of_lists)


@dataclass(frozen=True)
class Rows:
    """An owner's rows, as far as Needs asked for them. `dead` holds the deleted ones' versions by id."""

    lists: Mapping[str, TodoList]
    items: Mapping[str, TodoItem]
    dead: Mapping[str, int]
    order_of_lists: Sequence[Place] = ()
    orders: Mapping[str, Sequence[Place]] | None = None


@dataclass(frozen=True)
class Effects:
    """What to write. A row that was made and deleted by the same operations is in none of these.

    A restored row was deleted and lives again, as given.
    """

    lists_added: tuple[TodoList, ...] = ()
    lists_changed: tuple[TodoList, ...] = ()
    lists_deleted: tuple[str, ...] = ()
    lists_restored: tuple[TodoList, ...] = ()
    items_added: tuple[TodoItem, ...] = ()
    items_changed: tuple[TodoItem, ...] = ()
    items_deleted: tuple[str, ...] = ()
    items_restored: tuple[TodoItem, ...] = ()


class Rejected(Exception):  # noqa: N818 - an answer, not a fault
    """Nothing may be applied: a conflict with the rows named, or a refusal with a reason."""

    def __init__(self, status: ApplyStatus, rows: tuple[str, ...], reason: str | None = None) -> None:
        super().__init__(reason or status.value)
        self.status = status
        self.rows = rows
        self.reason = reason


def check_versions(rows: Rows, relies_on: Mapping[str, int]) -> None:
    """Raise Rejected(CONFLICT) naming each row that is gone or has another version than PLAN saw."""
    living: dict[str, TodoList | TodoItem] = {**rows.lists, **rows.items}
    changed = tuple(
        sorted(row for row, version in relies_on.items() if row not in living or living[row].version != version)
    )
    if changed:
        raise Rejected(ApplyStatus.CONFLICT, changed)


def check_emptied(rows: Rows, operations: Iterable[Operation], relies_on: Mapping[str, int]) -> None:
    """Raise Rejected(CONFLICT) naming the items that came into a list since PLAN saw it, where it is to be deleted:
    nobody agreed to lose them. A caller that relies on nothing means the list as it is."""
    deleted = {operation.list_id for operation in operations if isinstance(operation, DeleteList)} & relies_on.keys()
    unseen = sorted(item.id for item in rows.items.values() if item.list_id in deleted and item.id not in relies_on)
    if unseen:
        raise Rejected(ApplyStatus.CONFLICT, tuple(unseen))


def effects_of(rows: Rows, operations: Iterable[Operation]) -> Effects:
    """Work the operations out, in order. Raises Rejected."""
    work = _Work(rows)
    for operation in operations:
        work.do(operation)
    return work.effects()


class _Work:
    """The rows as they become, operation by operation."""

    def __init__(self, rows: Rows) -> None:
        self._before = rows
        self._lists = dict(rows.lists)
        self._items = dict(rows.items)
        self._order_of_lists = list(rows.order_of_lists)
        self._orders = {list_id: list(order) for list_id, order in (rows.orders or {}).items()}
        self._made: set[str] = set()

    def do(self, operation: Operation) -> None:
        match operation:
            case CreateList():
                self._create_list(operation)
            case RenameList():
                todo_list = self._list(operation.list_id)
                self._lists[todo_list.id] = todo_list.model_copy(update={"name": operation.name})
            case DeleteList():
                self._delete_list(operation)
            case CreateItem():
                self._create_item(operation)
            case UpdateItem():
                self._update_item(operation)
            case CompleteItem():
                item = self._item(operation.item_id)
                self._items[item.id] = item.model_copy(update={"done": operation.done})
            case MoveItem():
                self._move_item(operation)
            case DeleteItem():
                self._take_out(self._item(operation.item_id))
                del self._items[operation.item_id]
            case UndoChange():
                # `undoing` takes changes back, and only alone.
                raise Rejected(ApplyStatus.REFUSED, (), "undo_alone")

    def effects(self) -> Effects:
        before = self._before
        return Effects(
            lists_added=tuple(row for row in self._lists.values() if row.id not in before.lists),
            lists_changed=tuple(
                row.model_copy(update={"version": row.version + 1})
                for row in self._lists.values()
                if row.id in before.lists and row != before.lists[row.id]
            ),
            lists_deleted=tuple(sorted(before.lists.keys() - self._lists.keys())),
            items_added=tuple(row for row in self._items.values() if row.id not in before.items),
            items_changed=tuple(
                row.model_copy(update={"version": row.version + 1})
                for row in self._items.values()
                if row.id in before.items and row != before.items[row.id]
            ),
            items_deleted=tuple(sorted(before.items.keys() - self._items.keys())),
        )

    def _create_list(self, operation: CreateList) -> None:
        self._claim(operation.list_id)
        if len(self._order_of_lists) >= LISTS_MAX:
            raise Rejected(ApplyStatus.REFUSED, (operation.list_id,), "lists_limit")
        last = self._order_of_lists[-1][0] if self._order_of_lists else None
        position = between(last, None)
        self._lists[operation.list_id] = TodoList(
            id=operation.list_id, name=operation.name, position=position, version=1
        )
        self._order_of_lists.append((position, operation.list_id))
        self._orders[operation.list_id] = []

    def _delete_list(self, operation: DeleteList) -> None:
        todo_list = self._list(operation.list_id)
        del self._lists[todo_list.id]
        place = (todo_list.position, todo_list.id)
        if place in self._order_of_lists:
            self._order_of_lists.remove(place)
        self._items = {key: item for key, item in self._items.items() if item.list_id != todo_list.id}

    def _create_item(self, operation: CreateItem) -> None:
        self._claim(operation.item_id)
        todo_list = self._list(operation.list_id)
        self._check_room(todo_list.id)
        order = self._orders[todo_list.id]
        item = TodoItem(
            id=operation.item_id,
            list_id=todo_list.id,
            title=operation.title,
            notes=operation.notes,
            due=operation.due,
            priority=operation.priority,
            position=between(order[-1][0] if order else None, None),
            version=1,
        )
        self._put_in(item)

    def _update_item(self, operation: UpdateItem) -> None:
        item = self._item(operation.item_id)
        given = {"title": operation.title, "notes": operation.notes, "priority": operation.priority}
        update: dict[str, object] = {key: value for key, value in given.items() if value is not None}
        if operation.clear_due:
            update["due"] = None
        elif operation.due is not None:
            update["due"] = operation.due
        self._items[item.id] = item.model_copy(update=update)

    def _move_item(self, operation: MoveItem) -> None:
        item = self._item(operation.item_id)
        todo_list = self._list(operation.list_id)
        self._take_out(item)
        self._check_room(todo_list.id)
        position = self._place_for(operation)
        if len(position) > POSITION_MAX_CHARS:
            raise Rejected(ApplyStatus.REFUSED, (item.id,), "positions_exhausted")
        self._put_in(item.model_copy(update={"list_id": todo_list.id, "position": position}))

    def _place_for(self, operation: MoveItem) -> str:
        positions = [position for position, _ in self._orders[operation.list_id]]
        if operation.after_id is None:
            if operation.first:
                return between(None, positions[0] if positions else None)
            return between(positions[-1] if positions else None, None)
        if operation.first or operation.after_id == operation.item_id:
            raise Rejected(ApplyStatus.REFUSED, (operation.item_id,), "place_unclear")
        neighbour = self._item(operation.after_id)
        if neighbour.list_id != operation.list_id:
            raise Rejected(ApplyStatus.CONFLICT, (neighbour.id,))
        behind = next((position for position in positions if position > neighbour.position), None)
        return between(neighbour.position, behind)

    def _put_in(self, item: TodoItem) -> None:
        self._items[item.id] = item
        insort(self._orders[item.list_id], (item.position, item.id))

    def _take_out(self, item: TodoItem) -> None:
        order = self._orders.get(item.list_id)
        if order is not None:
            order.remove((item.position, item.id))

    def _check_room(self, list_id: str) -> None:
        if len(self._orders[list_id]) >= ITEMS_PER_LIST_MAX:
            raise Rejected(ApplyStatus.REFUSED, (list_id,), "items_limit")

    def _claim(self, row: str) -> None:
        """An id names one row for ever, be it a list's or an item's."""
        before = self._before
        if row in self._made or row in before.dead or row in before.lists or row in before.items:
            raise Rejected(ApplyStatus.REFUSED, (row,), "id_taken")
        self._made.add(row)

    def _list(self, list_id: str) -> TodoList:
        return self._lists.get(list_id) or self._gone(list_id)

    def _item(self, item_id: str) -> TodoItem:
        return self._items.get(item_id) or self._gone(item_id)

    def _gone(self, row: str) -> NoReturn:
        before = self._before
        if row in self._made or row in before.lists or row in before.items:
            raise Rejected(ApplyStatus.REFUSED, (row,), "deleted_by_itself")
        raise Rejected(ApplyStatus.CONFLICT, (row,))
