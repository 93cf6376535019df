"""The state as a model reads it: all of it where that is short, else what the request is about. Bounded in size."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from agent.board import Board
from agent.names import named_in
from contracts.todo import Priority, TodoItem, TodoList

STATE_MAX_CHARS: Final = 24_000
"""Some 6,000 to 8,000 tokens. The system text, the request and the answer come on top."""
MATCHES_MAX: Final = 60
"""Items that share words with the request, of those not named in whole."""
NAMES_SHARE: Final = 2 / 3
"""How much of the room the names of lists may take where not all items are shown."""
NOTHING_CALLED: Final[Mapping[str, str]] = MappingProxyType({})
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_SHORTEST_ITEM: Final = len('{"item":"L1.1","title":"x","done":true},')
_FRAME: Final = len('{"today":"2026-11-22","left_out":{"lists":500,"items":1000000},"lists":[]}')
_ITEMS_KEY: Final = len(',"items":[]')


def digest(board: Board, request: str, today: date, called: Mapping[str, str] = NOTHING_CALLED) -> str:
    """The state as JSON with aliases for ids, at most STATE_MAX_CHARS long. `called` are words of this request that
    stand for a list, by its id.

    Where not all of it fits, each list shown says how many items it has, the items shown are those that the request
    names, those that share words with it and those of the lists that it names, in this order, and `left_out` says how
    many lists and items are not shown.
    """
    if len(board.state.items) * _SHORTEST_ITEM <= STATE_MAX_CHARS:
        whole = _json(
            {"today": today.isoformat(), "lists": [_whole_list(board, *each, called) for each in _numbered(board)]}
        )
        if len(whole) <= STATE_MAX_CHARS:
            return whole
    return _json(_about(board, request, today, called))


_LIST_SHOWN: Final = re.compile(r'"list":"(L[0-9]+)"')
_ITEM_SHOWN: Final = re.compile(r'"item":"(L[0-9]+\.[0-9]+)"')


def lists_shown(state: str) -> tuple[str, ...]:
    """The aliases of the lists in a digest. A title cannot pretend to be one: its quotes are escaped."""
    return tuple(_LIST_SHOWN.findall(state))


def items_shown(state: str) -> tuple[str, ...]:
    """The aliases of the items in a digest."""
    return tuple(_ITEM_SHOWN.findall(state))


def _json(state: dict[str, Any]) -> str:
    # A title that holds "</state>" must not end the block; in JSON an escaped slash is the same slash.
    return _ENCODER.encode(state).replace("</", "<\\/")


def _numbered(board: Board) -> Iterator[tuple[int, TodoList]]:
    return enumerate(board.lists, start=1)


def _whole_list(board: Board, number: int, row: TodoList, called: Mapping[str, str]) -> dict[str, Any]:
    items = [_item(f"L{number}.{place}", item) for place, item in enumerate(board.items_of(row.id), start=1)]
    return {"list": f"L{number}", "name": row.name, **_also(row.id, called), "items": items}


def _also(list_id: str, called: Mapping[str, str]) -> dict[str, str]:
    return {"also": called[list_id]} if list_id in called else {}


def _about(board: Board, request: str, today: date, called: Mapping[str, str]) -> dict[str, Any]:
    numbers = {row.id: number for number, row in _numbered(board)}
    order = board.state.order
    places = _Places(order)
    named = named_in(request, ((row.name, row) for row in board.lists)).rows
    items = list(dict.fromkeys(_worth_showing(board, request, named)))
    # The lists of what is named come first, so that no name is left out that the request needs.
    known = (list_id for list_id in called if list_id in numbers)
    first = dict.fromkeys([*known, *(row.id for row in named), *(item.list_id for item in items)])
    shown: dict[str, dict[str, Any]] = {}
    room = STATE_MAX_CHARS - _FRAME
    names_room = int(room * NAMES_SHARE)
    for list_id in dict.fromkeys([*first, *numbers]):
        entry = {
            "list": f"L{numbers[list_id]}",
            "name": board.list_named(list_id).name,
            **_also(list_id, called),
            "items_in_all": len(order.get(list_id, ())),
        }
        size = len(_json(entry)) + _ITEMS_KEY + 1
        if size <= names_room:
            names_room -= size
            room -= size
            shown[list_id] = {**entry, "items": []}
    count = 0
    for item in items:
        if item.list_id in shown:
            entry = _item(f"L{numbers[item.list_id]}.{places.of(item)}", item)
            size = len(_json(entry)) + 1
            if size <= room:
                room -= size
                count += 1
                shown[item.list_id]["items"].append(entry)
    left_out = {"lists": len(numbers) - len(shown), "items": len(board.state.items) - count}
    in_order = [shown[list_id] for list_id in numbers if list_id in shown]
    return {"today": today.isoformat(), "left_out": left_out, "lists": in_order}


def _worth_showing(board: Board, request: str, named: Iterable[TodoList]) -> Iterator[TodoItem]:
    yield from board.items_named_in(request)
    yield from board.items_sharing_words(request, MATCHES_MAX)
    for row in named:
        # More than can be shown need not be looked at.
        for item_id in board.state.order.get(row.id, ())[: STATE_MAX_CHARS // _SHORTEST_ITEM]:
            yield board.state.items[item_id]


class _Places:
    """The numbers of items in their lists, from 1, indexed for the lists that are asked about."""

    def __init__(self, order: Mapping[str, tuple[str, ...]]) -> None:
        self._order = order
        self._places: dict[str, dict[str, int]] = {}

    def of(self, item: TodoItem) -> int:
        if item.list_id not in self._places:
            ids = self._order[item.list_id]
            self._places[item.list_id] = {item_id: place for place, item_id in enumerate(ids, start=1)}
        return self._places[item.list_id][item.id]


def _item(alias: str, item: TodoItem) -> dict[str, Any]:
    shown: dict[str, Any] = {"item": alias, "title": item.title, "done": item.done}
    if item.due is not None:
        shown["due"] = item.due.isoformat()
    if item.priority is not Priority.NONE:
        shown["priority"] = item.priority.value
    return shown
