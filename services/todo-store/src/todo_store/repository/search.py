"""Items by words and by what is set on them, page by page."""

from itertools import zip_longest
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)

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
_ESCAPE: Final = "/"

Place = tuple[str, ...]
"""Where an item stands: its list's position and id, then its own; or where a list ends: its position and id."""

_PLACE: Final = (ListRow.position, ListRow.id, ItemRow.position, ItemRow.id)
_IN_LIST: Final = and_(ListRow.owner_key == ItemRow.owner_key, ListRow.id == ItemRow.list_id)
_OWNER: Final = bindparam("owner", type_=Text)
_AFTER: Final = ("after_list_position", "after_list_id", "after_position", "after_id")


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)


def _unless_none(parameter: BindParameter[Any], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return or_(parameter.is_(None), condition)


# One statement for every request: what is not asked for is None, and met by all.
_PATTERN: Final = func.unnest(bindparam("patterns", type_=ARRAY(Text))).column_valued("pattern")
_LACKS_A_WORD: Final = (
    select(1)
    .select_from(_PATTERN.scalar_alias)
    .where(
        and_(
            *(
                ~func.lower(column.collate(CASE_OF_UNICODE)).like(
                    func.lower(_PATTERN.collate(CASE_OF_UNICODE)), escape=_ESCAPE
                )
                for column in (ItemRow.title, ItemRow.notes)
            )
        )
    )
    .exists()
)
_DONE: Final = bindparam("done", type_=Boolean)
_IDS: Final = bindparam("ids", type_=ARRAY(Text))
_MEETS: Final = and_(
    ItemRow.owner_key == _OWNER,
    ItemRow.deleted_at.is_(None),
    ~_LACKS_A_WORD,
    _unless_none(_DONE, ItemRow.done == _DONE),
    _unless_none(_text("list_id"), ItemRow.list_id == _text("list_id")),
    # ISO 8601: days compare as text does, byte by byte.
    _unless_none(_text("due_before"), func.left(ItemRow.due, _DAY_CHARS).collate("C") < _text("due_before")),
    _unless_none(_IDS, ItemRow.id == any_(_IDS)),
)
_OF_LIST: Final = tuple_(ListRow.position, ListRow.id)
_LIST_AFTER: Final = tuple_(*map(_text, _AFTER[:2]))
_BEHIND: Final = or_(
    _text(_AFTER[0]).is_(None),
    _OF_LIST > _LIST_AFTER,
    # With None for the item, behind a whole list, this is not met.
    and_(_OF_LIST == _LIST_AFTER, tuple_(ItemRow.position, ItemRow.id) > tuple_(*map(_text, _AFTER[2:]))),
)
_ITEMS: Final = Query(
    select(*ITEM_COLUMNS)
    .join_from(ItemRow, ListRow, _IN_LIST)
    .where(_MEETS, _BEHIND)
    .order_by(*_PLACE)
    .limit(bindparam("limit", type_=Integer))
)
_TOTAL: Final = Query(select(func.count()).select_from(ItemRow).where(_MEETS))
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
    wanted = {
        "owner": request.owner,
        "patterns": [f"%{_escaped(word)}%" for word in words[:WORDS_MAX]],
        "done": request.done,
        "list_id": request.list_id,
        "due_before": None if request.due_before is None else request.due_before.isoformat(),
        "ids": list(request.item_ids) or None,
    }
    place = dict(zip_longest(_AFTER, after or ()))
    found = await session.rows(_ITEMS, {**wanted, **place, "limit": request.limit})
    if after is None and len(found) < request.limit:
        total = len(found)
    else:
        counted = await session.row(_TOTAL, wanted)
        total = 0 if counted is None else counted[0]
    return tuple(item_of(row) for row in found), total


def _escaped(word: str) -> str:
    for letter in (_ESCAPE, "%", "_"):
        word = word.replace(letter, _ESCAPE + letter)
    return word


async def lists(session: ReadSession, owner: str, ids: set[str]) -> tuple[TodoList, ...]:
    """The living lists with these ids, in order."""
    if not ids:
        return ()
    found = await session.rows(_LISTS_BY_ID, {"owner": owner, "ids": sorted(ids)})
    return tuple(list_of(row) for row in found)


async def counts(session: ReadSession, owner: str) -> tuple[ListCount, ...]:
    """All living lists in order, with how many items of each are open and done."""
    return tuple(ListCount.model_validate(row._asdict()) for row in await session.rows(_COUNTS, {"owner": owner}))
