"""A delta laid over what was read before is what a whole snapshot would be, whoever wrote meanwhile, and however."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import asyncpg
import pytest

from contracts.limits import BUS_PAYLOAD_MAX_BYTES, DELTA_ROWS_MAX
from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    UndoChange,
    UpdateItem,
)
from contracts.store import Snapshot
from todo_store.marks import FAR, Mark, mark_of
from todo_store.repository import forgetting
from todo_store.sessions import Database
from verification.errors import OverlayError
from verification.overlay import overlaid
from verification.state import state_of

if TYPE_CHECKING:
    from conftest import Store

BOUND_S = 20.0
SETUP = (
    CreateList(list_id="l1", name="Groceries"),
    CreateList(list_id="l2", name="Travel"),
    *(CreateItem(item_id=f"i{n}", list_id="l1", title=f"item {n}") for n in range(4)),
)


@pytest.fixture
async def console(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the store's, with its rights."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    yield connection
    await connection.close()


async def behind_the_journal(console: asyncpg.Connection, statement: str, *values: object) -> None:
    """Run a statement on the items with their triggers off."""
    async with console.transaction():
        await console.execute("ALTER TABLE todo_items DISABLE TRIGGER USER")
        assert await console.execute(statement, *values) not in {"UPDATE 0", "DELETE 0"}
        await console.execute("ALTER TABLE todo_items ENABLE TRIGGER USER")


async def caught_up(store: "Store", base: Snapshot) -> Snapshot:
    """The delta on `base`, which must come to what a whole snapshot holds."""
    delta = await store.marked(since=base.mark)
    whole = await store.marked()
    assert delta.delta is not None
    laid = overlaid(state_of(base), delta)
    assert laid == state_of(whole)
    assert list(laid.lists) == [row.id for row in whole.lists]
    return delta


async def test_where_nothing_was_written_nothing_comes_but_the_totals(store: "Store") -> None:
    await store.do(*SETUP)
    delta = await caught_up(store, await store.marked())
    assert (delta.lists, delta.items) == ((), ())
    assert delta.delta is not None
    assert (delta.delta.lists, delta.delta.items, delta.delta.removed) == (2, 4, ())


async def test_only_what_was_written_comes_and_what_was_deleted_is_named(store: "Store") -> None:
    await store.do(*SETUP)
    base = await store.marked()
    await store.do(CompleteItem(item_id="i1"), MoveItem(item_id="i2", list_id="l2"), DeleteItem(item_id="i3"))
    delta = await caught_up(store, base)
    assert {item.id for item in delta.items} == {"i1", "i2"}
    assert delta.delta is not None
    assert delta.delta.removed == ("i3",)


async def test_what_was_deleted_and_came_back_is_not_called_removed(store: "Store") -> None:
    await store.do(*SETUP)
    base = await store.marked()
    gone = await store.do(DeleteList(list_id="l1"))
    assert gone.change_id is not None
    await store.do(UndoChange(change_id=gone.change_id))
    delta = await caught_up(store, base)
    assert delta.delta is not None
    assert delta.delta.removed == ()
    assert {row.id for row in delta.lists} == {"l1"}


@pytest.mark.parametrize("nested", [False, True], ids=["", "in a nested transaction"])
async def test_what_was_under_way_when_the_base_was_read_is_not_missed(
    store: "Store", console: asyncpg.Connection, nested: bool
) -> None:
    """Its number is lower than others that the base has seen, and the journal tells of it under an old revision."""
    await store.do(*SETUP)
    under_way = console.transaction()
    await under_way.start()
    await console.execute(
        "SELECT set_config('todo.owner', $1, true), set_config('todo.revision', '1', true)", store.owner
    )
    if nested:
        await console.execute("SAVEPOINT inner_one")
    await console.execute("UPDATE todo_items SET title = 'late' WHERE owner_key = $1 AND id = 'i1'", store.owner)
    await store.other().do(*SETUP)
    base = await store.marked()
    assert "late" not in {item.title for item in base.items}
    await under_way.commit()
    delta = await caught_up(store, base)
    assert "late" in {item.title for item in delta.items}


async def test_a_row_edited_behind_the_journal_with_its_version_kept_comes_all_the_same(
    store: "Store", console: asyncpg.Connection
) -> None:
    await store.do(*SETUP)
    base = await store.marked()
    await behind_the_journal(
        console, "UPDATE todo_items SET title = 'tampered' WHERE owner_key = $1 AND id = 'i1'", store.owner
    )
    delta = await caught_up(store, base)
    assert (delta.revision, [item.title for item in delta.items]) == (base.revision, ["tampered"])
    assert delta.items[0].version == next(item.version for item in base.items if item.id == "i1")


REMOVALS = {
    "for good": "DELETE FROM todo_items WHERE owner_key = $1 AND id = 'i1'",
    "softly": "UPDATE todo_items SET deleted_at = now() WHERE owner_key = $1 AND id = 'i1'",
    "by another id": "UPDATE todo_items SET id = 'i9' WHERE owner_key = $1 AND id = 'i1'",
    "while another came": """
        WITH gone AS (DELETE FROM todo_items WHERE owner_key = $1 AND id = 'i1')
        INSERT INTO todo_items (owner_key, id, list_id, title, position) VALUES ($1, 'i9', 'l1', 'new', 'zz')
    """,
}


@pytest.mark.parametrize("how", REMOVALS)
async def test_a_row_removed_behind_the_journal_shows_in_the_totals(
    store: "Store", console: asyncpg.Connection, how: str
) -> None:
    await store.do(*SETUP)
    base = await store.marked()
    await behind_the_journal(console, REMOVALS[how], store.owner)
    delta = await store.marked(since=base.mark)
    assert delta.delta is not None
    with pytest.raises(OverlayError):
        overlaid(state_of(base), delta)


async def test_a_journal_that_calls_a_living_row_deleted_is_not_believed(
    store: "Store", console: asyncpg.Connection
) -> None:
    """Else it could make up for a row that was removed in secret."""
    await store.do(*SETUP)
    base = await store.marked()
    await store.do(DeleteItem(item_id="i3"))
    await console.execute(
        "UPDATE change_images SET row_id = 'i2' WHERE owner_key = $1 AND revision = $2",
        store.owner,
        base.revision + 1,
    )
    delta = await store.marked(since=base.mark)
    assert delta.delta is not None
    assert delta.delta.removed == ()
    with pytest.raises(OverlayError):
        overlaid(state_of(base), delta)


async def test_a_trusting_reader_sees_what_the_revision_tells_and_the_next_one_the_rest(
    store: "Store", console: asyncpg.Connection
) -> None:
    await store.do(*SETUP)
    base = await store.marked()
    await behind_the_journal(
        console, "UPDATE todo_items SET title = 'tampered' WHERE owner_key = $1 AND id = 'i1'", store.owner
    )
    trusting = await store.marked(since=base.mark, trusting=True)
    assert trusting.items == ()
    assert overlaid(state_of(base), trusting) == state_of(base)
    # Its mark is no later one, or the change would be lost for good.
    assert trusting.mark == base.mark
    await caught_up(store, base.model_copy(update={"mark": trusting.mark}))
    await store.do(CompleteItem(item_id="i2"))
    assert {item.id for item in (await store.marked(since=base.mark, trusting=True)).items} == {"i1", "i2"}


def later_revision(mark: Mark) -> str:
    return str(Mark(mark.run, mark.oldest, mark.revision + 1))


FOREIGN: dict[str, Callable[[Mark], str]] = {
    "of another run of the server": lambda mark: str(Mark("1.2.3.4", mark.oldest, mark.revision)),
    "of a later transaction": lambda mark: str(Mark(mark.run, mark.oldest + 1000, mark.revision)),
    "of a later revision": later_revision,
    "of no transaction": lambda mark: f"{mark.run}/-1/{mark.revision}",
    "that is none": lambda _: "anything",
}


def test_moments_too_far_apart_are_not_compared() -> None:
    """A row has 32 bits of the number, so that what is far away looks near."""
    early = Mark("run", 700, 1)
    assert Mark("run", 700 + FAR - 1, 1).follows(early)
    assert not Mark("run", 700 + FAR, 1).follows(early)


@pytest.mark.parametrize("which", FOREIGN)
async def test_a_mark_that_nothing_can_be_told_from_gets_everything(store: "Store", which: str) -> None:
    await store.do(*SETUP)
    mark = mark_of((await store.marked()).mark or "")
    assert mark is not None
    text = FOREIGN[which](mark)
    for trusting in (False, True):
        answer = await store.marked(since=text, trusting=trusting)
        assert answer.delta is None
        assert (len(answer.lists), len(answer.items)) == (2, 4)


async def test_more_than_a_bounded_number_of_rows_is_told_as_everything(store: "Store") -> None:
    await store.do(*SETUP)
    await store.do(*(CreateList(list_id=f"m{n}", name="more") for n in range(5)))
    base = await store.marked()
    for batch in range(5):
        made = (CreateItem(item_id=f"b{batch}x{n}", list_id=f"m{batch}", title="x") for n in range(400))
        await store.do(*made)
    assert len((await caught_up(store, base)).items) == DELTA_ROWS_MAX
    await store.do(CreateItem(item_id="last", list_id="l1", title="x"))
    assert (await store.marked(since=base.mark)).delta is None


async def test_parts_of_a_delta_are_bounded_too(store: "Store") -> None:
    notes = "\N{CLINKING BEER MUGS}" * 8_000
    await store.do(*SETUP, *(CreateItem(item_id=f"d{n}", list_id="l1", title="x") for n in range(20)))
    base = await store.marked()
    for batch in range(2):
        made = (CreateItem(item_id=f"b{batch}x{n}", list_id="l1", title="x", notes=notes) for n in range(20))
        await store.do(*made)
    await store.do(*(DeleteItem(item_id=f"d{n}") for n in range(20)))
    parts = await store.parts(since=base.mark)
    assert len(parts) > 1
    assert max(len(part.to_json()) for part in parts) < BUS_PAYLOAD_MAX_BYTES * 0.8
    assert [len(part.delta.removed) for part in parts if part.delta is not None] == [20, *(0 for _ in parts[1:])]
    await caught_up(store, base)


async def test_an_owner_who_was_forgotten_and_began_anew_does_not_fit_what_was_read_before(
    store: "Store", database: Database
) -> None:
    await store.do(*SETUP)
    base = await store.marked()
    async with database.writing() as session:
        await forgetting.forget(session, store.owner)
    answer = await store.marked(since=base.mark)
    assert (answer.delta, answer.revision, answer.items) == (None, 0, ())
    # As many rows, and a later revision.
    await store.do(CreateList(list_id="k1", name="New"))
    await store.do(
        CreateList(list_id="k2", name="Newer"),
        *(CreateItem(item_id=f"k{n}", list_id="k1", title="x") for n in range(3, 7)),
    )
    await store.do(UpdateItem(item_id="k3", title="y"))
    with pytest.raises(OverlayError):
        overlaid(state_of(base), await store.marked(since=base.mark))


async def test_an_owner_sees_nothing_of_what_was_written_for_another(store: "Store") -> None:
    await store.do(*SETUP)
    base = await store.marked()
    await store.other().do(*SETUP)
    assert (await caught_up(store, base)).items == ()


async def test_readers_during_writes_catch_up_to_one_moment(store: "Store") -> None:
    await store.do(*SETUP)
    stop = asyncio.Event()

    async def write(list_id: str) -> None:
        for n in range(25):
            made = [CreateItem(item_id=f"{list_id}p{n}x{half}", list_id=list_id, title="x") for half in range(2)]
            gone = [DeleteItem(item_id=f"{list_id}p{n - 5}x{half}") for half in range(2)] if n >= 5 else []
            await store.do(*made, *gone)

    async def read() -> None:
        base = await store.marked()
        state = state_of(base)
        mark = base.mark
        while not stop.is_set():
            delta = await store.marked(journal_since=state.revision, since=mark)
            assert delta.delta is not None
            later = overlaid(state, delta)
            # Each change makes two and deletes two: half of one would show.
            assert len(later.items) % 2 == 0
            last = {image.row_id: image.after for entry in delta.journal for image in entry.images}
            assert last == {row_id: later.row(row_id) for row_id in last}
            state, mark = later, delta.mark
        assert overlaid(state, await store.marked(since=mark)) == state_of(await store.marked())

    readers = [asyncio.create_task(read()) for _ in range(2)]
    try:
        await asyncio.wait_for(asyncio.gather(write("l1"), write("l2")), BOUND_S)
    finally:
        stop.set()
    await asyncio.wait_for(asyncio.gather(*readers), BOUND_S)
