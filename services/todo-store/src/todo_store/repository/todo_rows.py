"""Lists and items: reading them in order, and writing what operations made of them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, Row, Text, and_, any_, bindparam, func, insert, or_, select, tuple_, update

from contracts.limits import LISTS_MAX, SNAPSHOT_PART_ROWS
from contracts.todo import TodoItem, TodoList
from todo_store.effects import Effects, Needs, Place, Rows
from todo_store.prepared import Command, Query
from todo_store.schema import ItemRow, ListRow
from todo_store.sessions import ReadSession, WriteSession

LIST_COLUMNS: Final = (ListRow.id, ListRow.name, ListRow.position, ListRow.version)
ITEM_COLUMNS: Final = (
    ItemRow.id,
    ItemRow.list_id,
    ItemRow.title,
    ItemRow.notes,
    ItemRow.done,
    ItemRow.due,
    ItemRow.priority,
    ItemRow.position,
    ItemRow.version,
)

_IDS: Final = bindparam("ids", type_=ARRAY(Text))
_LIST_IDS: Final = bindparam("list_ids", type_=ARRAY(Text))
_OWNER: Final = bindparam("owner", type_=Text)

_LISTS: Final = Query(
    select(*LIST_COLUMNS)
    .where(ListRow.owner_key == _OWNER, ListRow.deleted_at.is_(None))
    .order_by(ListRow.position, ListRow.id)
    .limit(LISTS_MAX)
)
_ITEMS_AFTER: Final = Query(
    select(*ITEM_COLUMNS)
    .where(
        ItemRow.owner_key == _OWNER,
        ItemRow.deleted_at.is_(None),
        tuple_(ItemRow.list_id, ItemRow.position, ItemRow.id)
        > tuple_(bindparam("list_id", type_=Text), bindparam("position", type_=Text), bindparam("id", type_=Text)),
    )
    .order_by(ItemRow.list_id, ItemRow.position, ItemRow.id)
    .limit(SNAPSHOT_PART_ROWS)
)
_LISTS_BY_ID: Final = Query(
    select(*LIST_COLUMNS, ListRow.deleted_at).where(ListRow.owner_key == _OWNER, ListRow.id == any_(_IDS))
)
_ITEMS_BY_ID: Final = Query(
    select(*ITEM_COLUMNS, ItemRow.deleted_at).where(
        ItemRow.owner_key == _OWNER,
        or_(ItemRow.id == any_(_IDS), and_(ItemRow.list_id == any_(_LIST_IDS), ItemRow.deleted_at.is_(None))),
    )
)
_ORDER_OF_LISTS: Final = Query(
    select(ListRow.position, ListRow.id)
    .where(ListRow.owner_key == _OWNER, ListRow.deleted_at.is_(None))
    .order_by(ListRow.position, ListRow.id)
)
_ORDERS: Final = Query(
    select(ItemRow.list_id, ItemRow.position, ItemRow.id)
    .where(ItemRow.owner_key == _OWNER, ItemRow.list_id == any_(_LIST_IDS), ItemRow.deleted_at.is_(None))
    .order_by(ItemRow.list_id, ItemRow.position, ItemRow.id)
)


def list_of(row: Row[*tuple[Any, ...]]) -> TodoList:  # Any: the columns are LIST_COLUMNS, and pydantic checks them
    return TodoList.model_validate(row._asdict())


def item_of(row: Row[*tuple[Any, ...]]) -> TodoItem:  # Any: ITEM_COLUMNS, likewise
    return TodoItem.model_validate(row._asdict())


async def lists(session: ReadSession, owner: str) -> tuple[TodoList, ...]:
    """All living lists, in order."""
    return tuple(list_of(row) for row in await session.rows(_LISTS, {"owner": owner}))


async def item_pages(session: ReadSession, owner: str) -> AsyncIterator[Sequence[TodoItem]]:
    """All living items by list and place, at most SNAPSHOT_PART_ROWS at a time."""
    last: TodoItem | None = None
    while True:
        after = ("", "", "") if last is None else (last.list_id, last.position, last.id)
        found = await session.rows(
            _ITEMS_AFTER, {"owner": owner, "list_id": after[0], "position": after[1], "id": after[2]}
        )
        page = [item_of(row) for row in found]
        if page:
            yield page
        if len(page) < SNAPSHOT_PART_ROWS:
            return
        last = page[-1]


async def load(session: ReadSession, owner: str, needs: Needs) -> Rows:
    """Read what operations need."""
    ids = list(needs.rows)
    found_lists = await session.rows(_LISTS_BY_ID, {"owner": owner, "ids": ids})
    found_items = await session.rows(_ITEMS_BY_ID, {"owner": owner, "ids": ids, "list_ids": list(needs.emptied)})
    order_of_lists: list[Place] = []
    if needs.order_of_lists:
        order_of_lists = [(row.position, row.id) for row in await session.rows(_ORDER_OF_LISTS, {"owner": owner})]
    orders: dict[str, list[Place]] = {list_id: [] for list_id in needs.filled}
    if orders:
        for row in await session.rows(_ORDERS, {"owner": owner, "list_ids": list(orders)}):
            orders[row.list_id].append((row.position, row.id))
    return Rows(
        lists={row.id: list_of(row) for row in found_lists if row.deleted_at is None},
        items={row.id: item_of(row) for row in found_items if row.deleted_at is None},
        dead={row.id: row.version for row in (*found_lists, *found_items) if row.deleted_at is not None},
        order_of_lists=order_of_lists,
        orders=orders,
    )


_ADD_LIST: Final = Command(insert(ListRow), columns=["owner_key", *TodoList.model_fields])
_ADD_ITEM: Final = Command(insert(ItemRow), columns=["owner_key", *TodoItem.model_fields])
# What is changed lives, and what is restored lives again.
_CHANGE_LIST: Final = Command(
    update(ListRow)
    .where(ListRow.owner_key == bindparam("of_owner"), ListRow.id == bindparam("of_id"))
    .values({key: bindparam(f"new_{key}") for key in ("name", "position", "version")})
    .values(updated_at=func.now(), deleted_at=None)
)
_CHANGE_ITEM: Final = Command(
    update(ItemRow)
    .where(ItemRow.owner_key == bindparam("of_owner"), ItemRow.id == bindparam("of_id"))
    .values(
        {
            key: bindparam(f"new_{key}")
            for key in ("list_id", "title", "notes", "done", "due", "priority", "position", "version")
        }
    )
    .values(updated_at=func.now(), deleted_at=None)
)
_DELETE_LISTS: Final = Command(
    update(ListRow)
    .where(ListRow.owner_key == bindparam("of_owner"), ListRow.id == any_(_IDS))
    .values(deleted_at=func.now(), updated_at=func.now(), version=ListRow.version + 1)
)
_DELETE_ITEMS: Final = Command(
    update(ItemRow)
    .where(ItemRow.owner_key == bindparam("of_owner"), ItemRow.id == any_(_IDS))
    .values(deleted_at=func.now(), updated_at=func.now(), version=ItemRow.version + 1)
)


async def save(session: WriteSession, owner: str, effects: Effects) -> None:
    """Write effects. The owner is locked and the journal entry open."""
    if effects.lists_added:
        await session.write(_ADD_LIST, [_values(owner, row) for row in effects.lists_added])
    if lists := (*effects.lists_changed, *effects.lists_restored):
        await session.write(_CHANGE_LIST, _new_values(owner, lists))
    if effects.items_added:
        await session.write(_ADD_ITEM, [_values(owner, row) for row in effects.items_added])
    if items := (*effects.items_changed, *effects.items_restored):
        await session.write(_CHANGE_ITEM, _new_values(owner, items))
    if effects.items_deleted:
        await session.write(_DELETE_ITEMS, {"of_owner": owner, "ids": list(effects.items_deleted)})
    if effects.lists_deleted:
        await session.write(_DELETE_LISTS, {"of_owner": owner, "ids": list(effects.lists_deleted)})


def _values(owner: str, row: TodoList | TodoItem) -> dict[str, object]:
    # JSON mode: `due` becomes the text that it is stored as.
    return {"owner_key": owner, **row.model_dump(mode="json")}


def _new_values(owner: str, rows: Iterable[TodoList | TodoItem]) -> list[dict[str, object]]:
    return [
        {"of_owner": owner, "of_id": row.id, **{f"new_{key}": value for key, value in _values(owner, row).items()}}
        for row in rows
    ]
