"""A State being changed: one method for each operation, doing to a working copy what the store should do to its rows.

Only this module knows what operations mean. Copied once when begun; after that an operation costs the list it touches.
"""

from collections.abc import Iterable

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
from contracts.todo import TodoItem, TodoList
from verification.errors import IdTakenError, LimitError, PlaceError, UndoAloneError, UnknownRowError
from verification.rows import same
from verification.state import State

# The position of a row that the model placed: never the one it had, so that `place` can tell who moved.
PLACED = "*"


class Draft:
    """Takes operations in order; `state()` gives the result. Raises ModelError and is of no use after that."""

    def __init__(self, state: State) -> None:
        self._start = state
        self._lists = dict(state.lists)
        self._items = dict(state.items)
        self._order: dict[str, list[str] | tuple[str, ...]] = dict(state.order)

    def state(self) -> State:
        """What the operations so far have made of it."""
        order = {list_id: tuple(ids) for list_id, ids in self._order.items()}
        return State(self._start.revision, self._lists, self._items, order)

    def items_in(self, list_id: str) -> tuple[str, ...]:
        """The ids of a list's items now, in order."""
        return tuple(self._order.get(list_id, ()))

    def perform(self, operation: Operation) -> bool:
        """Do one operation; False says that a user would see no difference."""
        match operation:
            case CreateList():
                changed = self._create_list(operation)
            case RenameList():
                changed = self._rename_list(operation)
            case DeleteList():
                changed = self._delete_list(operation)
            case CreateItem():
                changed = self._create_item(operation)
            case UpdateItem():
                changed = self._update_item(operation)
            case CompleteItem():
                changed = self._put_item(self._item(operation.item_id), {"done": operation.done})
            case MoveItem():
                changed = self._move_item(operation)
            case DeleteItem():
                changed = self._delete_item(operation)
            case UndoChange():
                # What it comes to stands in the journal; `model.apply` sees to it before there is a draft.
                raise UndoAloneError(operation.change_id)
        return changed

    def _list(self, list_id: str) -> TodoList:
        if (row := self._lists.get(list_id)) is None:
            raise UnknownRowError("list", list_id)
        return row

    def _item(self, item_id: str) -> TodoItem:
        if (row := self._items.get(item_id)) is None:
            raise UnknownRowError("item", item_id)
        return row

    def _put_item(self, item: TodoItem, update: dict[str, object]) -> bool:
        self._items[item.id] = item.model_copy(update=update)
        return not same(item, self._items[item.id])

    def _refuse_taken(self, row_id: str) -> None:
        # Also what this plan deletes: the store keeps a tombstone, and an id means one row for ever.
        known: Iterable[object] = (self._start.row(row_id), self._lists.get(row_id), self._items.get(row_id))
        if any(row is not None for row in known):
            raise IdTakenError(row_id)

    def _refuse_full(self, list_id: str) -> None:
        if len(self._order[list_id]) >= ITEMS_PER_LIST_MAX:
            raise LimitError(list_id, "items in a list", ITEMS_PER_LIST_MAX)

    def _ids(self, list_id: str) -> list[str]:
        ids = self._order[list_id]
        if isinstance(ids, tuple):
            ids = self._order[list_id] = list(ids)
        return ids

    def _create_list(self, operation: CreateList) -> bool:
        self._refuse_taken(operation.list_id)
        if len(self._lists) >= LISTS_MAX:
            raise LimitError(operation.list_id, "lists", LISTS_MAX)
        self._lists[operation.list_id] = TodoList(id=operation.list_id, name=operation.name, position=PLACED, version=1)
        self._order[operation.list_id] = []
        return True

    def _rename_list(self, operation: RenameList) -> bool:
        row = self._list(operation.list_id)
        self._lists[row.id] = row.model_copy(update={"name": operation.name})
        return not same(row, self._lists[row.id])

    def _delete_list(self, operation: DeleteList) -> bool:
        del self._lists[self._list(operation.list_id).id]
        for item_id in self._order.pop(operation.list_id):
            del self._items[item_id]
        return True

    def _create_item(self, operation: CreateItem) -> bool:
        self._refuse_taken(operation.item_id)
        self._list(operation.list_id)
        self._refuse_full(operation.list_id)
        self._items[operation.item_id] = TodoItem(
            id=operation.item_id,
            list_id=operation.list_id,
            title=operation.title,
            notes=operation.notes,
            due=operation.due,
            priority=operation.priority,
            position=PLACED,
            version=1,
        )
        self._ids(operation.list_id).append(operation.item_id)
        return True

    def _update_item(self, operation: UpdateItem) -> bool:
        item = self._item(operation.item_id)
        given = {
            "title": operation.title,
            "notes": operation.notes,
            "due": operation.due,
            "priority": operation.priority,
        }
        update: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        if operation.clear_due:
            update["due"] = None
        return self._put_item(item, update)

    def _move_item(self, operation: MoveItem) -> bool:
        item = self._item(operation.item_id)
        self._list(operation.list_id)
        self._refuse_impossible_place(operation)
        elsewhere = item.list_id != operation.list_id
        if elsewhere:
            self._refuse_full(operation.list_id)
        index = self._ids(item.list_id).index(item.id)
        del self._ids(item.list_id)[index]
        ids = self._ids(operation.list_id)
        goal = 0 if operation.first else len(ids)
        if operation.after_id is not None:
            goal = ids.index(operation.after_id) + 1
        ids.insert(goal, item.id)
        placed = {"list_id": operation.list_id, "position": item.position + PLACED}
        self._items[item.id] = item.model_copy(update=placed)
        return elsewhere or goal != index

    def _refuse_impossible_place(self, operation: MoveItem) -> None:
        if operation.after_id is None:
            return
        if operation.first:
            raise PlaceError(operation.item_id, "gives both first and after_id; give one of them")
        if operation.after_id == operation.item_id:
            raise PlaceError(operation.item_id, "cannot stand behind itself; give another after_id")
        if self._item(operation.after_id).list_id != operation.list_id:
            raise PlaceError(operation.after_id, "is not in the list that is moved to; give an item of that list")

    def _delete_item(self, operation: DeleteItem) -> bool:
        item = self._item(operation.item_id)
        del self._items[item.id]
        self._ids(item.list_id).remove(item.id)
        return True
