"""Items by words in title or notes."""

from typing import TYPE_CHECKING

import pytest

from bus.errors import Refusal
from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteItem
from contracts.store import SearchRequest, SearchResult

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
