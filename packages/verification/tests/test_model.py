"""What each operation does to the model, and what it refuses."""

from collections.abc import Sequence
from datetime import date

import pytest

from contracts.limits import ITEMS_PER_LIST_MAX, LISTS_MAX
from contracts.message import ErrorCode
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
from contracts.store import Snapshot
from contracts.todo import Priority, TodoItem, TodoList
from verification.errors import (
    ChangedSinceError,
    IdTakenError,
    LimitError,
    ModelError,
    PlaceError,
    SnapshotError,
    UndoAloneError,
    UnknownChangeError,
    UnknownRowError,
)
from verification.model import State, apply, state_of

from .world import OWNER, world_of


def after(*operations: Operation, **lists: str) -> State:
    return apply(state_of(world_of(**lists).snapshot()), operations)


def test_rows_are_ordered_by_position_and_id_however_they_come() -> None:
    lists = [TodoList(id=i, name=i, position=p, version=1) for i, p in (("z", "2"), ("y", "1"))]
    places = (("c", "5"), ("b", "5"), ("a", "7"), ("d", "15"))
    items = [TodoItem(id=i, list_id="z", title=i, position=p, version=1) for i, p in places]
    state = state_of(Snapshot(owner=OWNER, revision=1, lists=tuple(lists), items=tuple(items)))
    assert list(state.lists) == ["y", "z"]
    assert [item.id for item in state.items_of("z")] == ["d", "b", "c", "a"]
    assert state.items_of("y") == state.items_of("nowhere") == ()


@pytest.mark.parametrize("kind", ["list", "item", "both"])
def test_a_snapshot_that_names_an_id_twice_is_refused(kind: str) -> None:
    row = TodoList(id="x", name="x", position="1", version=1)
    item = TodoItem(id="x", list_id="x", title="x", position="1", version=1)
    rows = {"list": ((row, row), ()), "item": ((), (item, item)), "both": ((row,), (item,))}[kind]
    with pytest.raises(SnapshotError) as caught:
        state_of(Snapshot(owner=OWNER, revision=1, lists=rows[0], items=rows[1]))
    assert caught.value.row_id == "x"


def test_applying_leaves_the_state_as_it_was_and_shares_what_did_not_change() -> None:
    before = state_of(world_of(g="milk eggs", w="nails").snapshot())
    untouched = state_of(world_of(g="milk eggs", w="nails").snapshot())
    changed = apply(before, [CompleteItem(item_id="milk"), MoveItem(item_id="nails", list_id="g")])
    assert before == untouched
    assert changed.items["milk"].done
    assert changed.items["eggs"] is before.items["eggs"]
    assert changed.lists["g"] is before.lists["g"]


def test_a_new_list_is_empty_and_can_be_used_by_later_operations() -> None:
    state = after(CreateList(list_id="t", name=" Travel "), CreateItem(item_id="p", list_id="t", title="passport"))
    assert state.lists["t"].name == "Travel"
    assert [item.title for item in state.items_of("t")] == ["passport"]


def test_an_item_is_added_at_the_end_with_all_it_was_given() -> None:
    due = date(2026, 11, 23)
    new = CreateItem(item_id="tea", list_id="g", title="tea", notes="green", due=due, priority=Priority.HIGH)
    state = after(new, g="milk eggs")
    assert state.order["g"] == ("milk", "eggs", "tea")
    tea = state.items["tea"]
    assert (tea.title, tea.notes, tea.due, tea.priority, tea.done) == ("tea", "green", due, Priority.HIGH, False)


def test_an_update_changes_the_fields_given_and_no_others() -> None:
    made = CreateItem(item_id="tea", list_id="g", title="tea", notes="green", due=date(2026, 11, 23))
    state = after(made, UpdateItem(item_id="tea", title="chai"), g="")
    assert (state.items["tea"].title, state.items["tea"].notes) == ("chai", "green")
    assert state.items["tea"].due == date(2026, 11, 23)
    assert apply(state, [UpdateItem(item_id="tea", notes="")]).items["tea"].notes == ""
    assert apply(state, [UpdateItem(item_id="tea", clear_due=True)]).items["tea"].due is None


def test_an_item_is_completed_and_opened_again() -> None:
    done = after(CompleteItem(item_id="milk"), g="milk")
    assert done.items["milk"].done
    assert not apply(done, [CompleteItem(item_id="milk", done=False)]).items["milk"].done


def test_deleting_a_list_takes_its_items_and_no_others() -> None:
    state = after(DeleteList(list_id="g"), g="milk eggs", w="nails")
    assert list(state.items) == ["nails"]
    assert list(state.lists) == list(state.order) == ["w"]


def test_a_list_is_renamed_and_an_item_deleted() -> None:
    state = after(RenameList(list_id="g", name="Food"), DeleteItem(item_id="milk"), g="milk eggs")
    assert state.lists["g"].name == "Food"
    assert state.order["g"] == ("eggs",)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (MoveItem(item_id="b", list_id="g"), {"g": "a c b", "w": "x y"}),
        (MoveItem(item_id="b", list_id="g", first=True), {"g": "b a c", "w": "x y"}),
        (MoveItem(item_id="a", list_id="g", after_id="b"), {"g": "b a c", "w": "x y"}),
        (MoveItem(item_id="c", list_id="g", after_id="a"), {"g": "a c b", "w": "x y"}),
        (MoveItem(item_id="b", list_id="w"), {"g": "a c", "w": "x y b"}),
        (MoveItem(item_id="b", list_id="w", first=True), {"g": "a c", "w": "b x y"}),
        (MoveItem(item_id="b", list_id="w", after_id="x"), {"g": "a c", "w": "x b y"}),
    ],
)
def test_an_item_moves_to_the_end_the_front_or_behind_another(move: MoveItem, expected: dict[str, str]) -> None:
    state = after(move, g="a b c", w="x y")
    assert {list_id: " ".join(ids) for list_id, ids in state.order.items()} == expected
    assert state.items[move.item_id].list_id == move.list_id


@pytest.mark.parametrize(
    ("operations", "error", "row_id"),
    [
        ([RenameList(list_id="no", name="x")], UnknownRowError, "no"),
        ([DeleteList(list_id="no")], UnknownRowError, "no"),
        ([CreateItem(item_id="i", list_id="no", title="x")], UnknownRowError, "no"),
        ([UpdateItem(item_id="no", title="x")], UnknownRowError, "no"),
        ([CompleteItem(item_id="no")], UnknownRowError, "no"),
        ([DeleteItem(item_id="no")], UnknownRowError, "no"),
        ([MoveItem(item_id="no", list_id="g")], UnknownRowError, "no"),
        ([MoveItem(item_id="milk", list_id="no")], UnknownRowError, "no"),
        ([MoveItem(item_id="milk", list_id="g", after_id="no")], UnknownRowError, "no"),
        ([DeleteItem(item_id="milk"), CompleteItem(item_id="milk")], UnknownRowError, "milk"),
        ([DeleteList(list_id="g"), CompleteItem(item_id="milk")], UnknownRowError, "milk"),
        ([CreateList(list_id="g", name="x")], IdTakenError, "g"),
        ([CreateItem(item_id="milk", list_id="g", title="x")], IdTakenError, "milk"),
        ([CreateItem(item_id="g", list_id="g", title="x")], IdTakenError, "g"),
        ([DeleteItem(item_id="milk"), CreateItem(item_id="milk", list_id="g", title="x")], IdTakenError, "milk"),
        ([CreateList(list_id="n", name="x"), CreateList(list_id="n", name="y")], IdTakenError, "n"),
        ([MoveItem(item_id="milk", list_id="g", after_id="eggs", first=True)], PlaceError, "milk"),
        ([MoveItem(item_id="milk", list_id="g", after_id="milk")], PlaceError, "milk"),
        ([MoveItem(item_id="milk", list_id="g", after_id="nails")], PlaceError, "nails"),
        ([UndoChange(change_id="c1")], UnknownChangeError, "c1"),
        ([CompleteItem(item_id="milk"), UndoChange(change_id="c1")], UndoAloneError, "c1"),
    ],
)
def test_what_the_store_would_refuse_is_refused_and_named(
    operations: Sequence[Operation], error: type[ModelError], row_id: str
) -> None:
    with pytest.raises(error) as caught:
        after(*operations, g="milk eggs", w="nails")
    assert caught.value.row_id == row_id
    assert caught.value.detail


def test_errors_carry_the_code_that_a_stranger_may_see() -> None:
    codes = {
        UnknownRowError("item", "x"): ErrorCode.NOT_FOUND,
        IdTakenError("x"): ErrorCode.CONFLICT,
        LimitError("x", "lists", 1): ErrorCode.LIMIT,
        PlaceError("x", "detail"): ErrorCode.INVALID,
        UnknownChangeError("x"): ErrorCode.NOT_FOUND,
        UndoAloneError("x"): ErrorCode.INVALID,
        ChangedSinceError("x", ("y",)): ErrorCode.CONFLICT,
    }
    assert all(error.code is code for error, code in codes.items())


def test_the_last_list_that_fits_is_made_and_the_next_refused() -> None:
    lists = [CreateList(list_id=f"n{index}", name="x") for index in range(LISTS_MAX)]
    assert len(after(*lists).lists) == LISTS_MAX
    with pytest.raises(LimitError) as caught:
        after(*lists, g="")
    assert caught.value.row_id == f"n{LISTS_MAX - 1}"


def test_a_full_list_takes_no_item_by_adding_nor_by_moving_but_lets_its_own_be_moved() -> None:
    adding = [CreateItem(item_id=f"n{index}", list_id="g", title="x") for index in range(ITEMS_PER_LIST_MAX)]
    full = after(*adding, g="", w="nails")
    for operation in (CreateItem(item_id="more", list_id="g", title="x"), MoveItem(item_id="nails", list_id="g")):
        with pytest.raises(LimitError) as caught:
            apply(full, [operation])
        assert caught.value.row_id == "g"
    assert apply(full, [MoveItem(item_id="n0", list_id="g")]).order["g"][-1] == "n0"
