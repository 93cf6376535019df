"""Which rows were written since a mark, asked of PostgreSQL itself and not of the journal. See `todo_store.marks`."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Exists,
    Integer,
    Subquery,
    Text,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.types import UserDefinedType

from contracts.limits import DELTA_ROWS_MAX
from contracts.todo import TodoItem, TodoList
from todo_store.marks import Mark
from todo_store.repository.todo_rows import ITEM_COLUMNS, LIST_COLUMNS, item_of, list_of
from todo_store.schema import ImageRow, ItemRow, ListRow, OwnerRow
from todo_store.sessions import ReadSession


class _Xid8(UserDefinedType[str]):
    """A transaction number that never turns over."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


class _Xid(UserDefinedType[str]):
    """Its lower 32 bits, as each row version has them."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid"


_OWNER: Final = bindparam("owner", type_=Text)
_IDS: Final = bindparam("ids", type_=ARRAY(Text))
# The moment that the server started stands for its history: a restore, a promotion and an upgrade all need a start.
_RUN: Final = func.concat_ws(
    ".",
    cast(func.extract("epoch", func.pg_postmaster_start_time()) * 1_000_000, BigInteger),
    # Begins anew with each recovery from a crash, after which numbers of lost transactions are given out again.
    literal_column("(SELECT extract(epoch FROM stats_reset) FROM pg_stat_wal)"),
    literal_column("(SELECT oid FROM pg_database WHERE datname = current_database())"),
    literal_column("'todo_lists'::regclass::oid"),
    literal_column("'todo_items'::regclass::oid"),
)
_MOMENT: Final = (
    func.coalesce(select(OwnerRow.revision).where(OwnerRow.owner_key == _OWNER).scalar_subquery(), 0).label("revision"),
    cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text).label("oldest"),
    _RUN.label("run"),
)
_NOW: Final = select(*_MOMENT)
# Ages count back from now, so that 32 bits compare rightly where they turn over. As a subquery it is computed once.
_AGE: Final = select(func.age(cast(cast(bindparam("oldest", type_=Text), _Xid8), _Xid))).scalar_subquery()


def _written(table: type[ListRow | ItemRow]) -> Subquery:
    """One pass over a table's living rows: how many there are, and the ids of those written since."""
    new = func.age(literal_column(f"{table.__tablename__}.xmin"), type_=Integer) <= _AGE
    return (
        select(
            func.count().label("total"),
            func.coalesce(func.array_agg(table.id, type_=ARRAY(Text)).filter(new), array([], type_=Text)).label("ids"),
        )
        .where(table.owner_key == _OWNER, table.deleted_at.is_(None))
        .subquery()
    )


def _alive(table: type[ListRow | ItemRow]) -> Exists:
    return exists().where(table.owner_key == _OWNER, table.id == ImageRow.row_id, table.deleted_at.is_(None))


_LISTS: Final = _written(ListRow)
_ITEMS: Final = _written(ItemRow)
# What the journal says was deleted, and is. What it does not tell shows in the totals, since it can only be too few.
_REMOVED: Final = (
    select(ImageRow.row_id)
    .where(
        ImageRow.owner_key == _OWNER,
        ImageRow.revision > bindparam("revision", type_=BigInteger),
        ImageRow.after.is_(None),
        ~_alive(ListRow),
        ~_alive(ItemRow),
    )
    .distinct()
    .limit(DELTA_ROWS_MAX + 1)
)
_COUNT: Final = func.cardinality(_LISTS.c.ids) + func.cardinality(_ITEMS.c.ids)
_FEW: Final = _COUNT <= DELTA_ROWS_MAX
_SINCE: Final = select(
    *_MOMENT,
    _LISTS.c.total.label("lists"),
    _ITEMS.c.total.label("items"),
    case((_FEW, _LISTS.c.ids)).label("list_ids"),
    case((_FEW, _ITEMS.c.ids)).label("item_ids"),
    func.array(_REMOVED.scalar_subquery(), type_=ARRAY(Text)).label("removed"),
).select_from(_LISTS.join(_ITEMS, true()))
_LISTS_OF: Final = select(*LIST_COLUMNS).where(ListRow.owner_key == _OWNER, ListRow.id == any_(_IDS))
_ITEMS_OF: Final = select(*ITEM_COLUMNS).where(ItemRow.owner_key == _OWNER, ItemRow.id == any_(_IDS))


@dataclass(frozen=True)
class Written:
    """Living rows written since a mark, what was deleted, and how many rows live in all; None where none were counted.

    `mark` is the moment up to which this holds.
    """

    mark: Mark
    lists: tuple[TodoList, ...] = ()
    items: tuple[TodoItem, ...] = ()
    removed: tuple[str, ...] = ()
    lists_total: int | None = None
    items_total: int | None = None


async def now(session: ReadSession, owner: str) -> Mark:
    """This transaction's moment. An owner never seen is at revision 0."""
    row = await session.row(_NOW, {"owner": owner})
    if row is None:
        raise RuntimeError("a select without a table has a row")
    return Mark(run=row.run, oldest=int(row.oldest), revision=row.revision)


async def since(session: ReadSession, owner: str, mark: Mark) -> Written | None:
    """What was written since a mark; None where that cannot be told, or is more than DELTA_ROWS_MAX rows."""
    row = await session.row(_SINCE, {"owner": owner, "oldest": str(mark.oldest), "revision": mark.revision})
    if row is None:
        raise RuntimeError("an aggregate has a row")
    here = Mark(run=row.run, oldest=int(row.oldest), revision=row.revision)
    if not here.follows(mark) or row.list_ids is None or row.item_ids is None or len(row.removed) > DELTA_ROWS_MAX:
        return None
    lists = await session.rows(_LISTS_OF, {"owner": owner, "ids": row.list_ids}) if row.list_ids else ()
    items = await session.rows(_ITEMS_OF, {"owner": owner, "ids": row.item_ids}) if row.item_ids else ()
    return Written(
        mark=here,
        lists=tuple(list_of(each) for each in lists),
        items=tuple(item_of(each) for each in items),
        removed=tuple(row.removed),
        lists_total=row.lists,
        items_total=row.items,
    )
