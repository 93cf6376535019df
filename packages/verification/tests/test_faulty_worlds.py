"""A store that does anything else than the plan is refuted, and what the journal cannot explain is never confirmed."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteItem, MoveItem, Operation, UpdateItem
from contracts.todo import Diff, TodoItem, TodoList
from contracts.turns import Verdict
from verification.expect import expect, versions_relied_on
from verification.judge import Judgement, Mismatch, MismatchKind, judge
from verification.observe import observe

from .scripts import Intent, intents, script, worlds
from .world import ConflictError, Rows, Tamper, World, world_of


def judged(
    world: World, operations: Sequence[Operation], tamper: Tamper, earlier: Sequence[Operation] = ()
) -> Judgement:
    """Our plan, others' writes, and a store that tampers with ours inside its transaction."""
    plan = world.snapshot()
    for operation in earlier:
        world.commit("them", [operation])
    world.commit("us", operations, versions_relied_on(plan, operations), tamper)
    confirm = world.snapshot(since=plan.revision)
    expected = expect(plan, operations)
    return judge(expected, observe(plan, confirm, confirm.journal, "us", expected).ours)


def kinds(judgement: Judgement) -> dict[str, MismatchKind]:
    return {mismatch.row_id: mismatch.kind for mismatch in judgement.mismatches}


def item(rows: Rows, item_id: str) -> TodoItem:
    row = rows[item_id]
    assert isinstance(row, TodoItem)
    return row


def put(rows: Rows, item_id: str, **fields: object) -> None:
    rows[item_id] = item(rows, item_id).model_copy(update=fields)


ADD_TEA = CreateItem(item_id="tea", list_id="g", title="tea")


def test_a_dropped_write_is_refuted_as_missing() -> None:
    judgement = judged(world_of(g="milk"), [ADD_TEA], lambda rows: rows.__delitem__("tea"))
    assert judgement.verdict is Verdict.REFUTED
    assert kinds(judgement) == {"tea": MismatchKind.MISSING}


def test_one_dropped_write_of_several_is_refuted() -> None:
    operations = [CompleteItem(item_id="milk"), CompleteItem(item_id="eggs")]
    judgement = judged(world_of(g="milk eggs"), operations, lambda rows: put(rows, "eggs", done=False))
    assert kinds(judgement) == {"eggs": MismatchKind.MISSING}


@pytest.mark.parametrize(
    "fields",
    [{"title": "teas"}, {"notes": "hot"}, {"done": True}, {"due": "2026-01-01"}, {"priority": "high"}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_wrong_value_is_refuted_as_different(fields: dict[str, object]) -> None:
    def tamper(rows: Rows) -> None:
        rows["tea"] = TodoItem.model_validate({**rows["tea"].model_dump(), **fields})

    assert kinds(judged(world_of(g="milk"), [ADD_TEA], tamper)) == {"tea": MismatchKind.DIFFERENT}


def test_a_second_copy_is_refuted_as_unexpected() -> None:
    def tamper(rows: Rows) -> None:
        rows["tea2"] = item(rows, "tea").model_copy(update={"id": "tea2", "position": "99"})

    assert kinds(judged(world_of(g="milk"), [ADD_TEA], tamper)) == {"tea2": MismatchKind.UNEXPECTED}


def test_an_extra_row_is_refuted_as_unexpected() -> None:
    judgement = judged(world_of(g="milk"), [ADD_TEA], lambda rows: put(rows, "milk", done=True))
    assert kinds(judgement) == {"milk": MismatchKind.UNEXPECTED}


def test_an_extra_list_is_refuted_as_unexpected() -> None:
    def tamper(rows: Rows) -> None:
        rows["g2"] = TodoList(id="g2", name="G", position="99", version=1)

    assert kinds(judged(world_of(g="milk"), [ADD_TEA], tamper)) == {"g2": MismatchKind.UNEXPECTED}


def test_a_write_into_the_wrong_list_is_refuted() -> None:
    judgement = judged(world_of(g="milk", w="nails"), [ADD_TEA], lambda rows: put(rows, "tea", list_id="w"))
    assert kinds(judgement) == {"tea": MismatchKind.DIFFERENT}


def test_an_item_added_at_the_wrong_place_is_refuted() -> None:
    judgement = judged(world_of(g="milk eggs"), [ADD_TEA], lambda rows: put(rows, "tea", position="01"))
    assert kinds(judgement) == {"tea": MismatchKind.DIFFERENT}


def test_two_items_added_in_the_wrong_order_are_refuted() -> None:
    def swap(rows: Rows) -> None:
        tea, jam = item(rows, "tea").position, item(rows, "jam").position
        put(rows, "tea", position=jam)
        put(rows, "jam", position=tea)

    operations = [ADD_TEA, CreateItem(item_id="jam", list_id="g", title="jam")]
    assert judged(world_of(g="milk"), operations, swap).verdict is Verdict.REFUTED


def test_a_move_to_the_wrong_place_is_refuted() -> None:
    operations = [MoveItem(item_id="c", list_id="g", first=True)]
    judgement = judged(world_of(g="a b c"), operations, lambda rows: put(rows, "c", position=rows["a"].position + "1"))
    assert kinds(judgement) == {"c": MismatchKind.DIFFERENT}


def test_a_move_that_was_not_asked_for_is_refuted() -> None:
    judgement = judged(world_of(g="a b", w="x"), [CompleteItem(item_id="x")], lambda r: put(r, "b", position="01"))
    assert kinds(judgement) == {"b": MismatchKind.UNEXPECTED}


def test_deleting_an_item_that_another_has_just_added_is_refuted() -> None:
    jam = CreateItem(item_id="jam", list_id="g", title="jam")
    judgement = judged(world_of(g="milk"), [ADD_TEA], lambda rows: rows.__delitem__("jam"), earlier=[jam])
    assert kinds(judgement) == {"jam": MismatchKind.UNEXPECTED}


def test_changing_or_moving_an_item_that_another_has_just_added_is_refuted() -> None:
    jam = CreateItem(item_id="jam", list_id="g", title="jam")
    for tamper in (lambda rows: put(rows, "jam", done=True), lambda rows: put(rows, "jam", position="01")):
        judgement = judged(world_of(g="milk"), [ADD_TEA], tamper, earlier=[jam])
        assert kinds(judgement)["jam"] is MismatchKind.UNEXPECTED


def test_a_liar_is_refuted_although_another_made_the_change_that_was_expected_elsewhere() -> None:
    """Any change at all would satisfy a weaker check; here the only change is somebody else's."""
    world = world_of(g="milk")
    plan = world.snapshot()
    world.commit("us", [])
    world.commit("them", [CreateItem(item_id="other", list_id="g", title="tea")])
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", Diff())

    assert kinds_of(judge(expect(plan, [ADD_TEA]), seen.ours).mismatches) == {"tea": MismatchKind.MISSING}
    assert [change.id for change in seen.others.changes] == ["other"]


def kinds_of(mismatches: Sequence[Mismatch]) -> dict[str, MismatchKind]:
    return {mismatch.row_id: mismatch.kind for mismatch in mismatches}


def test_a_journal_that_claims_a_write_which_the_rows_do_not_show_is_not_believed() -> None:
    world = world_of(g="milk")
    plan = world.snapshot()
    world.commit("us", [ADD_TEA])
    del world.rows["tea"]
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", Diff())

    assert kinds_of(judge(expect(plan, [ADD_TEA]), seen.ours).mismatches) == {"tea": MismatchKind.MISSING}


def test_a_row_changed_without_a_journal_entry_counts_as_ours() -> None:
    world = world_of(g="milk")
    plan = world.snapshot()
    world.commit("us", [ADD_TEA])
    world.write("milk", title="oat milk")
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", Diff())

    assert kinds_of(judge(expect(plan, [ADD_TEA]), seen.ours).mismatches) == {"milk": MismatchKind.UNEXPECTED}
    assert seen.others == Diff()


@pytest.mark.parametrize("first", ["them", "us"])
def test_a_row_that_contradicts_the_journal_of_another_counts_as_ours(first: str) -> None:
    """Both ends: the row before another's earlier entry, and the row after another's later one."""
    world = world_of(g="milk")
    plan = world.snapshot()
    theirs = [UpdateItem(item_id="milk", title="oat milk")]
    for writer in (first, "us" if first == "them" else "them"):
        world.commit(writer, theirs if writer == "them" else [ADD_TEA])
    world.write("milk", title="cream")
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", Diff())

    assert kinds_of(judge(expect(plan, [ADD_TEA]), seen.ours).mismatches) == {"milk": MismatchKind.UNEXPECTED}


def test_the_same_operation_committed_twice_is_refuted() -> None:
    world = world_of(g="milk")
    plan = world.snapshot()
    world.commit("us", [ADD_TEA])
    world.commit("us", [CreateItem(item_id="tea2", list_id="g", title="tea")])
    confirm = world.snapshot(since=plan.revision)

    seen = observe(plan, confirm, confirm.journal, "us", Diff())

    assert kinds_of(judge(expect(plan, [ADD_TEA]), seen.ours).mismatches) == {"tea2": MismatchKind.UNEXPECTED}


Fault = Callable[[Rows, str], None]


def to_another_list(rows: Rows, item_id: str) -> None:
    here = item(rows, item_id).list_id
    put(rows, item_id, list_id=min(i for i, row in rows.items() if isinstance(row, TodoList) and i != here))


def twice(rows: Rows, item_id: str) -> None:
    rows["twin"] = item(rows, item_id).model_copy(update={"id": "twin", "position": "999"})


def swapped_with_its_neighbour(rows: Rows, item_id: str) -> None:
    here = item(rows, item_id)
    others = [row for row in rows.values() if isinstance(row, TodoItem) and row.list_id == here.list_id and row != here]
    neighbour = min(others, key=lambda row: row.position, default=None)
    assume(neighbour is not None and neighbour.position != here.position)
    assert neighbour is not None
    put(rows, item_id, position=neighbour.position)
    put(rows, neighbour.id, position=here.position)


FAULTS: dict[str, Fault] = {
    "wrong value": lambda rows, item_id: put(rows, item_id, notes="tampered"),
    "wrong list": to_another_list,
    "wrong place": swapped_with_its_neighbour,
    "written twice": twice,
    "deleted": lambda rows, item_id: rows.__delitem__(item_id),
}


@pytest.mark.parametrize("fault", FAULTS)
@settings(max_examples=100, deadline=None)
@given(worlds(), intents, st.tuples(intents, intents), st.integers(0, 30))
def test_a_faulty_store_is_refuted_whatever_others_write(
    fault: str, world: World, ours: list[Intent], others: tuple[list[Intent], list[Intent]], pick: int
) -> None:
    operations: list[Operation] = [CreateList(list_id=name, name=name) for name in ("zz", "zy")]
    operations += [CreateItem(item_id="zi", list_id="zz", title="z"), *script(world, "p", ours)]
    plan = world.snapshot()
    expected, relies_on = expect(plan, operations), versions_relied_on(plan, operations)
    # A plan says nothing of the order beside items that it has not seen, so there a swap need not be wrong.
    for operation in script(world, "b", [] if fault == "wrong place" else others[0]):
        world.commit("them", [operation])

    def tamper(rows: Rows) -> None:
        items = sorted(row_id for row_id, row in rows.items() if isinstance(row, TodoItem))
        FAULTS[fault](rows, items[pick % len(items)])

    try:
        world.commit("us", operations, relies_on, tamper)
    except ConflictError:
        assume(False)
    for operation in script(world, "a", others[1]):
        world.commit("them", [operation])
    confirm = world.snapshot(since=plan.revision)

    assert judge(expected, observe(plan, confirm, confirm.journal, "us", expected).ours).verdict is Verdict.REFUTED


def test_a_plan_to_delete_is_refuted_when_the_row_is_still_there() -> None:
    world = world_of(g="milk")
    kept = dict(world.rows)
    judgement = judged(world, [DeleteItem(item_id="milk")], lambda rows: rows.update(kept))
    assert kinds(judgement) == {"milk": MismatchKind.MISSING}
