"""Items by words."""

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select

from contracts.todo import TodoItem, TodoList
from todo_store.repository.todo_rows import ITEM_COLUMNS, LIST_COLUMNS, item_of, list_of
from todo_store.schema import ItemRow, ListRow
from todo_store.sessions import ReadSession

WORDS_MAX: Final = 16
CASE_OF_UNICODE: Final = "pg_c_utf8"
"""Knows the case of every letter, in a database of any locale. PostgreSQL 17 and later have it built in."""


def _matches(owner: str, words: list[str], done: bool | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[Any]] = [ItemRow.owner_key == owner, ItemRow.deleted_at.is_(None)]
    conditions += [
        or_(
            *(
                column.collate(CASE_OF_UNICODE).icontains(word, autoescape=True)
                for column in (ItemRow.title, ItemRow.notes)
            )
        )
        for word in words[:WORDS_MAX]
    ]
    if done is not None:
        conditions.append(ItemRow.done == done)
    return and_(*conditions)


async def items(
    session: ReadSession, owner: str, words: list[str], *, done: bool | None, limit: int
) -> tuple[tuple[TodoItem, ...], int]:
    """The first `limit` living items that hold every word in title or notes, by list and place; and how many do."""
    matches = _matches(owner, words, done)
    found = await session.rows(
        select(*ITEM_COLUMNS).where(matches).order_by(ItemRow.list_id, ItemRow.position, ItemRow.id).limit(limit)
    )
    total = await session.row(select(func.count()).select_from(ItemRow).where(matches))
    return tuple(item_of(row) for row in found), 0 if total is None else total[0]


async def lists(session: ReadSession, owner: str, ids: set[str]) -> tuple[TodoList, ...]:
    """The living lists with these ids, in order."""
    found = await session.rows(
        select(*LIST_COLUMNS)
        .where(ListRow.owner_key == owner, ListRow.id.in_(ids), ListRow.deleted_at.is_(None))
        .order_by(ListRow.position, ListRow.id)
    )
    return tuple(list_of(row) for row in found)
