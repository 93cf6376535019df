"""One owner's state as a plan sees it: rows in order, and the short aliases by which a model names them."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Final

from agent.names import named_in, same_name
from agent.reading import Rows
from contracts.store import Snapshot
from contracts.todo import TodoItem, TodoList
from verification.state import State, state_of

_ALIAS: Final = re.compile(r"L([1-9][0-9]{0,6})(?:\.([1-9][0-9]{0,6}))?")


@dataclass(frozen=True)
class Board:
    """Lists and items of one snapshot. L1 is the first list, L1.3 its third item; a model mangles longer ids.

    `shown` is the state that the model saw: an alias means what it meant there. Nothing here looks at every item unless
    it is about every item.
    """

    rows: Rows = field(repr=False)
    shown: State = field(repr=False)

    @property
    def state(self) -> State:
        return self.rows.state

    @cached_property
    def lists(self) -> tuple[TodoList, ...]:
        return tuple(self.state.lists.values())

    @cached_property
    def _place(self) -> dict[str, int]:
        return {row.id: place for place, row in enumerate(self.lists)}

    def items_of(self, list_id: str) -> tuple[TodoItem, ...]:
        return self.state.items_of(list_id)

    def all_items(self) -> list[TodoItem]:
        return [item for row in self.lists for item in self.items_of(row.id)]

    def items_named_in(self, request: str) -> tuple[TodoItem, ...]:
        """The items whose title the request names, in order."""
        candidates = self._in_order(self.rows.lexicon.perhaps_named(request))
        return named_in(request, ((item.title, item) for item in candidates)).rows

    def items_sharing_words(self, request: str, limit: int) -> list[TodoItem]:
        """At most `limit` items whose title has words of the request, those with the rarest words first."""
        ids = islice(self.rows.lexicon.sharing(request), limit)
        items = (self.state.items[row_id] for row_id in ids)
        return [item for item in items if item.list_id in self._place]

    def items_called(self, title: str) -> list[TodoItem]:
        """The items of this title, in order."""
        return [item for item in self._in_order(self.rows.lexicon.alike(title)) if same_name(item.title, title)]

    def _in_order(self, ids: frozenset[str]) -> list[TodoItem]:
        items = (self.state.items[row_id] for row_id in ids)
        # As everywhere, an item whose list is missing is in no list.
        found = [item for item in items if item.list_id in self._place]
        return sorted(found, key=lambda item: (self._place[item.list_id], item.position, item.id))

    def list_named(self, list_id: str) -> TodoList:
        """The list with this id. Raises KeyError: items of a snapshot are always in a list of it."""
        return self.state.lists[list_id]

    def list_at(self, alias: str) -> TodoList | None:
        match = _ALIAS.fullmatch(alias.strip().upper())
        list_id = None if match is None or match[2] is not None else self._list_shown(int(match[1]))
        return None if list_id is None else self.state.lists.get(list_id)

    def item_at(self, alias: str) -> TodoItem | None:
        match = _ALIAS.fullmatch(alias.strip().upper())
        if match is None or match[2] is None:
            return None
        ids = self.shown.order.get(self._list_shown(int(match[1])) or "", ())
        place = int(match[2])
        item = self.state.items.get(ids[place - 1]) if place <= len(ids) else None
        return item if item is not None and item.list_id in self.state.lists else None

    def alias_of(self, row_id: str) -> str:
        """What the row is called on this board; empty where it is not there."""
        item = self.state.items.get(row_id)
        list_id = row_id if item is None else item.list_id
        if list_id not in self.shown.lists:
            return ""
        alias = f"L{self._lists_shown.index(list_id) + 1}"
        if item is None:
            return alias
        ids = self.shown.order.get(list_id, ())
        return f"{alias}.{ids.index(row_id) + 1}" if row_id in ids else ""

    @cached_property
    def _lists_shown(self) -> tuple[str, ...]:
        return tuple(self.shown.lists)

    def _list_shown(self, number: int) -> str | None:
        return self._lists_shown[number - 1] if number <= len(self._lists_shown) else None


def refreshed(board: Board, rows: Rows | Snapshot) -> Board:
    """The board of a later snapshot, on which aliases still mean what they meant to the model that chose them."""
    return replace(board_of(rows), shown=board.shown)


def board_of(source: Rows | Snapshot) -> Board:
    """The board of a read, or of a snapshot."""
    rows = source if isinstance(source, Rows) else Rows(state_of(source))
    return Board(rows, rows.state)
