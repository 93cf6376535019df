"""What taking a change back is foreseen to do, from the rows and the change's journal entry alone."""

import pytest

from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    UndoChange,
    UpdateItem,
)
from contracts.todo import ItemView, JournalEntry, Place
from verification.diff import diff
from verification.errors import ChangedSinceError, HistoryError
from verification.expect import already_so, expect, versions_relied_on
from verification.model import apply
from verification.state import state_of

from .world import World, world_of

UNDO = UndoChange(change_id="undone")
CHANGES: list[list[Operation]] = [
    [DeleteList(list_id="g")],
    [DeleteItem(item_id="b")],
    [UpdateItem(item_id="a", title="A", notes="n"), CompleteItem(item_id="a")],
    [MoveItem(item_id="c", list_id="g", first=True)],
    [MoveItem(item_id="a", list_id="w", after_id="x")],
    [CreateList(list_id="n", name="n"), CreateItem(item_id="m", list_id="n", title="m")],
]


def history(world: World) -> dict[str, JournalEntry]:
    """The newest change, under the id that UNDO names."""
    return {UNDO.change_id: world.snapshot(since=0).journal[-1]}


@pytest.mark.parametrize("operations", CHANGES)
def test_taking_a_change_back_foresees_the_rows_and_the_order_from_before(operations: list[Operation]) -> None:
    world = world_of(g="a b c d", w="x y")
    before = state_of(world.snapshot())
    world.commit("us", operations)
    after = state_of(world.snapshot())

    foreseen = apply(after, [UNDO], history(world))

    assert foreseen.order == before.order
    assert diff(before, foreseen).changes == ()
    assert expect(after, [UNDO], history(world)).changes
    assert already_so(after, [UNDO], history(world)) == ()


@pytest.mark.parametrize("operations", CHANGES)
def test_a_change_that_is_taken_back_already_is_so_already(operations: list[Operation]) -> None:
    world = world_of(g="a b c d", w="x y")
    before = world.snapshot()
    world.commit("us", operations)
    assert expect(before, [UNDO], history(world)).changes == ()
    assert already_so(before, [UNDO], history(world)) == (UNDO,)


def test_it_relies_on_the_rows_of_the_change_and_the_neighbours_that_tell_the_place() -> None:
    world = world_of(g="a b c d", w="x y")
    world.commit("us", [DeleteItem(item_id="b"), CompleteItem(item_id="x")])
    relied_on = versions_relied_on(world.snapshot(), [UNDO], history(world))
    assert relied_on == {row_id: world.rows[row_id].version for row_id in ("a", "c", "x")}


def test_what_comes_back_where_somebody_stands_now_comes_in_front_of_it() -> None:
    world = world_of(g="b c")
    world.commit("us", [DeleteItem(item_id="c")])
    entry = history(world)
    world.commit("them", [CreateItem(item_id="a", list_id="g", title="a")])
    assert world.rows["a"].position == entry["undone"].images[0].before.position  # type: ignore[union-attr]
    (change,) = expect(world.snapshot(), [UNDO], entry).changes
    assert isinstance(change.after, ItemView)
    assert change.after.place == Place(at="after", item_id="b")


@pytest.mark.parametrize(
    ("ours", "theirs", "rows"),
    [
        (UpdateItem(item_id="a", title="x"), UpdateItem(item_id="a", title="y"), ("a",)),
        (MoveItem(item_id="a", list_id="g"), MoveItem(item_id="a", list_id="g", first=True), ("a",)),
        (DeleteItem(item_id="a"), DeleteList(list_id="g"), ("g",)),
        (CreateList(list_id="n", name="n"), MoveItem(item_id="x", list_id="n"), ("x",)),
    ],
)
def test_what_somebody_changed_since_stands_in_the_way_by_name(
    ours: Operation, theirs: Operation, rows: tuple[str, ...]
) -> None:
    world = world_of(g="a b c", w="x y")
    world.commit("us", [ours])
    entry = history(world)
    world.commit("them", [theirs])
    with pytest.raises(ChangedSinceError) as caught:
        expect(world.snapshot(), [UNDO], entry)
    assert (caught.value.rows, caught.value.reason) == (rows, "changed_since")


def test_an_entry_without_its_images_foresees_nothing() -> None:
    world = world_of(g="a")
    cut = {UNDO.change_id: history(world)[UNDO.change_id].model_copy(update={"truncated": True})}
    with pytest.raises(HistoryError):
        expect(world.snapshot(), [UNDO], cut)
