"""`todo://lists` and `todo://lists/{list_id}`: the lists as JSON, for a person to attach to a conversation."""

import json
from typing import Any, Final

from mcp_types import (
    ListResourcesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from contracts.limits import SEARCH_LIMIT_MAX
from contracts.store import SearchRequest
from contracts.todo import TodoItem
from mcp_bridge.operations import Named
from mcp_bridge.store import Store
from mcp_bridge.wording import cut, list_facts

LISTS_URI: Final = "todo://lists"
MIME: Final = "application/json"
PAGE: Final = 100
ITEMS_MAX: Final = 500
NOTES_CHARS: Final = 2_000

TEMPLATE: Final = ResourceTemplate(
    uri_template="todo://lists/{list_id}",
    name="list",
    title="One to-do list",
    description=f"One list with its items, the first {ITEMS_MAX}, done ones among them.",
    mime_type=MIME,
)
_ALL: Final = Resource(
    uri=LISTS_URI,
    name="lists",
    title="All to-do lists",
    description="Every list with how many of its items are open and done.",
    mime_type=MIME,
)


class NoSuchResourceError(ValueError):
    """The URI names nothing that there is. The text is for whoever asked."""


def uri_of(list_id: str) -> str:
    return f"{LISTS_URI}/{list_id}"


def list_id_of(uri: str) -> str | None:
    """The list that a URI names; None for all of them. Raises NoSuchResourceError for any other URI."""
    if uri == LISTS_URI:
        return None
    list_id = uri.removeprefix(f"{LISTS_URI}/")
    if list_id == uri or not Named("list", list_id).possible:
        raise NoSuchResourceError(f"there are {LISTS_URI} and {TEMPLATE.uri_template}")
    return list_id


async def listed(store: Store, cursor: str | None) -> ListResourcesResult:
    """All lists, and each by its name. Raises AwayError, RefusedError, and NoSuchResourceError for a cursor."""
    try:
        first = int(cursor or 0)
    except ValueError as error:
        raise NoSuchResourceError("the cursor is none of an earlier page") from error
    counts = (await store.search(SearchRequest(owner=store.owner, limit=1, counts=True))).counts
    page = counts[first : first + PAGE] if first >= 0 else ()
    resources = [
        Resource(
            uri=uri_of(row.id),
            name=row.name,
            title=row.name,
            description=f"A to-do list with {row.open} open items.",
            mime_type=MIME,
        )
        for row in page
    ]
    more = first + PAGE < len(counts)
    return ListResourcesResult(
        resources=[_ALL, *resources] if first == 0 else resources, next_cursor=str(first + PAGE) if more else None
    )


async def read(store: Store, uri: str) -> ReadResourceResult:
    """Raises AwayError, RefusedError and NoSuchResourceError."""
    list_id = list_id_of(uri)
    found = await store.search(
        SearchRequest(
            owner=store.owner, list_id=list_id, limit=min(ITEMS_MAX, SEARCH_LIMIT_MAX) if list_id else 1, counts=True
        )
    )
    if list_id is None:
        facts: dict[str, Any] = {"revision": found.revision, "lists": [list_facts(row) for row in found.counts]}
    else:
        row = next((one for one in found.counts if one.id == list_id), None)
        if row is None:
            raise NoSuchResourceError(f"no list has this id; {LISTS_URI} tells those that there are")
        facts = {
            "revision": found.revision,
            **list_facts(row),
            "items": [_facts(item) for item in found.items],
            "left_out": found.total - len(found.items),
        }
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type=MIME, text=text)])


def _facts(item: TodoItem) -> dict[str, Any]:
    facts = item.model_dump(mode="json", exclude_none=True, include={"id", "title", "done", "due", "priority"})
    return {**facts, "notes": cut(item.notes, NOTES_CHARS)} if item.notes else facts
