"""The bounds of what operations may do, worked out without a database."""

from bisect import insort

import pytest

from contracts.limits import ITEMS_PER_LIST_MAX
from contracts.operations import CreateItem, DeleteItem, MoveItem, Operation
from contracts.store import ApplyStatus
from contracts.todo import TodoItem, TodoList
from todo_store.effects import Effects, Rejected, Rows, effects_of, needs_of
from todo_store.positions import POSITION_MAX_CHARS, between

FULL = TodoList(id="full", name="Full", position="a0", version=1)
ROOMY = TodoList(id="roomy", name="Roomy", position="a1", version=1)


def items_of(list_id: str, count: int) -> dict[str, TodoItem]:
    position, items = None, {}
    for n in range(count):
        position = between(position, None)
        row = f"{list_id}{n}"
        items[row] = TodoItem(id=row, list_id=list_id, title="x", position=position, version=1)
    return items


def rows(items: dict[str, TodoItem]) -> Rows:
    orders: dict[str, list[tuple[str, str]]] = {FULL.id: [], ROOMY.id: []}
    for item in items.values():
        insort(orders[item.list_id], (item.position, item.id))
    return Rows(lists={FULL.id: FULL, ROOMY.id: ROOMY}, items=items, dead={}, orders=orders)


@pytest.fixture(scope="module")
def crowded() -> Rows:
    return rows(items_of("full", ITEMS_PER_LIST_MAX) | items_of("roomy", 3))


@pytest.mark.parametrize(
    "operation",
    [CreateItem(item_id="new", list_id="full", title="x"), MoveItem(item_id="roomy0", list_id="full")],
)
def test_a_full_list_takes_no_more_items(crowded: Rows, operation: Operation) -> None:
    with pytest.raises(Rejected) as caught:
        effects_of(crowded, [operation])
    assert (caught.value.status, caught.value.reason, caught.value.rows) == (
        ApplyStatus.REFUSED,
        "items_limit",
        ("full",),
    )


def test_a_full_list_may_be_put_in_another_order_and_refilled(crowded: Rows) -> None:
    effects = effects_of(
        crowded,
        [
            MoveItem(item_id="full7", list_id="full", first=True),
            DeleteItem(item_id="full8"),
            CreateItem(item_id="new", list_id="full", title="x"),
        ],
    )
    assert [item.id for item in effects.items_changed] == ["full7"]
    assert effects.items_deleted == ("full8",)
    assert effects.items_added[0].position > max(item.position for item in crowded.items.values() if item.id != "new")


@pytest.mark.parametrize(
    "operation",
    [
        MoveItem(item_id="roomy0", list_id="roomy", after_id="roomy0"),
        MoveItem(item_id="roomy0", list_id="roomy", after_id="roomy1", first=True),
    ],
)
def test_a_move_to_no_clear_place_is_refused(operation: Operation) -> None:
    with pytest.raises(Rejected) as caught:
        effects_of(rows(items_of("roomy", 3)), [operation])
    assert (caught.value.status, caught.value.reason) == (ApplyStatus.REFUSED, "place_unclear")


def move_for_ever(items: dict[str, TodoItem]) -> None:
    """The two behind the first one change places until that is refused."""
    for n in range(5_000):
        operation = MoveItem(item_id=f"roomy{1 + n % 2}", list_id="roomy", after_id="roomy0")
        for item in effects_of(rows(items), [operation]).items_changed:
            items[item.id] = item.model_copy(update={"version": 1})


def test_positions_do_not_grow_without_bound() -> None:
    items = items_of("roomy", 3)
    with pytest.raises(Rejected, match="positions_exhausted"):
        move_for_ever(items)
    assert POSITION_MAX_CHARS / 2 < max(len(item.position) for item in items.values()) <= POSITION_MAX_CHARS


def test_nothing_is_asked_for_that_the_operations_do_not_need() -> None:
    needs = needs_of([DeleteItem(item_id="i1")], ["l1"])
    assert (needs.rows, needs.emptied, needs.filled, needs.order_of_lists) == (
        frozenset({"i1", "l1"}),
        frozenset(),
        frozenset(),
        False,
    )


def test_no_operation_leaves_no_effect() -> None:
    assert effects_of(rows(items_of("roomy", 3)), []) == Effects((), (), (), (), (), ())
