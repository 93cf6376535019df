"""What counts as a change a user can see, and how it is told."""

from datetime import datetime

import pytest

from contracts.operations import (
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UpdateItem,
)
from contracts.todo import Diff, ItemView, ListView, Place, RowChange, TodoItem, TodoList
from verification.diff import diff, view_of
from verification.model import State, apply, state_of

from .world import World, world_of


def difference(world: World, *operations: Operation) -> Diff:
    before = state_of(world.snapshot())
    return diff(before, apply(before, operations))


def places(changes: Diff) -> dict[str, Place | None]:
    return {c.id: c.after.place for c in changes.changes if isinstance(c.after, ItemView)}


def altered(world: World, row_id: str, **fields: object) -> State:
    """The state with fields set past every normalisation, as a row might come from a store that has none."""
    rows = {row_id: world.rows[row_id].model_copy(update=fields)}
    state = state_of(world.snapshot())
    return state.with_rows(state.revision, rows)


def test_equal_states_differ_in_nothing() -> None:
    world = world_of(g="milk", w="")
    assert diff(state_of(world.snapshot()), state_of(world.snapshot())) == Diff()


def test_an_added_a_changed_and_a_removed_item_are_told_with_the_name_of_their_list() -> None:
    changes = difference(
        world_of(g="milk eggs"),
        CreateItem(item_id="tea", list_id="g", title="tea"),
        UpdateItem(item_id="milk", title="oat milk"),
        DeleteItem(item_id="eggs"),
    )
    eggs, milk = ItemView(list_id="g", title="eggs"), ItemView(list_id="g", title="milk")
    assert changes.changes == (
        RowChange(id="eggs", before=eggs, list_name="G"),
        RowChange(id="milk", before=milk, after=milk.model_copy(update={"title": "oat milk"}), list_name="G"),
        RowChange(id="tea", after=ItemView(list_id="g", title="tea"), list_name="G"),
    )


def test_a_new_a_renamed_and_a_deleted_list_are_told_and_the_items_go_with_theirs() -> None:
    changes = difference(
        world_of(g="milk", w="nails"),
        CreateList(list_id="t", name="Travel"),
        RenameList(list_id="g", name="Food"),
        DeleteList(list_id="w"),
    )
    assert changes.changes == (
        RowChange(id="nails", before=ItemView(list_id="w", title="nails"), list_name="W"),
        RowChange(id="g", before=ListView(name="G"), after=ListView(name="Food")),
        RowChange(id="t", after=ListView(name="Travel")),
        RowChange(id="w", before=ListView(name="W")),
    )


def test_an_item_moved_to_another_list_is_told_with_the_name_of_the_new_one() -> None:
    (change,) = difference(world_of(g="milk", w=""), MoveItem(item_id="milk", list_id="w")).changes
    assert change.list_name == "W"
    assert (change.before, change.after) == (ItemView(list_id="g", title="milk"), ItemView(list_id="w", title="milk"))


def test_changes_are_sorted_by_kind_and_id() -> None:
    operations = [CreateList(list_id=i, name=i) for i in ("b", "a")]
    items = [CreateItem(item_id=i, list_id="a", title=i) for i in ("z", "y")]
    changes = difference(World(), *operations, *items)
    assert [change.id for change in changes.changes] == ["y", "z", "a", "b"]


@pytest.mark.parametrize(
    "fields", [{"version": 7}, {"position": "77"}, {"title": "cafe\u0301"}, {"title": " caf\u00e9\n"}]
)
def test_versions_positions_and_the_form_of_text_are_not_seen(fields: dict[str, object]) -> None:
    world = World()
    world.commit("setup", [CreateList(list_id="g", name="g"), CreateItem(item_id="i", list_id="g", title="caf\u00e9")])
    assert diff(state_of(world.snapshot()), altered(world, "i", **fields)) == Diff()


@pytest.mark.parametrize(
    "fields",
    [{"title": "x"}, {"notes": "x"}, {"done": True}, {"due": "2026-11-22"}, {"priority": "low"}, {"list_id": "w"}],
    ids=lambda fields: next(iter(fields)),
)
def test_every_field_that_a_user_sees_is_seen(fields: dict[str, object]) -> None:
    world = world_of(g="milk", w="")
    before = state_of(world.snapshot())
    world.write("milk", **fields)
    assert [change.id for change in diff(before, state_of(world.snapshot())).changes] == ["milk"]


def test_the_same_moment_with_another_offset_is_the_same() -> None:
    world = world_of(g="milk")
    world.write("milk", due="2026-11-22T10:30:00+02:00")
    other = datetime.fromisoformat("2026-11-22T08:30:00+00:00")
    assert diff(state_of(world.snapshot()), altered(world, "milk", due=other)) == Diff()


def test_a_list_whose_row_is_gone_while_its_items_are_there_does_not_hide_them() -> None:
    world = world_of(g="milk")
    before = state_of(world.snapshot())
    del world.rows["g"]
    world.write("milk", title="oat milk")
    assert [change.id for change in diff(before, state_of(world.snapshot())).changes] == ["milk", "g"]


@pytest.mark.parametrize(
    ("move", "place"),
    [
        (MoveItem(item_id="b", list_id="g"), Place(at="end")),
        (MoveItem(item_id="b", list_id="g", first=True), Place(at="first")),
        (MoveItem(item_id="b", list_id="g", after_id="c"), Place(at="after", item_id="c")),
        (MoveItem(item_id="b", list_id="w"), None),
        (MoveItem(item_id="b", list_id="w", first=True), Place(at="first")),
        (MoveItem(item_id="b", list_id="w", after_id="x"), Place(at="after", item_id="x")),
    ],
)
def test_only_the_moved_item_is_told_and_where_it_went(move: MoveItem, place: Place | None) -> None:
    assert places(difference(world_of(g="a b c d", w="x y"), move)) == {"b": place}


@pytest.mark.parametrize("moved", ["a", "b"])
def test_of_two_swapped_items_the_one_that_was_moved_is_told(moved: str) -> None:
    world = world_of(g="a b")
    before = state_of(world.snapshot())
    move = MoveItem(item_id=moved, list_id="g", first=moved == "b")
    world.commit("us", [move])
    expected = {moved: Place(at="first" if moved == "b" else "end")}
    assert places(diff(before, state_of(world.snapshot()))) == expected
    assert places(diff(before, apply(before, [move]))) == expected


def test_a_move_to_where_it_stands_already_is_no_change() -> None:
    for move in (MoveItem(item_id="c", list_id="g"), MoveItem(item_id="b", list_id="g", after_id="a")):
        assert difference(world_of(g="a b c"), move) == Diff()


def test_items_added_together_are_told_in_their_order() -> None:
    new = [CreateItem(item_id=i, list_id="g", title=i) for i in ("y", "x")]
    assert places(difference(world_of(g="a"), *new)) == {"y": None, "x": Place(at="after", item_id="y")}


def test_new_positions_in_the_old_order_are_no_change_and_in_a_new_order_the_fewest_moves() -> None:
    world = world_of(g="a b c d")
    before = state_of(world.snapshot())
    for index, item_id in enumerate("abcd"):
        world.write(item_id, position=f"0{index + 1}")
    assert diff(before, state_of(world.snapshot())) == Diff()
    for index, item_id in enumerate("dabc"):
        world.write(item_id, position=f"00{index + 1}")
    assert places(diff(before, state_of(world.snapshot()))) == {"d": Place(at="first")}


def test_a_view_is_the_visible_part_in_its_normal_form() -> None:
    row = TodoList(id="g", name="x", position="1", version=3).model_copy(update={"name": " cafe\u0301 "})
    assert view_of(row) == ListView(name="caf\u00e9")
    item = TodoItem(id="i", list_id="g", title="t", notes="n", done=True, position="1", version=3)
    assert view_of(item.model_copy(update={"notes": "n\r\n\r\nm "})) == ItemView(
        list_id="g", title="t", notes="n\n\nm", done=True
    )
