"""The journal: gapless, written by the database itself, never crossing owners."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteItem, DeleteList, MoveItem, UpdateItem
from contracts.todo import Author, Image, Priority, TodoItem, TodoList
from contracts.tokens import uuid7

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")
MILK = CreateItem(item_id="i1", list_id="l1", title="milk")
WRITERS = 20


ALLOW = "SELECT set_config('todo.owner', :owner, true), set_config('todo.revision', '1', true)"


async def run_sql(database_url: str, owner: str, *statements: str) -> None:
    """What somebody at a console could do: all statements in one transaction."""
    engine = create_async_engine(database_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement), {"owner": owner} if ":owner" in statement else None)
    finally:
        await engine.dispose()


async def test_twenty_writers_of_one_owner_leave_no_gap_and_no_double(store: "Store") -> None:
    await store.do(GROCERIES)
    results = await asyncio.gather(
        *(store.do(CreateItem(item_id=f"i{n}", list_id="l1", title=f"item {n}")) for n in range(WRITERS))
    )
    assert sorted(result.revision_after or 0 for result in results) == list(range(2, WRITERS + 2))
    assert all(result.revision_before == (result.revision_after or 0) - 1 for result in results)
    snapshot = await store.snapshot(journal_since=0)
    assert [entry.revision for entry in snapshot.journal] == list(range(1, WRITERS + 2))
    assert snapshot.revision == WRITERS + 1
    assert [entry.at for entry in snapshot.journal] == sorted(entry.at for entry in snapshot.journal)
    assert len({item.position for item in snapshot.items}) == WRITERS


async def test_an_entry_tells_who_changed_what_and_how_the_rows_were(store: "Store") -> None:
    operation_id = uuid7()
    created = await store.apply(GROCERIES, MILK, operation_id=operation_id, author=Author.MCP)
    before = await store.snapshot()
    changed = await store.do(UpdateItem(item_id="i1", title="oat milk", priority=Priority.LOW))
    after = await store.snapshot()
    await store.do(DeleteList(list_id="l1"))
    first, second, third = (await store.changes(0)).entries

    assert (first.change_id, first.operation_id, first.author) == (created.change_id, operation_id, Author.MCP)
    assert first.images == (
        Image(row_id="l1", after=before.lists[0]),
        Image(row_id="i1", after=before.items[0]),
    )
    assert (second.change_id, second.author) == (changed.change_id, Author.BOARD)
    assert second.images == (Image(row_id="i1", before=before.items[0], after=after.items[0]),)
    assert set(third.images) == {Image(row_id="i1", before=after.items[0]), Image(row_id="l1", before=after.lists[0])}
    assert isinstance(first.images[0].after, TodoList)
    assert isinstance(first.images[1].after, TodoItem)


async def test_moves_completions_and_deletions_have_images_too(store: "Store") -> None:
    await store.do(GROCERIES, CreateList(list_id="l2", name="Travel"), MILK)
    for operation in (MoveItem(item_id="i1", list_id="l2"), CompleteItem(item_id="i1"), DeleteItem(item_id="i1")):
        before = {item.id: item for item in (await store.snapshot()).items}
        result = await store.do(operation)
        after = {item.id: item for item in (await store.snapshot()).items}
        (entry,) = (await store.changes(result.revision_before or 0)).entries
        assert entry.images == (Image(row_id="i1", before=before["i1"], after=after.get("i1")),)


async def test_a_rejected_apply_leaves_no_entry(store: "Store") -> None:
    await store.do(GROCERIES)
    await store.apply(CreateItem(item_id="i1", list_id="l9", title="x"))
    assert [entry.revision for entry in (await store.changes(0)).entries] == [1]


async def test_changes_come_oldest_first_and_bounded_with_the_newest_revision(store: "Store") -> None:
    for n in range(5):
        await store.do(CreateList(list_id=f"l{n}", name="x"))
    page = await store.changes(1, limit=2)
    assert ([entry.revision for entry in page.entries], page.revision) == ([2, 3], 5)
    assert (await store.changes(5)).entries == ()
    nothing = await store.other().changes(0)
    assert (nothing.revision, nothing.entries) == (0, ())


async def test_no_row_changes_without_a_journal_entry(store: "Store", database_url: str) -> None:
    await store.do(GROCERIES, MILK)
    for statement in (
        "UPDATE todo_items SET title = 'x' WHERE owner_key = :owner",
        "UPDATE todo_lists SET name = 'x' WHERE owner_key = :owner",
        "INSERT INTO todo_lists (owner_key, id, name, position) VALUES (:owner, 'l2', 'x', 'a1')",
        "INSERT INTO todo_items (owner_key, id, list_id, title, position) VALUES (:owner, 'i2', 'l1', 'x', 'a1')",
    ):
        with pytest.raises(DBAPIError, match="only under a journal entry"):
            await run_sql(database_url, store.owner, statement)
    with pytest.raises(DBAPIError, match="fk_change_images_changes"):
        await run_sql(
            database_url,
            store.owner,
            ALLOW.replace("'1'", "'99'"),
            "UPDATE todo_items SET title = 'x' WHERE owner_key = :owner",
        )
    assert (await store.item("i1")).title == "milk"


async def test_the_permission_to_change_rows_ends_with_its_transaction(store: "Store", database_url: str) -> None:
    await store.do(GROCERIES, MILK)
    engine = create_async_engine(database_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            async with connection.begin():
                await connection.execute(text(ALLOW), {"owner": store.owner})
            with pytest.raises(DBAPIError, match="only under a journal entry"):
                await connection.execute(
                    text("UPDATE todo_items SET title = 'x' WHERE owner_key = :owner"), {"owner": store.owner}
                )
    finally:
        await engine.dispose()


async def test_an_entry_covers_rows_of_its_own_owner_only(store: "Store", database_url: str) -> None:
    other = store.other()
    await store.do(GROCERIES)
    await other.do(GROCERIES)
    with pytest.raises(DBAPIError, match="its own owner only"):
        await run_sql(
            database_url,
            store.owner,
            ALLOW,
            "UPDATE todo_lists SET name = 'x'",
        )


async def test_a_row_keeps_its_id(store: "Store", database_url: str) -> None:
    await store.do(GROCERIES)
    with pytest.raises(DBAPIError, match="keeps its owner and its id"):
        await run_sql(
            database_url,
            store.owner,
            ALLOW,
            "UPDATE todo_lists SET id = 'l2' WHERE owner_key = :owner",
        )


@pytest.mark.parametrize("statement", ["DELETE FROM {table} WHERE owner_key = :owner", "TRUNCATE {table} CASCADE"])
@pytest.mark.parametrize("table", ["todo_items", "todo_lists"])
async def test_rows_are_never_removed(store: "Store", database_url: str, table: str, statement: str) -> None:
    await store.do(GROCERIES, MILK)
    with pytest.raises(DBAPIError, match="are not removed"):
        await run_sql(
            database_url,
            store.owner,
            ALLOW,
            statement.format(table=table),
        )
    assert len((await store.snapshot()).items) == 1


async def test_what_one_owner_does_no_other_owner_sees(store: "Store") -> None:
    other = store.other()
    await store.do(GROCERIES, MILK)
    await other.do(CreateList(list_id="l1", name="Mine"), CreateItem(item_id="i1", list_id="l1", title="mine"))
    await store.do(CompleteItem(item_id="i1"), UpdateItem(item_id="i1", title="milk!"))
    await store.do(DeleteList(list_id="l1"))
    theirs = await other.snapshot(journal_since=0)
    assert (theirs.revision, theirs.lists[0].name, theirs.items[0].title) == (1, "Mine", "mine")
    assert (theirs.items[0].done, theirs.items[0].version) == (False, 1)
    assert len(theirs.journal) == 1


async def test_an_entry_too_large_for_a_message_comes_without_images_and_says_so(store: "Store") -> None:
    await store.do(GROCERIES)
    notes = "\N{CLINKING BEER MUGS}" * 8_000
    for batch in range(2):
        await store.do(*(CreateItem(item_id=f"i{batch}{n}", list_id="l1", title="x", notes=notes) for n in range(20)))
    await store.do(DeleteList(list_id="l1"))
    page = await store.changes(3)
    (entry,) = page.entries
    assert (entry.revision, entry.truncated, entry.images) == (4, True, ())
    # A page ends before an entry that it has no room for, and the next one begins with it.
    assert [(entry.revision, entry.truncated) for entry in (await store.changes(0)).entries] == [(1, False), (2, False)]
    # The snapshot is a series: there it is whole, in pieces.
    parts = await store.parts(journal_since=3)
    assert max(len(part.to_json()) for part in parts) < 1024 * 1024
    assert sum(len(entry.images) for part in parts for entry in part.journal) == 41
    assert len((await store.snapshot(journal_since=3)).journal) == 1
