"""Items by words and by what is set on them, page by page."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from bus.errors import Refusal
from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteItem, DeleteList, MoveItem
from contracts.store import ListCount, SearchRequest, SearchResult

if TYPE_CHECKING:
    from conftest import Store


@pytest.fixture
async def filled(store: "Store") -> "Store":
    await store.do(
        CreateList(list_id="l1", name="Groceries"),
        CreateList(list_id="l2", name="Travel"),
        CreateItem(item_id="i1", list_id="l1", title="Oat milk", notes="the 100% one"),
        CreateItem(item_id="i2", list_id="l1", title="eggs", notes="with the MILK"),
        CreateItem(item_id="i3", list_id="l2", title="passport_photo"),
        CreateItem(item_id="i4", list_id="l2", title="old milk"),
        CreateItem(item_id="i5", list_id="l2", title="Äpfel"),
        CompleteItem(item_id="i2"),
    )
    await store.do(DeleteItem(item_id="i4"))
    await store.other().do(
        CreateList(list_id="l1", name="Theirs"), CreateItem(item_id="i1", list_id="l1", title="milk")
    )
    return store


async def search(store: "Store", query: str, *, done: bool | None = None, limit: int = 20) -> SearchResult:
    return await store.handlers.search(SearchRequest(owner=store.owner, query=query, done=done, limit=limit))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("milk", ["i1", "i2"]),
        ("MILK oat", ["i1"]),
        ("milk passport", []),
        ("100%", ["i1"]),
        ("10%one", []),
        ("passport_", ["i3"]),
        ("oat_milk", []),
        ("äPFEL", ["i5"]),
        ("", ["i1", "i2", "i3", "i5"]),
    ],
)
async def test_every_word_is_found_literally_in_title_or_notes(filled: "Store", query: str, found: list[str]) -> None:
    result = await search(filled, query)
    assert [item.id for item in result.items] == found
    assert result.total == len(found)
    assert result.revision == 2


async def test_done_filters_and_the_lists_of_what_was_found_come_along(filled: "Store") -> None:
    result = await search(filled, "milk", done=True)
    assert [item.id for item in result.items] == ["i2"]
    assert [row.name for row in result.lists] == ["Groceries"]
    assert [item.id for item in (await search(filled, "milk", done=False)).items] == ["i1"]


async def test_the_total_counts_what_the_limit_leaves_out(filled: "Store") -> None:
    result = await search(filled, "", limit=1)
    assert (len(result.items), result.total) == (1, 4)


async def test_a_query_that_postgresql_cannot_hold_is_refused_by_name(filled: "Store") -> None:
    with pytest.raises(Refusal) as caught:
        await search(filled, "mi\0lk")
    assert caught.value.problem.field == "query"


async def test_items_come_by_the_places_of_their_lists_not_by_ids(store: "Store") -> None:
    await store.do(
        CreateList(list_id="lz", name="First"),
        CreateList(list_id="la", name="Second"),
        CreateItem(item_id="i2", list_id="la", title="two"),
        CreateItem(item_id="i1", list_id="lz", title="one"),
        CreateItem(item_id="i3", list_id="lz", title="three"),
        MoveItem(item_id="i3", list_id="lz", first=True),
    )
    assert [item.id for item in (await search(store, "")).items] == ["i3", "i1", "i2"]


async def test_pages_go_on_behind_an_item_or_a_list_even_where_that_was_deleted(filled: "Store") -> None:
    async def page(after: str | None) -> tuple[list[str], int]:
        result = await filled.handlers.search(SearchRequest(owner=filled.owner, after=after, limit=2))
        return [item.id for item in result.items], result.total

    assert await page(None) == (["i1", "i2"], 4)
    assert await page("i2") == (["i3", "i5"], 4)
    assert await page("i4") == (["i5"], 4)  # deleted, and stood between those two
    assert await page("i5") == ([], 4)
    assert await page("l1") == (["i3", "i5"], 4)
    assert await page("l2") == ([], 4)


async def test_a_page_behind_a_row_that_never_was_is_refused_by_name(filled: "Store") -> None:
    with pytest.raises(Refusal) as caught:
        await filled.handlers.search(SearchRequest(owner=filled.owner, after="inone"))
    assert (caught.value.problem.field, caught.value.problem.value) == ("after", "inone")


async def test_items_can_be_asked_for_by_list_and_by_id(filled: "Store") -> None:
    async def found(**wanted: object) -> list[str]:
        request = SearchRequest.model_validate({"owner": filled.owner, **wanted})
        return [item.id for item in (await filled.handlers.search(request)).items]

    assert await found(list_id="l2") == ["i3", "i5"]
    assert await found(list_id="l2", query="passport") == ["i3"]
    assert await found(list_id="lnone") == []
    assert await found(item_ids=("i5", "i1", "i4", "inone")) == ["i1", "i5"]


async def test_due_before_a_day_takes_a_moment_by_the_day_of_its_own_offset(store: "Store") -> None:
    late = datetime(2026, 12, 1, 23, 30, tzinfo=timezone(-timedelta(hours=8)))  # 2 December in UTC
    await store.do(
        CreateList(list_id="l1", name="Groceries"),
        CreateItem(item_id="i1", list_id="l1", title="day", due=date(2026, 12, 1)),
        CreateItem(item_id="i2", list_id="l1", title="moment", due=late),
        CreateItem(item_id="i3", list_id="l1", title="later", due=datetime(2026, 12, 2, tzinfo=UTC)),
        CreateItem(item_id="i4", list_id="l1", title="never"),
    )

    async def before(day: date) -> list[str]:
        result = await store.handlers.search(SearchRequest(owner=store.owner, due_before=day))
        return [item.id for item in result.items]

    assert await before(date(2026, 12, 1)) == []
    assert await before(date(2026, 12, 2)) == ["i1", "i2"]
    assert await before(date(2026, 12, 3)) == ["i1", "i2", "i3"]


async def test_every_list_comes_with_its_counts_whatever_was_searched_for(filled: "Store") -> None:
    await filled.do(CreateList(list_id="l3", name="Empty"), CreateList(list_id="l4", name="Gone"))
    await filled.do(DeleteList(list_id="l4"))
    request = SearchRequest(owner=filled.owner, query="oat", counts=True)
    assert (await filled.handlers.search(request)).counts == (
        ListCount(id="l1", name="Groceries", open=1, done=1),
        ListCount(id="l2", name="Travel", open=2, done=0),
        ListCount(id="l3", name="Empty", open=0, done=0),
    )
    assert (await search(filled, "oat")).counts == ()
