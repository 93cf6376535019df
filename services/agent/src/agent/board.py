"""One owner's state as a plan sees it: rows in order, and the short aliases by which a model names them."""

from dataclasses import dataclass, field

from contracts.store import Snapshot
from contracts.todo import TodoItem, TodoList


@dataclass(frozen=True)
class Board:
    """Lists and items of one snapshot. L1 is the first list, L1.3 its third item; a model mangles longer ids."""

    lists: tuple[TodoList, ...]
    items: dict[str, tuple[TodoItem, ...]] = field(repr=False)
    by_alias: dict[str, TodoList | TodoItem] = field(repr=False)

    def items_of(self, list_id: str) -> tuple[TodoItem, ...]:
        return self.items.get(list_id, ())

    def all_items(self) -> list[TodoItem]:
        return [item for row in self.lists for item in self.items_of(row.id)]

    def list_named(self, list_id: str) -> TodoList:
        """The list with this id. Raises KeyError: items of a snapshot are always in a list of it."""
        for row in self.lists:
            if row.id == list_id:
                return row
        raise KeyError(list_id)

    @property
    def list_aliases(self) -> tuple[str, ...]:
        """What a plan may call the lists."""
        return tuple(alias for alias, row in self.by_alias.items() if isinstance(row, TodoList))

    @property
    def item_aliases(self) -> tuple[str, ...]:
        """What a plan may call the items."""
        return tuple(alias for alias, row in self.by_alias.items() if isinstance(row, TodoItem))

    def list_at(self, alias: str) -> TodoList | None:
        row = self.by_alias.get(alias.strip().upper())
        return row if isinstance(row, TodoList) else None

    def item_at(self, alias: str) -> TodoItem | None:
        row = self.by_alias.get(alias.strip().upper())
        return row if isinstance(row, TodoItem) else None


def refreshed(board: Board, snapshot: Snapshot) -> Board:
    """The board of a later snapshot, on which aliases still mean what they meant to the model that chose them."""
    now = board_of(snapshot)
    rows: dict[str, TodoList | TodoItem] = {row.id: row for row in now.by_alias.values()}
    kept = {alias: rows[row.id] for alias, row in board.by_alias.items() if row.id in rows}
    return Board(lists=now.lists, items=now.items, by_alias=kept)


def board_of(snapshot: Snapshot) -> Board:
    """Index a snapshot; its rows come in order of position."""
    items: dict[str, list[TodoItem]] = {row.id: [] for row in snapshot.lists}
    for item in snapshot.items:
        items[item.list_id].append(item)
    by_alias: dict[str, TodoList | TodoItem] = {}
    for list_number, row in enumerate(snapshot.lists, start=1):
        by_alias[f"L{list_number}"] = row
        for item_number, item in enumerate(items[row.id], start=1):
            by_alias[f"L{list_number}.{item_number}"] = item
    return Board(
        lists=snapshot.lists, items={list_id: tuple(rows) for list_id, rows in items.items()}, by_alias=by_alias
    )
