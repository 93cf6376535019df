"""Random operations for property tests: numbers that are read as operations on whatever rows are there."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
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

from .world import World

TITLES = ("milk", "eggs", "  tea ", "cafe\u0301", "caf\u00e9")
DUES = (date(2026, 11, 22), datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
MOVES = 3  # moves are drawn this much more often: order is where interleavings go wrong


class Intent(NamedTuple):
    kind: int
    one: int
    two: int
    three: int


intents = st.lists(
    st.builds(Intent, st.integers(0, 9 + MOVES), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)),
    max_size=6,
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One to three lists of up to five items, with some history."""
    world = World()
    for number, size in enumerate(draw(st.lists(st.integers(0, 5), min_size=1, max_size=3))):
        world.commit("setup", [CreateList(list_id=f"l{number}", name=f"List {number}")])
        for index in range(size):
            item = CreateItem(item_id=f"i{number}x{index}", list_id=f"l{number}", title=TITLES[index % len(TITLES)])
            world.commit("setup", [item])
    for operation in script(world, "s", draw(intents)):
        world.commit("setup", [operation])
    return world


def script(world: World, prefix: str, drawn: Sequence[Intent]) -> list[Operation]:
    """Operations that can be done to this world one after another; new rows get ids that begin with `prefix`."""
    trial, numbers, operations = world.copy(), count(), []
    for intent in drawn:
        operation = _operation(trial, f"{prefix}{next(numbers)}", intent)
        if operation is not None:
            trial.commit("trial", [operation])
            operations.append(operation)
    return operations


def _operation(world: World, new_id: str, intent: Intent) -> Operation | None:
    lists, items = world.lists(), world.items()
    title = TITLES[intent.three % len(TITLES)]
    if intent.kind == 0 or not lists:
        return CreateList(list_id=new_id, name=title)
    chosen = lists[intent.one % len(lists)]
    if intent.kind == 1:
        return RenameList(list_id=chosen.id, name=title)
    if intent.kind == 2:
        return DeleteList(list_id=chosen.id)
    if intent.kind in {3, 4} or not items:
        due = (None, *DUES)[intent.two % 3]
        return CreateItem(item_id=new_id, list_id=chosen.id, title=title, due=due)
    return _on_item(world, items[intent.two % len(items)], chosen.id, title, intent)


def _on_item(world: World, item: TodoItem, list_id: str, title: str, intent: Intent) -> Operation:
    operations: dict[int, Operation] = {
        5: UpdateItem(item_id=item.id, title=title, notes="soon" if intent.one % 2 else ""),
        6: UpdateItem(item_id=item.id, due=DUES[intent.one % 2], priority=list(Priority)[intent.three % 4]),
        7: UpdateItem(item_id=item.id, clear_due=True),
        8: CompleteItem(item_id=item.id, done=bool(intent.three % 2)),
        9: DeleteItem(item_id=item.id),
    }
    return operations.get(intent.kind) or _move(world, item, list_id, intent)


def _move(world: World, item: TodoItem, list_id: str, intent: Intent) -> Operation:
    anchors = [other.id for other in world.items(list_id) if other.id != item.id]
    place = intent.three % (len(anchors) + 2)
    if place == 0:
        return MoveItem(item_id=item.id, list_id=list_id)
    if place == 1:
        return MoveItem(item_id=item.id, list_id=list_id, first=True)
    return MoveItem(item_id=item.id, list_id=list_id, after_id=anchors[place - 2])
