"""An operation id acts once: repeats, attempts, seals, cancellation."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from bus.errors import Refusal
from contracts.message import ErrorCode
from contracts.operations import CompleteItem, CreateItem, CreateList, RenameList, UndoChange
from contracts.store import ApplyRequest, ApplyStatus, Plan
from contracts.todo import Author, Diff, ItemView, RowChange
from contracts.tokens import uuid7

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")
MILK = CreateItem(item_id="i1", list_id="l1", title="milk")


async def test_a_repeat_gets_the_recorded_result_with_its_plan_and_changes_nothing(store: "Store") -> None:
    plan = Plan(
        understood=("create the list Groceries",),
        revision=0,
        expected=Diff(changes=(RowChange(id="i1", after=ItemView(list_id="l1", title="milk")),)),
    )
    request = ApplyRequest(
        owner=store.owner, operation_id=uuid7(), author=Author.CHAT, operations=(GROCERIES, MILK), plan=plan
    )
    first = await store.handlers.apply(request)
    # The client asked again: it read newer rows and planned anew, for the same operations.
    later = request.model_copy(update={"relies_on": {"l1": 7}, "plan": Plan(revision=1)})
    again = await store.handlers.apply(later)
    assert again == first.model_copy(update={"repeated": True})
    assert (again.plan, again.operations) == (plan, (GROCERIES, MILK))
    assert (again.revision_before, again.revision_after) == (0, 1)
    assert (await store.snapshot()).revision == 1
    assert store.commits == ["commit"]


async def test_repeats_at_the_same_time_act_once(store: "Store") -> None:
    operation_id = uuid7()
    results = await asyncio.gather(*(store.apply(GROCERIES, MILK, operation_id=operation_id) for _ in range(8)))
    assert sorted(result.repeated for result in results) == [False] + [True] * 7
    assert len({result.change_id for result in results}) == 1
    assert (await store.snapshot()).revision == 1


async def test_an_id_used_for_other_operations_is_refused_and_named(store: "Store") -> None:
    operation_id = uuid7()
    await store.apply(GROCERIES, operation_id=operation_id)
    with pytest.raises(Refusal) as caught:
        await store.apply(RenameList(list_id="l1", name="Food"), operation_id=operation_id)
    problem = caught.value.problem
    assert (problem.code, problem.field, problem.value) == (ErrorCode.CONFLICT, "operation_id", operation_id)
    assert (await store.snapshot()).lists[0].name == "Groceries"


async def test_the_same_id_of_another_owner_is_another_turn(store: "Store") -> None:
    operation_id = uuid7()
    await store.apply(GROCERIES, operation_id=operation_id)
    result = await store.other().apply(MILK, GROCERIES, operation_id=operation_id)
    assert (result.status, result.repeated) == (ApplyStatus.CONFLICT, False)


async def test_a_taken_over_attempt_can_no_longer_act(store: "Store") -> None:
    operation_id = uuid7()
    sealed = await store.take_over(operation_id)
    assert (sealed.attempt, sealed.result, sealed.crashes, sealed.cancelled) == (2, None, 1, False)
    late = await store.apply(GROCERIES, operation_id=operation_id, attempt=1)
    assert (late.status, late.repeated) == (ApplyStatus.FENCED, False)
    assert (await store.snapshot()).revision == 0
    heir = await store.apply(GROCERIES, operation_id=operation_id, attempt=2)
    assert heir.status is ApplyStatus.APPLIED
    # Once it is applied, even the fenced one is told so.
    assert (await store.apply(GROCERIES, operation_id=operation_id, attempt=1)).repeated


async def test_a_taken_over_attempt_with_ids_of_its_own_is_fenced_after_the_other_was_applied(store: "Store") -> None:
    operation_id = uuid7()
    await store.take_over(operation_id)
    await store.apply(GROCERIES, operation_id=operation_id, attempt=2)
    # Two workers plan the same words and mint other ids: the late one must not be told that it misuses the id.
    late = await store.apply(CreateList(list_id="l2", name="Groceries"), operation_id=operation_id, attempt=1)
    assert (late.status, late.change_id) == (ApplyStatus.FENCED, None)
    assert len((await store.snapshot()).lists) == 1


async def test_an_attempt_that_was_never_given_out_is_invalid(store: "Store") -> None:
    with pytest.raises(Refusal) as caught:
        await store.apply(GROCERIES, attempt=2)
    assert (caught.value.problem.code, caught.value.problem.field) == (ErrorCode.INVALID, "attempt")
    assert (await store.snapshot()).revision == 0


async def test_taking_over_an_applied_turn_gives_its_result(store: "Store") -> None:
    operation_id = uuid7()
    applied = await store.apply(GROCERIES, operation_id=operation_id)
    taken = await store.take_over(operation_id)
    assert taken.result == applied.model_copy(update={"repeated": True})
    assert (taken.attempt, taken.crashes) == (1, 1)


async def test_a_recorded_conflict_is_repeated_to_its_attempt_and_does_not_stop_the_next(store: "Store") -> None:
    await store.do(GROCERIES, MILK)
    await store.do(CompleteItem(item_id="i1"))
    operation_id = uuid7()
    rename = RenameList(list_id="l1", name="Food")
    conflict = await store.apply(rename, operation_id=operation_id, relies_on={"i1": 1})
    assert conflict.status is ApplyStatus.CONFLICT
    again = await store.apply(rename, operation_id=operation_id, relies_on={"i1": 2})
    assert again == conflict.model_copy(update={"repeated": True})
    taken = await store.take_over(operation_id)
    assert (taken.attempt, taken.result, taken.crashes) == (2, None, 0)
    applied = await store.apply(
        RenameList(list_id="l1", name="Meals"), operation_id=operation_id, attempt=2, relies_on={"i1": 2}
    )
    assert (applied.status, applied.repeated, applied.attempt) == (ApplyStatus.APPLIED, False, 2)


async def test_a_refusal_is_repeated_to_its_attempt(store: "Store") -> None:
    operation_id = uuid7()
    undo = UndoChange(change_id="c1")
    refused = await store.apply(undo, operation_id=operation_id)
    assert await store.apply(undo, operation_id=operation_id) == refused.model_copy(update={"repeated": True})


async def test_attempts_that_ended_without_a_word_are_counted(store: "Store") -> None:
    operation_id = uuid7()
    assert [(await store.take_over(operation_id)).crashes for _ in range(3)] == [1, 2, 3]
    waited_out = await store.take_over(operation_id, crashed=False)
    assert (waited_out.attempt, waited_out.crashes) == (5, 3)


async def test_a_cancelled_turn_is_not_applied_by_any_attempt(store: "Store") -> None:
    operation_id = uuid7()
    assert await store.cancel(operation_id) is False
    result = await store.apply(GROCERIES, operation_id=operation_id)
    assert (result.status, result.change_id) == (ApplyStatus.CANCELLED, None)
    taken = await store.take_over(operation_id)
    assert (taken.cancelled, taken.result) == (True, None)
    again = await store.apply(GROCERIES, operation_id=operation_id, attempt=taken.attempt)
    assert again.status is ApplyStatus.CANCELLED
    assert (await store.snapshot()).revision == 0


async def test_a_closed_turn_is_not_applied_by_any_attempt_and_is_no_cancelled_one(store: "Store") -> None:
    operation_id = uuid7()
    assert await store.cancel(operation_id, closing=True) is False
    taken = await store.take_over(operation_id)
    assert (taken.closed, taken.cancelled) == (True, False)
    again = await store.apply(GROCERIES, operation_id=operation_id, attempt=taken.attempt)
    assert again.status is ApplyStatus.CANCELLED
    assert (await store.snapshot()).revision == 0


async def test_cancelling_an_applied_turn_is_too_late_and_leaves_its_record(store: "Store") -> None:
    operation_id = uuid7()
    await store.apply(GROCERIES, operation_id=operation_id)
    assert await store.cancel(operation_id) is True
    repeat = await store.apply(GROCERIES, operation_id=operation_id)
    assert (repeat.status, repeat.repeated) == (ApplyStatus.APPLIED, True)


async def test_a_result_that_the_bus_could_not_carry_is_refused_before_anything_is_done(store: "Store") -> None:
    notes = "\N{CLINKING BEER MUGS}" * 8_000
    many = [CreateItem(item_id=f"i{n}", list_id="l1", title="x", notes=notes) for n in range(40)]
    with pytest.raises(Refusal) as caught:
        await store.apply(GROCERIES, *many)
    assert (caught.value.problem.code, caught.value.problem.field) == (ErrorCode.TOO_LARGE, "operations")
    assert (await store.snapshot()).revision == 0
