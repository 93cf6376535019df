"""Items by words and by what is set on them, page by page."""

from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Text, and_, any_, bindparam, cast, func, or_, select, tuple_

from contracts.limits import LISTS_MAX
from contracts.store import ListCount, SearchRequest
from contracts.todo import TodoItem, TodoList
from todo_store.prepared import Query
from todo_store.repository.todo_rows import ITEM_COLUMNS, LIST_COLUMNS, item_of, list_of
from todo_store.schema import ItemRow, ListRow
from todo_store.sessions import ReadSession

WORDS_MAX: Final = 16
CASE_OF_UNICODE: Final = "pg_c_utf8"
"""Knows the case of every letter, in a database of any locale. PostgreSQL 17 and later have it built in."""

_DAY_CHARS: Final = 10  # of `due`, which begins with its day

Place = tuple[str, ...]
"""Where an item stands: its list's position and id, then its own; or where a list ends: its position and id."""

_PLACE: Final = (ListRow.position, ListRow.id, ItemRow.position, ItemRow.id)
_IN_LIST: Final = and_(ListRow.owner_key == ItemRow.owner_key, ListRow.id == ItemRow.list_id)
_OWNER: Final = bindparam("owner", type_=Text)
_PLACE_OF_ITEM: Final = Query(
    select(ListRow.position.label("list_position"), ListRow.id.label("list_id"), ItemRow.position, ItemRow.id)
    .join_from(ItemRow, ListRow, _IN_LIST)
    .where(ItemRow.owner_key == _OWNER, ItemRow.id == bindparam("id", type_=Text))
)
_PLACE_OF_LIST: Final = Query(
    select(ListRow.position, ListRow.id).where(ListRow.owner_key == _OWNER, ListRow.id == bindparam("id", type_=Text))
)
_LISTS_BY_ID: Final = Query(
    select(*LIST_COLUMNS)
    .where(
        ListRow.owner_key == _OWNER,
        ListRow.id == any_(bindparam("ids", type_=ARRAY(Text))),
        ListRow.deleted_at.is_(None),
    )
    .order_by(ListRow.position, ListRow.id)
)
_COUNTS: Final = Query(
    select(
        ListRow.id,
        ListRow.name,
        func.count(ItemRow.id).filter(ItemRow.done.is_(False)).label("open"),
        func.count(ItemRow.id).filter(ItemRow.done.is_(True)).label("done"),
    )
    .outerjoin_from(ListRow, ItemRow, and_(_IN_LIST, ItemRow.deleted_at.is_(None)))
    .where(ListRow.owner_key == _OWNER, ListRow.deleted_at.is_(None))
    .group_by(ListRow.position, ListRow.id, ListRow.name)
    .order_by(ListRow.position, ListRow.id)
    .limit(LISTS_MAX)
)


def _meets(request: SearchRequest, words: list[str]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[Any]] = [ItemRow.owner_key == request.owner, ItemRow.deleted_at.is_(None)]
    conditions += [
        or_(
            *(
                column.collate(CASE_OF_UNICODE).icontains(word, autoescape=True)
                for column in (ItemRow.title, ItemRow.notes)
            )
        )
        for word in words[:WORDS_MAX]
    ]
    if request.done is not None:
        conditions.append(ItemRow.done == request.done)
    if request.list_id is not None:
        conditions.append(ItemRow.list_id == request.list_id)
    if request.due_before is not None:
        # ISO 8601: days compare as text does, byte by byte.
        day = func.left(ItemRow.due, _DAY_CHARS).collate("C")
        conditions.append(day < request.due_before.isoformat())
    if request.item_ids:
        conditions.append(ItemRow.id == any_(cast(list(request.item_ids), ARRAY(Text))))
    return and_(*conditions)


async def place_of(session: ReadSession, owner: str, row_id: str) -> Place | None:
    """Where an item stands or a list ends, or did when it was deleted; None for an id that no row ever had."""
    parameters = {"owner": owner, "id": row_id}
    item = await session.row(_PLACE_OF_ITEM, parameters)
    if item is not None:
        return tuple(item)
    of_list = await session.row(_PLACE_OF_LIST, parameters)
    return None if of_list is None else tuple(of_list)


async def items(
    session: ReadSession, request: SearchRequest, words: list[str], *, after: Place | None
) -> tuple[tuple[TodoItem, ...], int]:
    """The first living items behind a place that meet a request and hold every word in title or notes, by their lists'
    places and their own; and how many there are of them before and behind it."""
    meets = _meets(request, words)
    page = select(*ITEM_COLUMNS).join_from(ItemRow, ListRow, _IN_LIST).where(meets)
    if after is not None:
        page = page.where(tuple_(*_PLACE[: len(after)]) > after)
    found = await session.rows(page.order_by(*_PLACE).limit(request.limit))
    if after is None and len(found) < request.limit:
        total = len(found)
    else:
        counted = await session.row(select(func.count()).select_from(ItemRow).where(meets))
        total = 0 if counted is None else counted[0]
    return tuple(item_of(row) for row in found), total


async def lists(session: ReadSession, owner: str, ids: set[str]) -> tuple[TodoList, ...]:
    """The living lists with these ids, in order."""
    found = await session.rows(_LISTS_BY_ID, {"owner": owner, "ids": sorted(ids)})
    return tuple(list_of(row) for row in found)


async def counts(session: ReadSession, owner: str) -> tuple[ListCount, ...]:
    """All living lists in order, with how many items of each are open and done."""
    return tuple(ListCount.model_validate(row._asdict()) for row in await session.rows(_COUNTS, {"owner": owner}))
