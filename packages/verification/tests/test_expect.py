"""What a plan relies on, and what of it is so already."""

import pytest

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
from contracts.turns import Verdict
from verification.errors import UnknownChangeError, UnknownRowError
from verification.expect import already_so, expect, versions_relied_on
from verification.judge import judge
from verification.observe import observe

from .world import ConflictError, World, world_of


@pytest.mark.parametrize(
    ("operation", "rows"),
    [
        (CreateList(list_id="n", name="n"), ""),
        (CreateItem(item_id="n", list_id="g", title="n"), ""),
        (RenameList(list_id="g", name="n"), "g"),
        (DeleteList(list_id="g"), "a b c d g"),
        (UpdateItem(item_id="a", title="n"), "a"),
        (CompleteItem(item_id="a"), "a"),
        (DeleteItem(item_id="a"), "a"),
        (MoveItem(item_id="a", list_id="w"), "a"),
        (MoveItem(item_id="a", list_id="w", first=True), "a x"),
        (MoveItem(item_id="a", list_id="w", after_id="x"), "a x y"),
        (MoveItem(item_id="a", list_id="w", after_id="y"), "a y"),
        (MoveItem(item_id="a", list_id="g"), "a d"),
        (MoveItem(item_id="c", list_id="g", first=True), "a c"),
        (MoveItem(item_id="d", list_id="g", after_id="a"), "a b d"),
    ],
)
def test_a_plan_relies_on_the_rows_it_names_and_those_that_tell_its_place(operation: Operation, rows: str) -> None:
    world = world_of(g="a b c d", w="x y")
    world.write("a", notes="now at version 2")
    relied_on = versions_relied_on(world.snapshot(), [operation])
    assert relied_on == {row_id: world.rows[row_id].version for row_id in rows.split()}


def test_what_a_plan_makes_itself_has_no_version_to_rely_on() -> None:
    operations: list[Operation] = [
        CreateList(list_id="n", name="n"),
        CreateItem(item_id="m", list_id="n", title="m"),
        CompleteItem(item_id="m"),
        MoveItem(item_id="a", list_id="n", after_id="m"),
        DeleteList(list_id="n"),
    ]
    assert versions_relied_on(world_of(g="a").snapshot(), operations) == {"a": 1}


def test_what_is_so_already_is_judged_after_the_operations_before_it() -> None:
    world = world_of(g="milk eggs")
    world.write("milk", done=True, notes="cold", due="2026-11-22")
    nothing: list[Operation] = [
        CompleteItem(item_id="milk"),
        CompleteItem(item_id="eggs", done=False),
        RenameList(list_id="g", name=" G "),
        UpdateItem(item_id="milk", title="milk", notes="cold\n", due="2026-11-22"),
        UpdateItem(item_id="eggs", clear_due=True),
        MoveItem(item_id="eggs", list_id="g"),
    ]
    something: list[Operation] = [
        CompleteItem(item_id="eggs"),
        RenameList(list_id="g", name="Food"),
        UpdateItem(item_id="milk", clear_due=True),
        MoveItem(item_id="milk", list_id="g"),
    ]
    assert already_so(world.snapshot(), nothing) == tuple(nothing)
    assert expect(world.snapshot(), nothing).changes == ()
    assert already_so(world.snapshot(), something) == ()
    assert already_so(world.snapshot(), [*something, *something]) == tuple(something)


def test_what_cannot_be_foreseen_is_refused_by_every_question() -> None:
    snapshot = world_of(g="milk").snapshot()
    for question in (expect, already_so, versions_relied_on):
        with pytest.raises(UnknownChangeError):
            question(snapshot, [UndoChange(change_id="c1")])
        with pytest.raises(UnknownRowError):
            question(snapshot, [CompleteItem(item_id="no")])


RACES: dict[str, tuple[Operation, Operation, str]] = {
    "the deleted list's item was edited": (DeleteList(list_id="g"), UpdateItem(item_id="a", title="z"), "a"),
    "the deleted list's item was deleted": (DeleteList(list_id="g"), DeleteItem(item_id="a"), "a"),
    "the deleted list's item went elsewhere": (DeleteList(list_id="g"), MoveItem(item_id="a", list_id="w"), "a"),
    "the item behind which it should go is gone": (MoveItem(item_id="a", list_id="g"), DeleteItem(item_id="b"), "b"),
    "the item behind which it should go went elsewhere": (
        MoveItem(item_id="a", list_id="w", after_id="y"),
        MoveItem(item_id="y", list_id="w", first=True),
        "y",
    ),
    "the item before which it should go is gone": (
        MoveItem(item_id="x", list_id="g", first=True),
        MoveItem(item_id="a", list_id="w"),
        "a",
    ),
}


@pytest.mark.parametrize("race", RACES)
def test_without_relying_on_it_an_honest_store_would_be_refuted_and_with_it_there_is_a_conflict(race: str) -> None:
    ours, theirs, row_id = RACES[race]

    def run(world: World, guarded: bool) -> Verdict:
        plan = world.snapshot()
        relies_on = versions_relied_on(plan, [ours])
        assert row_id in relies_on
        if not guarded:
            del relies_on[row_id]
        world.commit("them", [theirs])
        world.commit("us", [ours], relies_on)
        confirm = world.snapshot(since=plan.revision)
        expected = expect(plan, [ours])
        return judge(expected, observe(plan, confirm, confirm.journal, "us", expected).ours).verdict

    lists = {"g": "a b" if race != "the item before which it should go is gone" else "a", "w": "x y"}
    assert run(world_of(**lists), guarded=False) is Verdict.REFUTED
    with pytest.raises(ConflictError):
        run(world_of(**lists), guarded=True)
