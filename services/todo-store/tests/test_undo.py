"""Taking changes back, on real rows: what comes back, what stays, and what stands in the way."""

from datetime import date
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from contracts.limits import BUS_PAYLOAD_MAX_BYTES
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
from contracts.store import ApplyResult, ApplyStatus, Changes, ChangesRequest, Snapshot, joined
from contracts.todo import Author, Priority, TodoItem, TodoList

if TYPE_CHECKING:
    from conftest import Store

SETUP: tuple[Operation, ...] = (
    CreateList(list_id="l1", name="Groceries"),
    CreateList(list_id="l2", name="Travel"),
    CreateItem(item_id="i1", list_id="l1", title="milk"),
    CreateItem(item_id="i2", list_id="l1", title="eggs", notes="six", due=date(2026, 12, 1), priority=Priority.HIGH),
    CreateItem(item_id="i3", list_id="l1", title="bread"),
    CreateItem(item_id="i4", list_id="l2", title="passport"),
    CompleteItem(item_id="i3"),
)


async def change(store: "Store", *operations: Operation) -> str:
    """Do it, and give the change's id."""
    done = await store.do(*operations)
    assert done.change_id is not None
    return done.change_id


async def undo(store: "Store", change_id: str) -> ApplyResult:
    return await store.apply(UndoChange(change_id=change_id))


def rows(snapshot: Snapshot) -> list[TodoList | TodoItem]:
    """Everything but the versions, in order."""
    return [row.model_copy(update={"version": 1}) for row in (*snapshot.lists, *snapshot.items)]


async def order(store: "Store", list_id: str = "l1") -> list[str]:
    return [item.id for item in (await store.snapshot()).items if item.list_id == list_id]


CHANGES: dict[str, tuple[Operation, ...]] = {
    "a list is created, with items": (
        CreateList(list_id="l9", name="New"),
        CreateItem(item_id="i9", list_id="l9", title="x"),
    ),
    "a list is renamed": (RenameList(list_id="l1", name="Food"),),
    "a list is deleted with its items": (DeleteList(list_id="l1"),),
    "an item is created": (CreateItem(item_id="i9", list_id="l1", title="x"),),
    "every field is changed": (
        UpdateItem(item_id="i2", title="Eggs", notes="", clear_due=True, priority=Priority.LOW),
        CompleteItem(item_id="i2"),
    ),
    "an item is completed and another opened": (
        CompleteItem(item_id="i1"),
        CompleteItem(item_id="i3", done=False),
    ),
    "an item is moved to the front": (MoveItem(item_id="i3", list_id="l1", first=True),),
    "an item is moved behind another": (MoveItem(item_id="i1", list_id="l1", after_id="i2"),),
    "an item is moved to another list": (MoveItem(item_id="i2", list_id="l2", first=True),),
    "an item in the middle is deleted": (DeleteItem(item_id="i2"),),
    "a done item at the end is deleted": (DeleteItem(item_id="i3"),),
    "an item is moved out and its list deleted": (MoveItem(item_id="i1", list_id="l2"), DeleteList(list_id="l1")),
    "all at once": (
        DeleteItem(item_id="i1"),
        RenameList(list_id="l2", name="Trips"),
        MoveItem(item_id="i4", list_id="l1", after_id="i2"),
        CreateItem(item_id="i9", list_id="l2", title="tickets"),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_undoing_restores_every_row_and_undoing_that_makes_the_change_again(store: "Store", name: str) -> None:
    await store.do(*SETUP)
    before = await store.snapshot()
    changed = await change(store, *CHANGES[name])
    after = await store.snapshot()
    assert rows(before) != rows(after)

    undone = await undo(store, changed)
    assert undone.status is ApplyStatus.APPLIED, undone
    assert rows(await store.snapshot()) == rows(before)
    assert (undone.revision_before, undone.revision_after) == (2, 3)

    assert undone.change_id is not None
    assert (await undo(store, undone.change_id)).status is ApplyStatus.APPLIED
    assert rows(await store.snapshot()) == rows(after)


async def test_an_undo_is_journalled_like_any_change_and_its_rows_rise_in_version(store: "Store") -> None:
    await store.do(*SETUP)
    changed = await change(store, DeleteItem(item_id="i1"), CompleteItem(item_id="i2"))
    undone = await undo(store, changed)
    entry = (await store.snapshot(journal_since=2)).journal[0]
    assert entry.change_id == undone.change_id
    images = {image.row_id: image for image in entry.images}
    assert images.keys() == {"i1", "i2"}
    assert images["i1"].before is None
    assert images["i1"].after == await store.item("i1")
    assert ((await store.item("i1")).version, (await store.item("i2")).version) == (3, 3)


async def test_undoing_twice_is_a_conflict_that_names_the_rows(store: "Store") -> None:
    await store.do(*SETUP)
    changed = await change(store, DeleteItem(item_id="i1"), RenameList(list_id="l2", name="x"))
    assert (await undo(store, changed)).status is ApplyStatus.APPLIED
    again = await undo(store, changed)
    assert (again.status, again.rows) == (ApplyStatus.CONFLICT, ("i1", "l2"))
    assert (await store.snapshot()).revision == 3


SINCE: dict[str, tuple[Operation, Operation, tuple[str, ...]]] = {
    "the created item was edited": (
        CreateItem(item_id="i9", list_id="l1", title="x"),
        UpdateItem(item_id="i9", title="y"),
        ("i9",),
    ),
    "the created item was moved": (
        CreateItem(item_id="i9", list_id="l1", title="x"),
        MoveItem(item_id="i9", list_id="l1", first=True),
        ("i9",),
    ),
    "the created item was deleted and the change with it": (
        UpdateItem(item_id="i1", title="y"),
        DeleteItem(item_id="i1"),
        ("i1",),
    ),
    "the field was set again": (UpdateItem(item_id="i1", title="y"), UpdateItem(item_id="i1", title="z"), ("i1",)),
    "another field was set": (UpdateItem(item_id="i1", title="y"), CompleteItem(item_id="i1"), ("i1",)),
    "the moved item was moved on": (
        MoveItem(item_id="i3", list_id="l1", first=True),
        MoveItem(item_id="i3", list_id="l1"),
        ("i3",),
    ),
    "the list to come back to is gone": (DeleteItem(item_id="i1"), DeleteList(list_id="l1"), ("l1",)),
    "the list it was moved from is gone": (
        MoveItem(item_id="i1", list_id="l2"),
        DeleteList(list_id="l1"),
        ("l1",),
    ),
    "somebody put an item into the new list": (
        CreateList(list_id="l9", name="x"),
        CreateItem(item_id="i9", list_id="l9", title="mine"),
        ("i9",),
    ),
    "somebody moved an item into the new list": (
        CreateList(list_id="l9", name="x"),
        MoveItem(item_id="i1", list_id="l9"),
        ("i1",),
    ),
}


@pytest.mark.parametrize("name", SINCE)
async def test_what_somebody_changed_since_is_a_conflict_and_nothing_is_applied(store: "Store", name: str) -> None:
    first, then, named = SINCE[name]
    await store.do(*SETUP)
    changed = await change(store, first)
    await store.do(then)
    before = await store.snapshot(journal_since=0)
    result = await undo(store, changed)
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, named)
    assert await store.snapshot(journal_since=0) == before


async def test_what_others_did_beside_it_stays(store: "Store") -> None:
    await store.do(*SETUP)
    changed = await change(store, CompleteItem(item_id="i1"), DeleteItem(item_id="i2"))
    await store.do(MoveItem(item_id="i1", list_id="l1"), CreateItem(item_id="i9", list_id="l1", title="tea"))
    assert (await undo(store, changed)).status is ApplyStatus.APPLIED
    assert await order(store) == ["i2", "i3", "i1", "i9"]
    assert not (await store.item("i1")).done


async def test_an_item_comes_back_in_front_of_one_that_has_taken_its_position_since(store: "Store") -> None:
    await store.do(*SETUP)
    former = (await store.item("i3")).position
    changed = await change(store, DeleteItem(item_id="i3"))
    await store.do(CreateItem(item_id="a1", list_id="l1", title="tea"))
    assert (await store.item("a1")).position == former
    assert (await undo(store, changed)).status is ApplyStatus.APPLIED
    assert await order(store) == ["i1", "i2", "i3", "a1"]
    # Between any two there is a place again.
    await store.do(MoveItem(item_id="i1", list_id="l1", after_id="i3"))
    assert await order(store) == ["i2", "i3", "i1", "a1"]


async def test_an_unknown_change_and_another_owners_are_refused_by_name(store: "Store") -> None:
    changed = await change(store.other(), *SETUP)
    for change_id in (changed, "cnever"):
        result = await undo(store, change_id)
        assert (result.status, result.reason) == (ApplyStatus.REFUSED, "unknown_change")


async def test_an_undo_beside_other_operations_is_refused_by_name(store: "Store") -> None:
    changed = await change(store, *SETUP)
    result = await store.apply(UndoChange(change_id=changed), CreateList(list_id="l9", name="x"))
    assert (result.status, result.reason) == (ApplyStatus.REFUSED, "undo_alone")


async def test_an_undo_relies_on_versions_like_any_operation(store: "Store") -> None:
    await store.do(*SETUP)
    changed = await change(store, DeleteItem(item_id="i2"))
    result = await store.apply(UndoChange(change_id=changed), relies_on={"i1": 7})
    assert (result.status, result.rows) == (ApplyStatus.CONFLICT, ("i1",))


async def one(store: "Store", **asked: object) -> Changes:
    request = ChangesRequest.model_validate({"owner": store.owner, **asked})
    return await store.handlers.changes(request)


async def test_one_change_is_read_by_its_id_and_nobody_elses(store: "Store") -> None:
    first = await change(store, *SETUP)
    await store.do(CompleteItem(item_id="i1"))
    found = await one(store, change_id=first)
    assert (found.revision, found.images_next) == (2, None)
    assert found.entries == (await store.snapshot(journal_since=0)).journal[:1]
    assert (await one(store, change_id="cnever")).entries == ()
    assert (await one(store.other(), change_id=first)).entries == ()


async def test_the_newest_change_is_that_of_the_doors_asked_for(store: "Store") -> None:
    await store.apply(*SETUP, author=Author.CHAT)
    await store.apply(CompleteItem(item_id="i1"), author=Author.BOARD)
    await store.apply(CompleteItem(item_id="i2"), author=Author.MCP)
    by_people = await one(store, newest_by=(Author.CHAT, Author.BOARD))
    assert [(entry.revision, entry.author) for entry in by_people.entries] == [(2, Author.BOARD)]
    assert [entry.revision for entry in (await one(store, newest_by=(Author.CHAT,))).entries] == [1]
    assert (await one(store, newest_by=(Author.SYSTEM,))).entries == ()


async def test_a_change_too_long_for_a_message_is_read_whole_in_pages_and_can_be_undone(store: "Store") -> None:
    notes = "\N{CLINKING BEER MUGS}" * 8_000
    for batch in range(3):
        made = [CreateItem(item_id=f"b{batch}x{n}", list_id="l1", title="x", notes=notes) for n in range(20)]
        await store.do(*(SETUP if batch == 0 else ()), *made)
    before = await store.snapshot()
    deleted = await change(store, DeleteList(list_id="l1"))

    pages = [await one(store, change_id=deleted)]
    while (behind := pages[-1].images_next) is not None:
        assert len(pages) < 10
        pages.append(await one(store, change_id=deleted, images_from=behind))
    assert len(pages) > 1
    assert max(len(page.to_json()) for page in pages) < BUS_PAYLOAD_MAX_BYTES
    (entry,) = joined(entry for page in pages for entry in page.entries)
    assert (entry,) == (await store.snapshot(journal_since=3)).journal
    assert len({image.row_id for image in entry.images}) == len(entry.images) == 64

    assert (await undo(store, deleted)).status is ApplyStatus.APPLIED
    assert rows(await store.snapshot()) == rows(before)


def test_asking_for_one_change_by_two_names_is_invalid() -> None:
    with pytest.raises(ValidationError, match="give one of them"):
        ChangesRequest(owner="a" * 26, change_id="c1", newest_by=(Author.CHAT,))
