"""A delta laid over an earlier state is the later one, or it is noticed that it does not fit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.operations import CompleteItem, CreateItem, DeleteItem
from contracts.store import Delta, Snapshot
from verification.errors import OverlayError
from verification.overlay import overlaid
from verification.state import state_of

from .scripts import Intent, intents, script, worlds
from .world import World, world_of


def delta_of(before: Snapshot, after: Snapshot) -> Snapshot:
    """What an honest store answers to a reader that has `before`."""
    old = {row.id: row for row in (*before.lists, *before.items)}
    gone = old.keys() - {row.id for row in (*after.lists, *after.items)}
    return after.model_copy(
        update={
            "lists": tuple(row for row in after.lists if old.get(row.id) != row),
            "items": tuple(item for item in after.items if old.get(item.id) != item),
            "delta": Delta(removed=tuple(sorted(gone)), lists=len(after.lists), items=len(after.items)),
        }
    )


@settings(max_examples=200, deadline=None)
@given(worlds(), st.lists(intents, min_size=1, max_size=4))
def test_a_delta_on_any_older_state_is_the_whole_of_the_newer_one(world: World, steps: list[list[Intent]]) -> None:
    older = [world.snapshot()]
    for number, step in enumerate(steps):
        world.commit("us", script(world, f"n{number}x", step))
        older.append(world.snapshot())
    newest = world.snapshot()
    for base in older:
        laid = overlaid(state_of(base), delta_of(base, newest))
        assert laid == state_of(newest)
        assert list(laid.lists) == [row.id for row in newest.lists]


def changed() -> tuple[Snapshot, Snapshot]:
    world = world_of(g="milk eggs", w="report")
    before = world.snapshot()
    world.commit("us", [CompleteItem(item_id="milk"), DeleteItem(item_id="eggs")])
    world.commit("us", [CreateItem(item_id="tea", list_id="g", title="tea")])
    return before, world.snapshot()


def test_a_removed_row_that_is_not_named_is_noticed() -> None:
    before, after = changed()
    delta = delta_of(before, after)
    assert delta.delta is not None
    silent = delta.model_copy(update={"delta": delta.delta.model_copy(update={"removed": ()})})
    with pytest.raises(OverlayError):
        overlaid(state_of(before), silent)


def test_a_state_that_a_delta_does_not_belong_to_is_noticed() -> None:
    before, after = changed()
    without = before.model_copy(update={"items": tuple(item for item in before.items if item.id != "report")})
    with pytest.raises(OverlayError):
        overlaid(state_of(without), delta_of(before, after))


def test_a_missing_list_is_noticed_too() -> None:
    before, after = changed()
    without = before.model_copy(update={"lists": before.lists[:1]})
    with pytest.raises(OverlayError):
        overlaid(state_of(without), delta_of(before, after))


def test_what_is_no_delta_is_not_laid_over_anything() -> None:
    before, after = changed()
    with pytest.raises(OverlayError):
        overlaid(state_of(before), after)


def test_where_nothing_was_looked_at_the_state_stays_as_it_was_and_may_not_be_another() -> None:
    before, after = changed()
    nothing = Snapshot(owner=before.owner, revision=before.revision, delta=Delta())
    assert overlaid(state_of(before), nothing) == state_of(before)
    with pytest.raises(OverlayError):
        overlaid(state_of(before), nothing.model_copy(update={"revision": before.revision + 1}))
    with pytest.raises(OverlayError):
        overlaid(state_of(before), nothing.model_copy(update={"items": after.items}))
    with pytest.raises(OverlayError):
        overlaid(state_of(before), nothing.model_copy(update={"delta": Delta(lists=2)}))
