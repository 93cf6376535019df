"""Random operations for the state machine: numbers that are read as operations on whatever rows are there."""

from datetime import UTC, date, datetime
from typing import NamedTuple

from hypothesis import strategies as st

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
from contracts.todo import Priority, TodoItem
from verification.errors import ModelError
from verification.model import apply
from verification.state import State

TITLES = ("milk", "eggs", "  tea ", "cafe\u0301", "caf\u00e9")
DUES = (date(2026, 11, 22), datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
KINDS = 14


class Intent(NamedTuple):
    kind: int
    one: int
    two: int
    three: int


intents = st.lists(
    st.builds(Intent, st.integers(0, KINDS), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)),
    min_size=1,
    max_size=5,
)


def script(state: State, prefix: str, drawn: list[Intent]) -> list[Operation]:
    """Operations that can be done to these rows one after another; new rows get ids that begin with `prefix`."""
    done: list[Operation] = []
    now = state
    for number, intent in enumerate(drawn):
        operation = _operation(now, f"{prefix}{number}", intent)
        try:
            # Against the start: an id that these operations delete is not free again.
            now = apply(state, [*done, operation])
        except ModelError:
            continue
        done.append(operation)
    return done


def _operation(state: State, new_id: str, intent: Intent) -> Operation:
    lists, items = list(state.lists.values()), list(state.items.values())
    title = TITLES[intent.three % len(TITLES)]
    if intent.kind == 0 or not lists:
        return CreateList(list_id=f"l{new_id}", name=title)
    chosen = lists[intent.one % len(lists)]
    if intent.kind == 1:
        return RenameList(list_id=chosen.id, name=title)
    if intent.kind == 2:
        return DeleteList(list_id=chosen.id)
    if intent.kind in {3, 4, 5} or not items:
        due = (None, *DUES)[intent.two % 3]
        return CreateItem(item_id=f"i{new_id}", list_id=chosen.id, title=title, due=due)
    return _on_item(state, items[intent.two % len(items)], chosen.id, title, intent)


def _on_item(state: State, item: TodoItem, list_id: str, title: str, intent: Intent) -> Operation:
    operations: dict[int, Operation] = {
        6: UpdateItem(item_id=item.id, title=title, notes="soon" if intent.one % 2 else ""),
        7: UpdateItem(item_id=item.id, due=DUES[intent.one % 2], priority=list(Priority)[intent.three % 4]),
        8: UpdateItem(item_id=item.id, clear_due=True),
        9: CompleteItem(item_id=item.id, done=bool(intent.three % 2)),
        10: DeleteItem(item_id=item.id),
    }
    return operations.get(intent.kind) or _move(state, item, list_id, intent)


def _move(state: State, item: TodoItem, list_id: str, intent: Intent) -> Operation:
    anchors = [other for other in state.order[list_id] if other != item.id]
    place = intent.three % (len(anchors) + 2)
    if place == 0:
        return MoveItem(item_id=item.id, list_id=list_id)
    if place == 1:
        return MoveItem(item_id=item.id, list_id=list_id, first=True)
    return MoveItem(item_id=item.id, list_id=list_id, after_id=anchors[place - 2])
