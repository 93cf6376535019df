"""Each operation against real rows: what it changes, what it leaves, when it is rejected."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from bus.errors import Refusal
from contracts.limits import LISTS_MAX
from contracts.message import ErrorCode
from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    RenameList,
    UpdateItem,
)
from contracts.store import ApplyStatus
from contracts.todo import Due, Priority, TodoItem, TodoList

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")
TRAVEL = CreateList(list_id="l2", name="Travel")
MILK = CreateItem(item_id="i1", list_id="l1", title="milk")
EGGS = CreateItem(item_id="i2", list_id="l1", title="eggs")
BREAD = CreateItem(item_id="i3", list_id="l1", title="bread")


async def titles(store: "Store", list_id: str = "l1") -> list[str]:
    return [item.title for item in (await store.snapshot()).items if item.list_id == list_id]


async def test_a_created_list_stands_behind_the_others_at_version_one(store: "Store") -> None:
    await store.do(GROCERIES, TRAVEL)
    snapshot = await store.snapshot()
    assert [(row.id, row.name, row.version) for row in snapshot.lists] == [("l1", "Groceries", 1), ("l2", "Travel", 1)]
    assert snapshot.revision == 1


async def test_a_renamed_list_keeps_its_place_and_rises_by_one_version(store: "Store") -> None:
    await store.do(GROCERIES, TRAVEL)
    before = (await store.snapshot()).lists[0]
    await store.do(RenameList(list_id="l1", name="Food"))
    assert (await store.snapshot()).lists[0] == TodoList(id="l1", name="Food", position=before.position, version=2)


async def test_items_are_created_at_the_end_of_their_list_with_everything_given(store: "Store") -> None:
    await store.do(GROCERIES, MILK)
    await store.do(
        CreateItem(
            item_id="i2", list_id="l1", title="eggs", notes="six\nfresh", due=date(2026, 12, 1), priority=Priority.HIGH
        )
    )
    milk, eggs = (await store.snapshot()).items
    assert milk.position < eggs.position
    assert eggs == TodoItem(
        id="i2",
        list_id="l1",
        title="eggs",
        notes="six\nfresh",
        due=date(2026, 12, 1),
        priority=Priority.HIGH,
        position=eggs.position,
        version=1,
    )


@pytest.mark.parametrize(
    "due",
    [
        date(2026, 12, 31),
        datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2026, 12, 31, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 7, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    ],
)
async def test_a_due_day_or_moment_comes_back_as_it_was_given(store: "Store", due: Due) -> None:
    await store.do(GROCERIES, MILK)
    await store.do(UpdateItem(item_id="i1", due=due))
    found = (await store.item("i1")).due
    assert found == due
    assert type(found) is type(due)
    if isinstance(found, datetime) and isinstance(due, datetime):
        assert found.utcoffset() == due.utcoffset()


async def test_an_update_changes_the_fields_given_and_no_others(store: "Store") -> None:
    await store.do(GROCERIES, CreateItem(item_id="i1", list_id="l1", title="milk", notes="oat", due=date(2026, 12, 1)))
    before = await store.item("i1")
    await store.do(UpdateItem(item_id="i1", title="Milk", priority=Priority.LOW))
    expected = before.model_copy(update={"title": "Milk", "priority": Priority.LOW, "version": 2})
    assert await store.item("i1") == expected
    await store.do(UpdateItem(item_id="i1", clear_due=True, notes=""))
    assert await store.item("i1") == expected.model_copy(update={"due": None, "notes": "", "version": 3})


async def test_an_item_is_completed_and_opened_again(store: "Store") -> None:
    await store.do(GROCERIES, MILK)
    await store.do(CompleteItem(item_id="i1"))
    assert (await store.item("i1")).done
    await store.do(CompleteItem(item_id="i1", done=False))
    assert not (await store.item("i1")).done


async def test_operations_that_leave_a_row_as_it_was_leave_its_version(store: "Store") -> None:
    await store.do(GROCERIES, MILK)
    result = await store.do(UpdateItem(item_id="i1", title="milk"))
    assert (await store.item("i1")).version == 1
    assert result.revision_after == 2


async def test_a_moved_item_keeps_its_id_and_goes_where_it_was_sent(store: "Store") -> None:
    await store.do(GROCERIES, TRAVEL, MILK, EGGS, BREAD)
    await store.do(MoveItem(item_id="i3", list_id="l1", first=True))
    assert await titles(store) == ["bread", "milk", "eggs"]
    await store.do(MoveItem(item_id="i3", list_id="l1", after_id="i1"))
    assert await titles(store) == ["milk", "bread", "eggs"]
    await store.do(MoveItem(item_id="i1", list_id="l1"))
    assert await titles(store) == ["bread", "eggs", "milk"]
    await store.do(MoveItem(item_id="i2", list_id="l2"))
    assert (await titles(store), await titles(store, "l2")) == (["bread", "milk"], ["eggs"])
    assert (await store.item("i2")).version == 2


async def test_moving_behind_an_item_that_went_to_another_list_is_a_conflict(store: "Store") -> None:
    await store.do(GROCERIES, TRAVEL, MILK, EGGS)
    await store.do(MoveItem(item_id="i1", list_id="l2"))
    result = await store.apply(MoveItem(item_id="i2", list_id="l1", after_id="i1"))
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("i1",))


async def test_a_deleted_item_is_gone_and_its_id_is_not_given_again(store: "Store") -> None:
    await store.do(GROCERIES, MILK, EGGS)
    await store.do(DeleteItem(item_id="i1"))
    assert await titles(store) == ["eggs"]
    result = await store.apply(MILK)
    assert (result.status, result.reason, result.rows) == (ApplyStatus.REFUSED, "id_taken", ("i1",))


async def test_a_deleted_list_takes_its_items_with_it_and_no_others(store: "Store") -> None:
    await store.do(GROCERIES, TRAVEL, MILK, CreateItem(item_id="i2", list_id="l2", title="passport"))
    await store.do(DeleteList(list_id="l1"))
    snapshot = await store.snapshot()
    assert [row.id for row in snapshot.lists] == ["l2"]
    assert [row.id for row in snapshot.items] == ["i2"]


async def test_an_item_moved_out_before_its_list_is_deleted_stays(store: "Store") -> None:
    await store.do(GROCERIES, TRAVEL, MILK, EGGS)
    await store.do(MoveItem(item_id="i1", list_id="l2"), DeleteList(list_id="l1"))
    assert [(row.id, row.list_id) for row in (await store.snapshot()).items] == [("i1", "l2")]


async def test_later_operations_see_what_earlier_ones_made(store: "Store") -> None:
    await store.do(GROCERIES, MILK, CompleteItem(item_id="i1"), UpdateItem(item_id="i1", title="oat milk"))
    milk = await store.item("i1")
    assert (milk.title, milk.done, milk.version) == ("oat milk", True, 1)


async def test_a_row_made_and_deleted_in_one_go_was_never_there(store: "Store") -> None:
    await store.do(GROCERIES, MILK, DeleteItem(item_id="i1"), TRAVEL, DeleteList(list_id="l2"))
    snapshot = await store.snapshot(journal_since=0)
    assert ([row.id for row in snapshot.lists], snapshot.items) == (["l1"], ())
    assert [image.row_id for image in snapshot.journal[0].images] == ["l1"]


async def test_one_rejected_operation_takes_all_others_back(store: "Store") -> None:
    await store.do(GROCERIES)
    before = await store.snapshot(journal_since=0)
    result = await store.apply(MILK, EGGS, CreateItem(item_id="i3", list_id="l9", title="bread"))
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("l9",))
    assert (result.revision_after, result.change_id) == (None, None)
    assert await store.snapshot(journal_since=0) == before


@pytest.mark.parametrize(
    "operation",
    [
        RenameList(list_id="l9", name="x"),
        DeleteList(list_id="l9"),
        CreateItem(item_id="i9", list_id="l9", title="x"),
        UpdateItem(item_id="l9", title="x"),
        CompleteItem(item_id="l9"),
        DeleteItem(item_id="l9"),
        MoveItem(item_id="l9", list_id="l1"),
        MoveItem(item_id="i1", list_id="l9"),
        MoveItem(item_id="i1", list_id="l1", after_id="l9"),
    ],
)
async def test_an_operation_on_a_row_that_is_not_there_is_a_conflict_with_it(store: "Store", operation: object) -> None:
    await store.do(GROCERIES, MILK)
    result = await store.apply(operation)  # type: ignore[arg-type]
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("l9",))


async def test_adding_to_a_list_that_was_deleted_meanwhile_is_a_conflict(store: "Store") -> None:
    await store.do(GROCERIES)
    await store.do(DeleteList(list_id="l1"))
    result = await store.apply(MILK)
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("l1",))


async def test_using_a_row_after_deleting_it_in_the_same_operations_is_refused(store: "Store") -> None:
    await store.do(GROCERIES, MILK)
    result = await store.apply(DeleteItem(item_id="i1"), CompleteItem(item_id="i1"))
    assert (result.status, result.reason) == (ApplyStatus.REFUSED, "deleted_by_itself")


@pytest.mark.parametrize("operation", [GROCERIES, CreateItem(item_id="l1", list_id="l1", title="x")])
async def test_an_id_that_names_a_row_already_is_refused(store: "Store", operation: CreateList | CreateItem) -> None:
    await store.do(GROCERIES)
    result = await store.apply(operation)
    assert (result.status, result.reason, result.rows) == (ApplyStatus.REFUSED, "id_taken", ("l1",))


async def test_rows_that_changed_since_they_were_read_are_named_as_the_conflict(store: "Store") -> None:
    await store.do(GROCERIES, MILK, EGGS, BREAD)
    await store.do(CompleteItem(item_id="i2"), DeleteItem(item_id="i3"))
    seen = {"l1": 1, "i1": 1, "i2": 1, "i3": 1, "never": 1}
    result = await store.apply(UpdateItem(item_id="i1", title="x"), relies_on=seen)
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("i2", "i3", "never"))
    assert (await store.item("i1")).title == "milk"
    again = await store.apply(UpdateItem(item_id="i1", title="x"), relies_on={"l1": 1, "i1": 1, "i2": 2})
    assert again.status is ApplyStatus.APPLIED


async def test_a_list_that_was_filled_since_it_was_read_is_not_deleted_with_what_nobody_saw(store: "Store") -> None:
    await store.do(GROCERIES, MILK)
    seen = {"l1": 1, "i1": 1}
    await store.do(EGGS)
    result = await store.apply(DeleteList(list_id="l1"), relies_on=seen)
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("i2",))
    assert len((await store.snapshot()).items) == 2
    again = await store.apply(DeleteList(list_id="l1"), relies_on={**seen, "i2": 1})
    assert again.status is ApplyStatus.APPLIED


async def test_relying_on_what_cannot_be_a_row_is_invalid_and_names_it(store: "Store") -> None:
    with pytest.raises(Refusal) as caught:
        await store.apply(GROCERIES, relies_on={"not an id\0": 1})
    problem = caught.value.problem
    assert (problem.code, problem.field, problem.value) == (ErrorCode.INVALID, "relies_on", r"not an id\x00")


async def test_more_lists_than_allowed_are_refused(store: "Store") -> None:
    await store.do(*(CreateList(list_id=f"l{n}", name=f"list {n}") for n in range(LISTS_MAX)))
    result = await store.apply(CreateList(list_id="more", name="one more"))
    assert (result.status, result.reason, result.rows) == (ApplyStatus.REFUSED, "lists_limit", ("more",))
    await store.do(DeleteList(list_id="l7"))
    await store.do(CreateList(list_id="more", name="one more"))
    assert len((await store.snapshot()).lists) == LISTS_MAX
