"""Properties over random worlds, plans and other writers: an honest store is always confirmed."""

from hypothesis import event, given, settings

from contracts.operations import Operation
from contracts.todo import Diff, ItemView
from contracts.turns import Verdict
from verification.diff import diff
from verification.expect import already_so, expect, versions_relied_on
from verification.history import rewind
from verification.judge import judge
from verification.model import apply, state_of
from verification.observe import observe

from .scripts import Intent, intents, script, worlds
from .world import ConflictError, World


def commit_each(world: World, writer: str, operations: list[Operation]) -> None:
    for operation in operations:
        world.commit(writer, [operation])


@settings(max_examples=150)
@given(worlds(), intents)
def test_the_model_does_to_its_rows_what_a_store_does(world: World, drawn: list[Intent]) -> None:
    operations = script(world, "p", drawn)
    before = state_of(world.snapshot())

    foreseen = apply(before, operations)
    commit_each(world, "us", operations)

    real = state_of(world.snapshot())
    assert foreseen.order == real.order
    assert diff(real, foreseen).changes == ()


@settings(max_examples=150)
@given(worlds(), intents)
def test_what_is_expected_is_the_difference_that_the_store_makes(world: World, drawn: list[Intent]) -> None:
    operations = script(world, "p", drawn)
    before = state_of(world.snapshot())
    expected = expect(before, operations)
    assert expected == diff(before, apply(before, operations))

    world.commit("us", operations)

    placed = {c.id for c in expected.changes if isinstance(c.after, ItemView) and c.after.place is not None}
    assert expected == diff(before, state_of(world.snapshot()), placed)


@settings(max_examples=150)
@given(worlds(), intents)
def test_an_operation_is_already_so_exactly_when_the_store_shows_no_difference(
    world: World, drawn: list[Intent]
) -> None:
    operations = script(world, "p", drawn)
    before = state_of(world.snapshot())
    unchanging = []
    for operation in operations:
        seen = state_of(world.snapshot())
        world.commit("us", [operation])
        if not diff(seen, state_of(world.snapshot())).changes:
            unchanging.append(operation)

    assert already_so(before, operations) == tuple(unchanging)


@settings(max_examples=400, deadline=None)
@given(worlds(), intents, intents, intents)
def test_an_honest_store_is_confirmed_whatever_others_write_before_and_after(
    world: World, ours: list[Intent], earlier: list[Intent], later: list[Intent]
) -> None:
    operations = script(world, "p", ours)
    plan = world.snapshot()
    expected, relies_on = expect(plan, operations), versions_relied_on(plan, operations)

    commit_each(world, "them", script(world, "b", earlier))
    try:
        world.commit("us", operations, relies_on)
    except ConflictError:
        event("conflict")
        return
    event("applied")
    commit_each(world, "them", script(world, "a", later))
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", expected)
    assert judge(expected, seen.ours).mismatches == ()
    assert judge(expected, seen.ours).verdict is Verdict.CONFIRMED
    rebuilt = rewind(confirm, confirm.journal, plan.revision)
    assert rebuilt == state_of(plan)
    assert observe(rebuilt, confirm, confirm.journal, "us", expected) == seen


@settings(max_examples=150, deadline=None)
@given(worlds(), intents, intents)
def test_where_we_change_nothing_all_that_changed_is_reported_as_others(
    world: World, earlier: list[Intent], later: list[Intent]
) -> None:
    plan = world.snapshot()
    commit_each(world, "them", script(world, "b", earlier))
    world.commit("us", [])
    commit_each(world, "them", script(world, "a", later))
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", Diff())

    assert seen.ours.changes == ()
    assert contents(seen.others) == contents(diff(state_of(plan), state_of(confirm)))


def contents(changes: Diff) -> list[tuple[str, object, object]]:
    """Without places: an item that was moved there and back has one in `others`, and none in the net difference."""
    found: list[tuple[str, object, object]] = []
    for change in changes.changes:
        after = change.after.model_copy(update={"place": None}) if isinstance(change.after, ItemView) else change.after
        if after != change.before:
            found.append((change.id, change.before, after))
    return found
