"""What readers get: snapshots, journal entries, items by words. Each from one REPEATABLE READ transaction."""

from collections.abc import AsyncIterator, Sequence

from contracts.message import ErrorCode, Problem, preview
from contracts.store import Changes, ChangesRequest, Delta, SearchRequest, SearchResult, SnapshotPart, SnapshotRequest
from contracts.text import normalise
from contracts.todo import JournalEntry, TodoItem, TodoList
from todo_store.errors import StoreError
from todo_store.marks import mark_of
from todo_store.parts import Entries, Page, Parts
from todo_store.repository import dialogue, journal, search, todo_rows, written
from todo_store.repository.written import Written
from todo_store.sessions import ReadSession


async def snapshot(session: ReadSession, request: SnapshotRequest) -> AsyncIterator[SnapshotPart]:
    """The owner's rows, or those written since a mark, and the journal after `journal_since` if it was asked for.

    In bounded parts. An owner never seen has one part: revision 0 and no rows.
    """
    owner = request.owner
    delta = await _delta(session, request)
    if delta is not None:
        totals = Delta(removed=delta.removed, lists=delta.lists_total, items=delta.items_total)
        parts = Parts(delta.mark.revision, str(delta.mark), totals)
        pages: AsyncIterator[Sequence[TodoList | TodoItem]] = _pages(delta.lists, delta.items)
    else:
        moment = await written.now(session, owner)
        parts = Parts(moment.revision, str(moment))
        pages = _all_rows(session, owner)
    if request.dialogue is not None:
        parts.aliases = await dialogue.aliases(session, owner)
        parts.question = await dialogue.question(session, owner, request.dialogue)
    async for page in pages:
        for row in page:
            for part in parts.add(row):
                yield part
    if request.journal_since is not None:
        async for entry, image in journal.pieces(session, owner, since=request.journal_since):
            for part in parts.add_piece(entry, image):
                yield part
    for part in parts.rest():
        yield part


async def _delta(session: ReadSession, request: SnapshotRequest) -> Written | None:
    mark = None if request.since is None else mark_of(request.since)
    if mark is None:
        return None
    if request.trusting:
        moment = await written.now(session, request.owner)
        if moment.follows(mark) and moment.revision == mark.revision:
            # The mark stays the earlier one: nothing was looked at since.
            return Written(mark)
    return await written.since(session, request.owner, mark)


async def _pages(*pages: Sequence[TodoList | TodoItem]) -> AsyncIterator[Sequence[TodoList | TodoItem]]:
    for page in pages:
        yield page


async def _all_rows(session: ReadSession, owner: str) -> AsyncIterator[Sequence[TodoList | TodoItem]]:
    yield await todo_rows.lists(session, owner)
    async for page in todo_rows.item_pages(session, owner):
        yield page


async def changes(session: ReadSession, request: ChangesRequest) -> Changes:
    """Journal entries after `since`: as many as were asked for and fit in one message, at least one if there is one."""
    revision = await journal.revision_of(session, request.owner)
    if request.change_id is not None or request.newest_by:
        return await _one_change(session, request, revision)
    found = await entries(session, request.owner, since=request.since, until=request.since + request.limit)
    return Changes(revision=revision, entries=found)


async def _one_change(session: ReadSession, request: ChangesRequest, revision: int) -> Changes:
    if request.change_id is not None:
        wanted = await journal.revision_of_change(session, request.owner, request.change_id)
    else:
        wanted = await journal.newest_revision_by(session, request.owner, request.newest_by)
    if wanted is None:
        return Changes(revision=revision)
    page = Page(request.images_from)
    async for entry, image in journal.pieces(session, request.owner, since=wanted - 1, until=wanted):
        page.add(entry, image)
        if page.full:
            break
    return Changes(revision=revision, entries=page.entries(), images_next=page.next)


async def entries(session: ReadSession, owner: str, *, since: int, until: int) -> tuple[JournalEntry, ...]:
    """The entries after `since` up to `until` that fit in one message."""
    collected = Entries()
    async for entry, image in journal.pieces(session, owner, since=since, until=until):
        collected.add(entry, image)
        if collected.full:
            break
    return collected.done()


async def find(session: ReadSession, request: SearchRequest) -> SearchResult:
    """Living items whose title or notes hold every word of the query, whatever its case, and meet the rest of it."""
    query = normalise(request.query)
    if "\0" in query:
        raise StoreError(
            Problem(
                code=ErrorCode.INVALID,
                field="query",
                value=preview(query),
                detail="holds the control character U+0000; remove it",
            )
        )
    after = None if request.after is None else await _place_of(session, request.owner, request.after)
    items, total = await search.items(session, request, query.split(), after=after)
    lists = await search.lists(session, request.owner, {item.list_id for item in items})
    counts = await search.counts(session, request.owner) if request.counts else ()
    revision = await journal.revision_of(session, request.owner)
    return SearchResult(revision=revision, items=items, lists=lists, total=total, counts=counts)


async def _place_of(session: ReadSession, owner: str, row_id: str) -> search.Place:
    place = await search.place_of(session, owner, row_id)
    if place is None:
        raise StoreError(
            Problem(
                code=ErrorCode.INVALID,
                field="after",
                value=preview(row_id),
                detail="is the id of no item and of no list; search from the beginning",
            )
        )
    return place
