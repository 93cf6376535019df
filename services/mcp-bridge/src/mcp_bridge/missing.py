"""What is said where a row does not exist, or is not as it was: what there is instead."""

from collections.abc import Sequence
from typing import Any, Final

from contracts.limits import SEARCH_LIMIT_MAX
from contracts.store import ListCount, SearchRequest, SearchResult
from contracts.todo import TodoItem
from mcp_bridge.answers import NOTHING_CHANGED, Answer
from mcp_bridge.near import Known, nearest
from mcp_bridge.operations import Named
from mcp_bridge.store import Store
from mcp_bridge.wording import in_list, item_facts, item_line, list_facts, quoted

LISTS_TOLD: Final = 10
LOOKED_AT: Final = 2_000
"""So many items are compared with an id that does not exist, in the order of their lists."""


async def missing_answer(store: Store, named: Sequence[Named], *, changes: bool) -> Answer:
    """Say of the rows that were named which do not exist, and what is near. Raises AwayError and RefusedError."""
    there = await _there(store, named)
    absent = [row for row in named if not _exists(row, there)]
    sentences, facts = [], dict[str, Any]()
    for row in absent or named:
        told, near = await _told(store, row, there)
        sentences.append(told)
        facts.setdefault("near", []).extend(near)
    if changes:
        sentences.append(NOTHING_CHANGED)
    sentences.append("Call again with an id that exists.")
    facts = {"error": "not_found", "missing": [row.id for row in absent or named], **facts}
    return Answer(" ".join(sentences), facts, failed=True)


async def as_it_is_now(store: Store, named: Sequence[Named]) -> tuple[str, dict[str, Any]]:
    """The rows that were named, as they are: a sentence, and facts. Raises AwayError and RefusedError."""
    there = await _there(store, named)
    lines = [f"list {row.id} {quoted(row.name)}" for row in there.counts if _names(named, "list", row.id)]
    lines += [item_line(item, where=in_list(item.list_id, there.counts)) for item in there.items]
    gone = [f"{row.kind} {row.id} does not exist" for row in named if row.kind != "change" and not _exists(row, there)]
    facts: dict[str, Any] = {
        "revision": there.revision,
        "lists": [list_facts(row) for row in there.counts if _names(named, "list", row.id)],
        "items": [item_facts(item, notes_chars=len(item.notes)) for item in there.items],
    }
    told = "; ".join([*lines, *gone])
    return f"Now, at revision {there.revision}: {told}." if told else f"It is at revision {there.revision} now.", facts


async def _there(store: Store, named: Sequence[Named]) -> SearchResult:
    ids = tuple(row.id for row in named if row.kind == "item" and row.possible)
    found = await store.search(SearchRequest(owner=store.owner, item_ids=ids, limit=max(1, len(ids)), counts=True))
    return found if ids else found.model_copy(update={"items": ()})


def _exists(row: Named, there: SearchResult) -> bool:
    rows: Sequence[ListCount | TodoItem] = there.counts if row.kind == "list" else there.items
    return any(one.id == row.id for one in rows)


def _names(named: Sequence[Named], kind: str, row_id: str) -> bool:
    return any(row.kind == kind and row.id == row_id for row in named)


async def _told(store: Store, row: Named, there: SearchResult) -> tuple[str, list[str]]:
    told = f"no {row.kind} has the id {quoted(row.id)}."
    if row.kind == "change":
        return f"{told} get_changes shows those that there are.", []
    if row.kind == "list":
        lists = [Known(one.id, one.name, f"{one.id} {quoted(one.name)}") for one in there.counts]
        near = nearest(row.id, lists)
        shown = "; ".join(one.told for one in lists[:LISTS_TOLD]) or "none, create_todo_list makes one"
        more = f"; and {len(lists) - LISTS_TOLD} more" if len(lists) > LISTS_TOLD else ""
        return f"{told}{_near(near)} Lists: {shown}{more}.", [one.id for one in near]
    near = nearest(row.id, await _items(store))
    return f"{told}{_near(near)} search_todo_items finds items by their words.", [one.id for one in near]


async def _items(store: Store) -> list[Known]:
    known: list[Known] = []
    after: str | None = None
    while len(known) < LOOKED_AT:
        page = await store.search(SearchRequest(owner=store.owner, after=after, limit=SEARCH_LIMIT_MAX))
        known += [Known(item.id, item.title, item_line(item, where=in_list(item.list_id, page.lists), notes_chars=0))
                  for item in page.items]  # fmt: skip
        if len(page.items) < SEARCH_LIMIT_MAX:
            break
        after = page.items[-1].id
    return known


def _near(near: Sequence[Known]) -> str:
    return f" Near: {'; '.join(one.told for one in near)}." if near else ""
