"""The three tools that change nothing."""

from datetime import date

from contracts.store import ChangesRequest, SearchRequest
from mcp_bridge import arguments, pages
from mcp_bridge.answers import Answer
from mcp_bridge.missing import missing_answer
from mcp_bridge.operations import Named
from mcp_bridge.pages import Cursor
from mcp_bridge.store import Store
from mcp_bridge.wording import quoted


async def read(store: Store, asked: arguments.Arguments) -> Answer:
    """Answer a tool that reads. Raises AwayError and RefusedError."""
    match asked:
        case arguments.GetAllTodoLists():
            return await _lists(store, asked)
        case arguments.SearchTodoItems():
            return await _search(store, asked)
        case arguments.GetChanges():
            return await _changes(store, asked)
        case _:
            raise TypeError(f"{type(asked).__qualname__} does not read")


async def _lists(store: Store, asked: arguments.GetAllTodoLists) -> Answer:
    behind = Cursor.read(asked.cursor)
    if asked.list_id and not Named("list", asked.list_id).possible:
        return await missing_answer(store, (Named("list", asked.list_id),), changes=False)
    if asked.cursor and not Named("item", behind.after or "").possible:
        return _no_page(asked.cursor)
    found = await store.search(
        SearchRequest(
            owner=store.owner,
            list_id=asked.list_id or None,
            done=None if asked.include_done else False,
            after=behind.after,
            limit=asked.limit + 1,
            counts=True,
        )
    )
    if asked.list_id and all(row.id != asked.list_id for row in found.counts):
        return await missing_answer(store, (Named("list", asked.list_id),), changes=False)
    left = len(found.items) > asked.limit
    page = found.model_copy(update={"items": found.items[: asked.limit]})
    return pages.lists_page(page, behind=behind, only=asked.list_id, limit=asked.limit, left=left)


async def _search(store: Store, asked: arguments.SearchTodoItems) -> Answer:
    if asked.cursor and not Named("item", asked.cursor).possible:
        return _no_page(asked.cursor)
    found = await store.search(
        SearchRequest(
            owner=store.owner,
            query=asked.query,
            done=None if asked.include_done else False,
            due_before=date.fromisoformat(asked.due_before) if asked.due_before else None,
            after=asked.cursor or None,
            limit=asked.limit + 1,
        )
    )
    left = len(found.items) > asked.limit
    page = found.model_copy(update={"items": found.items[: asked.limit]})
    return pages.found_page(page, words=asked.query, left=left)


async def _changes(store: Store, asked: arguments.GetChanges) -> Answer:
    since = asked.since
    if not since:
        newest = await store.changes(ChangesRequest(owner=store.owner, limit=1))
        since = max(0, newest.revision - asked.limit)
    changes = await store.changes(ChangesRequest(owner=store.owner, since=since, limit=asked.limit))
    return pages.changes_page(changes, since=since)


def _no_page(cursor: str) -> Answer:
    text = f"cursor {quoted(cursor)} is none that a page ended with; call again without it."
    return Answer(text, {"error": "invalid"}, failed=True)
