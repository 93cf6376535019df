"""A snapshot is one moment, in parts that the bus can carry."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from contracts.limits import BUS_PAYLOAD_MAX_BYTES, SNAPSHOT_PART_ROWS
from contracts.operations import CompleteItem, CreateItem, CreateList, MoveItem, UpdateItem
from contracts.store import SnapshotPart, SnapshotRequest, joined
from todo_store.schema import OwnerRow
from todo_store.sessions import Database, ReadSession

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")


def items(count: int, prefix: str = "i", notes: str = "") -> list[CreateItem]:
    return [CreateItem(item_id=f"{prefix}{n}", list_id="l1", title=f"item {n}", notes=notes) for n in range(count)]


async def test_an_owner_never_seen_has_revision_zero_and_no_rows(store: "Store") -> None:
    for parts in (await store.parts(), await store.parts(journal_since=0)):
        assert [part.model_copy(update={"mark": None}) for part in parts] == [SnapshotPart(revision=0)]


async def test_reading_leaves_no_trace_of_an_owner(store: "Store", database: Database) -> None:
    await store.snapshot()
    async with database.reading() as session:
        assert await session.row(select(OwnerRow.revision).where(OwnerRow.owner_key == store.owner)) is None


async def test_rows_come_in_order_of_position(store: "Store") -> None:
    await store.do(GROCERIES, *items(12))
    await store.do(MoveItem(item_id="i11", list_id="l1", first=True))
    assert [item.id for item in (await store.snapshot()).items] == ["i11", *(f"i{n}" for n in range(11))]


async def test_a_snapshot_is_of_one_moment_whatever_is_written_meanwhile(store: "Store") -> None:
    await store.do(GROCERIES, *items(499))
    await store.do(*items(301, "j"))
    parts = store.handlers.snapshot(SnapshotRequest(owner=store.owner, journal_since=1))
    first = await anext(parts)
    # Not yet read: these rows, and the journal.
    await store.do(CompleteItem(item_id="j300"), CreateItem(item_id="k", list_id="l1", title="new"))
    rest = [part async for part in parts]
    found = [item for part in (first, *rest) for item in part.items]
    assert {part.revision for part in (first, *rest)} == {2}
    assert len(found) == 800
    assert not any(item.done for item in found)
    assert {entry.revision for part in rest for entry in part.journal} == {2}
    assert (await store.snapshot()).revision == 3
    assert len((await store.snapshot()).items) == 801


async def test_readers_during_writes_see_whole_changes_only(store: "Store") -> None:
    await store.do(GROCERIES)

    async def write() -> None:
        for n in range(15):
            await store.do(*items(2, f"pair{n}x"))

    async def read() -> None:
        for _ in range(15):
            snapshot = await store.snapshot(journal_since=0)
            assert len(snapshot.items) == 2 * (snapshot.revision - 1)
            assert len(snapshot.journal) == snapshot.revision

    await asyncio.gather(write(), read(), read())


async def test_parts_are_bounded_in_rows(store: "Store") -> None:
    for batch in range(3):
        await store.do(*([GROCERIES] if batch == 0 else []), *items(400, f"b{batch}x"))
    parts = await store.parts(journal_since=0)
    sizes = [len(part.lists) + len(part.items) + sum(len(entry.images) for entry in part.journal) for part in parts]
    assert max(sizes) == SNAPSHOT_PART_ROWS
    assert sum(sizes) == 2 * 1201
    assert len({item.id for part in parts for item in part.items}) == 1200


async def test_parts_are_bounded_in_bytes(store: "Store") -> None:
    notes = "\N{CLINKING BEER MUGS}" * 8_000
    for batch in range(3):
        await store.do(*([GROCERIES] if batch == 0 else []), *items(20, f"b{batch}x", notes))
    parts = await store.parts(journal_since=0)
    assert max(len(part.to_json()) for part in parts) < BUS_PAYLOAD_MAX_BYTES * 0.8
    assert len({item.id for part in parts for item in part.items}) == 60
    assert sum(len(entry.images) for entry in joined(e for part in parts for e in part.journal)) == 61


async def test_a_reading_session_has_no_way_to_write(store: "Store", database: Database) -> None:
    async with database.reading() as session:
        assert isinstance(session, ReadSession)
        with pytest.raises(AttributeError):
            await session.write(insert(OwnerRow), {"owner_key": store.owner})  # type: ignore[attr-defined]
    # Should a statement get past the type, PostgreSQL refuses it.
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with database.reading() as session:
            await session.rows(insert(OwnerRow).values(owner_key=store.owner).returning(OwnerRow.revision))


async def test_a_reader_that_goes_away_in_the_middle_gives_its_connection_back(store: "Store") -> None:
    await store.do(GROCERIES, *items(499))
    await store.do(*items(301, "j"))
    for _ in range(30):  # more than the pool holds
        async with aclosing(store.handlers.snapshot(SnapshotRequest(owner=store.owner))) as parts:
            assert len((await anext(parts)).items) == 499


async def test_five_hundred_lists_of_ten_thousand_items_are_one_moment_while_others_write(
    store: "Store",
) -> None:
    await store.do(*(CreateList(list_id=f"l{n}", name=f"List {n}") for n in range(500)))
    for batch in range(20):
        made = (CreateItem(item_id=f"i{n}x{batch}", list_id=f"l{n}", title=f"item {batch}") for n in range(500))
        await store.do(*made)
    written = 0
    stop = asyncio.Event()

    async def write(writer: str) -> None:
        """Each change moves one item and completes another: a reader sees both or neither."""
        nonlocal written
        while not stop.is_set():
            number = written
            written += 1
            moved, target = f"i{number % 500}x0", f"l{(number + 250) % 500}"
            marked = UpdateItem(item_id=f"i{(number + 1) % 500}x1", notes=f"{writer} {number}")
            await store.do(MoveItem(item_id=moved, list_id=target), marked)

    async def read() -> None:
        for _ in range(5):
            snapshot = await store.snapshot(journal_since=21)
            assert (len(snapshot.lists), len({item.id for item in snapshot.items})) == (500, 10_000)
            assert len(snapshot.journal) == snapshot.revision - 21
            # What the journal says of a row last is what the rows say.
            rows = {item.id: item for item in snapshot.items}
            last = {image.row_id: image.after for entry in snapshot.journal for image in entry.images}
            assert last == {row_id: rows[row_id] for row_id in last}

    writers = [asyncio.create_task(write(name)) for name in ("a", "b")]
    try:
        await read()
    finally:
        stop.set()
        await asyncio.gather(*writers)
    assert written > 5
