"""Whose change is whose: others' writes before and after ours, and journals that do not suffice."""

from collections.abc import Sequence

import pytest

from contracts.operations import (
    CompleteItem,
    CreateItem,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UpdateItem,
)
from contracts.todo import Diff, ItemView, ListView, Place, RowChange
from contracts.turns import Verdict
from verification.diff import diff
from verification.errors import HistoryError
from verification.expect import expect, versions_relied_on
from verification.history import rewind
from verification.judge import judge
from verification.model import state_of
from verification.observe import Observed, observe

from .world import World, world_of


def turn(
    world: World, ours: Sequence[Operation], earlier: Sequence[Operation] = (), later: Sequence[Operation] = ()
) -> tuple[Verdict, Observed]:
    plan = world.snapshot()
    for operation in earlier:
        world.commit("them", [operation])
    expected = expect(plan, ours)
    entry = world.commit("us", ours, versions_relied_on(plan, ours))
    for operation in later:
        world.commit("them", [operation])
    confirm = world.snapshot(since=plan.revision)
    seen = observe(plan, confirm, confirm.journal, "us", expected)
    assert seen == observe(state_of(plan), state_of(confirm), confirm.journal, entry.change_id, expected)
    return judge(expected, seen.ours).verdict, seen


def view(title: str, list_id: str = "g", done: bool = False) -> ItemView:
    return ItemView(list_id=list_id, title=title, done=done)


def test_alone_all_that_changed_is_ours() -> None:
    verdict, seen = turn(world_of(g="milk"), [CompleteItem(item_id="milk")])
    assert verdict is Verdict.CONFIRMED
    assert seen.ours.changes == (
        RowChange(id="milk", before=view("milk"), after=view("milk", done=True), list_name="G"),
    )
    assert seen.others == Diff()


def test_a_row_that_another_changed_after_us_is_confirmed_and_the_later_change_is_theirs() -> None:
    verdict, seen = turn(
        world_of(g="milk"), [CompleteItem(item_id="milk")], later=[UpdateItem(item_id="milk", title="oat milk")]
    )
    assert verdict is Verdict.CONFIRMED
    assert seen.others.changes == (
        RowChange(id="milk", before=view("milk", done=True), after=view("oat milk", done=True), list_name="G"),
    )


def test_a_row_of_ours_that_another_deleted_or_turned_back_is_confirmed() -> None:
    new = CreateItem(item_id="tea", list_id="g", title="tea")
    verdict, seen = turn(world_of(g="milk"), [new], later=[DeleteItem(item_id="tea")])
    assert verdict is Verdict.CONFIRMED
    assert seen.others.changes == (RowChange(id="tea", before=view("tea"), list_name="G"),)

    verdict, seen = turn(
        world_of(g="milk"), [CompleteItem(item_id="milk")], later=[CompleteItem(item_id="milk", done=False)]
    )
    assert verdict is Verdict.CONFIRMED
    assert len(seen.others.changes) == 1


def test_what_others_changed_before_us_is_theirs() -> None:
    verdict, seen = turn(
        world_of(g="milk eggs"),
        [CompleteItem(item_id="milk")],
        earlier=[UpdateItem(item_id="eggs", title="six eggs"), RenameList(list_id="g", name="Food")],
    )
    assert verdict is Verdict.CONFIRMED
    assert [change.id for change in seen.ours.changes] == ["milk"]
    assert seen.others.changes == (
        RowChange(id="eggs", before=view("eggs"), after=view("six eggs"), list_name="Food"),
        RowChange(id="g", before=ListView(name="G"), after=ListView(name="Food")),
    )


def test_what_others_changed_before_and_after_us_is_told_as_one_change() -> None:
    earlier: list[Operation] = [UpdateItem(item_id="eggs", title="six eggs"), CompleteItem(item_id="bread")]
    later: list[Operation] = [UpdateItem(item_id="eggs", title="ten eggs"), CompleteItem(item_id="bread", done=False)]
    _, seen = turn(world_of(g="milk eggs bread"), [CompleteItem(item_id="milk")], earlier, later)
    assert seen.others.changes == (RowChange(id="eggs", before=view("eggs"), after=view("ten eggs"), list_name="G"),)


def test_an_item_that_another_moved_and_then_changed_is_told_with_its_place() -> None:
    earlier = [MoveItem(item_id="eggs", list_id="g", first=True)]
    later = [CompleteItem(item_id="eggs")]
    _, seen = turn(world_of(g="milk eggs"), [CreateItem(item_id="tea", list_id="g", title="tea")], earlier, later)
    (change,) = seen.others.changes
    assert isinstance(change.after, ItemView)
    assert change.after.done
    assert change.after.place is not None
    assert change.after.place.at == "first"


def test_an_item_that_another_added_goes_unjudged_with_the_list_that_we_delete() -> None:
    verdict, seen = turn(
        world_of(g="milk", w="nails"),
        [DeleteList(list_id="g")],
        earlier=[CreateItem(item_id="jam", list_id="g", title="jam"), MoveItem(item_id="nails", list_id="g")],
    )
    assert verdict is Verdict.CONFIRMED
    assert [change.id for change in seen.ours.changes] == ["milk", "g"]
    assert [(change.id, change.after) for change in seen.others.changes] == [
        ("jam", view("jam")),
        ("nails", view("nails").model_copy(update={"place": Place(at="after", item_id="jam")})),
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        CreateItem(item_id="jam", list_id="g", title="jam"),
        DeleteItem(item_id="b"),
        MoveItem(item_id="a", list_id="g"),
        MoveItem(item_id="b", list_id="w"),
        MoveItem(item_id="x", list_id="g"),
    ],
    ids=["adds", "deletes the last", "moves to the end", "takes the last away", "brings one to the end"],
)
def test_we_add_at_the_end_whatever_others_do_to_the_end(theirs: Operation) -> None:
    ours = [CreateItem(item_id="tea", list_id="g", title="tea"), CreateItem(item_id="rice", list_id="g", title="rice")]
    for earlier, later in (([theirs], []), ([], [theirs])):
        assert turn(world_of(g="a b", w="x"), ours, earlier, later)[0] is Verdict.CONFIRMED


def test_a_missing_entry_makes_it_impossible_to_say_anything() -> None:
    world = world_of(g="milk eggs")
    plan = world.snapshot()
    for item_id in ("milk", "eggs", "milk"):
        world.commit("us", [CompleteItem(item_id=item_id)])
    confirm = world.snapshot(since=plan.revision)
    for missing in range(3):
        journal = [entry for index, entry in enumerate(confirm.journal or ()) if index != missing]
        with pytest.raises(HistoryError) as caught:
            observe(plan, confirm, journal, "us", Diff())
        assert caught.value.revision == plan.revision + missing + 1


def test_rows_older_than_the_plan_are_refused() -> None:
    world = world_of(g="milk")
    old = world.snapshot(since=0)
    world.commit("them", [CompleteItem(item_id="milk")])
    with pytest.raises(HistoryError):
        observe(world.snapshot(), old, old.journal, "us", Diff())


def test_entries_outside_the_two_reads_are_ignored() -> None:
    world = world_of(g="milk")
    plan = world.snapshot()
    world.commit("us", [CompleteItem(item_id="milk")])
    confirm = world.snapshot()
    world.commit("them", [DeleteItem(item_id="milk")])
    seen = observe(plan, confirm, world.journal, "us", Diff())
    assert [change.id for change in seen.ours.changes] == ["milk"]
    assert seen.others == Diff()


def test_rewinding_gives_back_rows_order_and_revision() -> None:
    world = world_of(g="a b c", w="x")
    plan = state_of(world.snapshot())
    for operation in (
        MoveItem(item_id="c", list_id="g", first=True),
        UpdateItem(item_id="c", title="sea"),
        MoveItem(item_id="a", list_id="w"),
        DeleteList(list_id="w"),
        CreateItem(item_id="d", list_id="g", title="d"),
    ):
        world.commit("us", [operation])
    confirm = world.snapshot(since=plan.revision)
    assert confirm.journal is not None
    assert rewind(confirm, confirm.journal) == plan
    assert rewind(confirm, confirm.journal, plan.revision) == plan
    assert rewind(confirm, ()) == state_of(confirm)


def test_rewinding_through_a_gap_is_refused() -> None:
    world = world_of(g="a b")
    plan = world.snapshot()
    world.commit("us", [CompleteItem(item_id="a")])
    world.commit("us", [CompleteItem(item_id="b")])
    journal = world.snapshot(since=plan.revision).journal or ()
    with pytest.raises(HistoryError):
        rewind(world.snapshot(), journal[:1])
    with pytest.raises(HistoryError):
        rewind(world.snapshot(), journal[1:], plan.revision)


def test_rewinding_leaves_a_row_that_contradicts_the_journal_so_that_nothing_is_confirmed() -> None:
    world = world_of(g="milk")
    plan = world.snapshot()
    ours = [CompleteItem(item_id="milk")]
    world.commit("us", ours)
    world.write("milk", title="cream")
    confirm = world.snapshot(since=plan.revision)
    journal = confirm.journal or ()
    seen = observe(rewind(confirm, journal), confirm, journal, "us", expect(plan, ours))
    assert judge(expect(plan, ours), seen.ours).verdict is Verdict.REFUTED


def test_a_change_of_ours_in_several_images_of_one_row_is_walked_in_order() -> None:
    world = world_of(g="milk")
    plan = world.snapshot()
    entry = world.commit("them", [UpdateItem(item_id="milk", title="oat milk"), CompleteItem(item_id="milk")])
    (image,) = entry.images
    midway = image.after.model_copy(update={"done": False}) if image.after is not None else None
    split = (image.model_copy(update={"after": midway}), image.model_copy(update={"before": midway}))
    world.journal[-1] = entry.model_copy(update={"images": split})
    world.commit("us", [CreateItem(item_id="tea", list_id="g", title="tea")])
    confirm = world.snapshot(since=plan.revision)
    seen = observe(plan, confirm, confirm.journal, "us", Diff())
    assert [change.id for change in seen.ours.changes] == ["tea"]
    assert rewind(confirm, confirm.journal or ()) == state_of(plan)


def test_an_added_item_that_a_moved_one_passes_relies_on_its_neighbours() -> None:
    ours: list[Operation] = [
        CreateItem(item_id="tea", list_id="g", title="tea"),
        MoveItem(item_id="b", list_id="g"),
    ]
    assert versions_relied_on(world_of(g="a b").snapshot(), ours) == {"a": 1, "b": 1}
    assert turn(world_of(g="a b"), ours)[0] is Verdict.CONFIRMED


def test_a_new_order_is_told_by_the_moves_of_the_plan_though_a_moved_item_got_its_old_position_again() -> None:
    ours: list[Operation] = [
        MoveItem(item_id="c", list_id="g", first=True),
        MoveItem(item_id="b", list_id="g", first=True),
        MoveItem(item_id="a", list_id="g", after_id="c"),
    ]
    world = world_of(g="a b c d")
    plan = world.snapshot()
    expected = expect(plan, ours)
    world.commit("us", ours)
    assert world.rows["a"].position == next(item.position for item in plan.items if item.id == "a")
    confirm = world.snapshot(since=plan.revision)

    assert judge(expected, observe(plan, confirm, confirm.journal, "us", expected).ours).verdict is Verdict.CONFIRMED
    assert judge(expected, diff(state_of(plan), state_of(confirm))).verdict is Verdict.REFUTED


def test_an_entry_that_comes_in_pieces_is_joined() -> None:
    world = world_of(g="milk eggs")
    plan = world.snapshot()
    whole = world.commit("them", [CompleteItem(item_id="milk"), CompleteItem(item_id="eggs")])
    world.commit("us", [CreateItem(item_id="tea", list_id="g", title="tea")])
    confirm = world.snapshot(since=plan.revision)
    pieces = [whole.model_copy(update={"images": (image,)}) for image in whole.images]

    seen = observe(plan, confirm, (*pieces, world.journal[-1]), "us", Diff())

    assert [change.id for change in seen.ours.changes] == ["tea"]
    assert [change.id for change in seen.others.changes] == ["eggs", "milk"]
    stranger = pieces[1].model_copy(update={"change_id": "cx"})
    with pytest.raises(HistoryError):
        observe(plan, confirm, (pieces[0], stranger, world.journal[-1]), "us", Diff())


def test_the_lost_images_of_others_make_it_impossible_to_say_anything_and_our_own_are_not_needed() -> None:
    world = world_of(g="milk eggs")
    plan = world.snapshot()
    entries = [
        world.commit("them", [CompleteItem(item_id="milk")]),
        world.commit("us", [CreateItem(item_id="tea", list_id="g", title="tea")]),
        world.commit("them", [CompleteItem(item_id="eggs")]),
    ]
    confirm = world.snapshot()
    cut = [entry.model_copy(update={"images": (), "truncated": True}) for entry in entries]
    for journal in ([cut[0], *entries[1:]], [*entries[:2], cut[2]]):
        with pytest.raises(HistoryError):
            observe(plan, confirm, journal, "us", Diff())
    seen = observe(plan, confirm, [entries[0], cut[1], entries[2]], "us", Diff())
    assert [change.id for change in seen.ours.changes] == ["tea"]
    with pytest.raises(HistoryError):
        rewind(confirm, [entries[0], cut[1], entries[2]])
