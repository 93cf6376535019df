"""To-do lists as plain data: what is written by hand as gold, and what was read from PostgreSQL. Pure.

Deliberately unaware of the model of a store in `verification`: the matrix must not be judged by what it tests.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple


class Item(NamedTuple):
    """An item as a user sees it; `due` in ISO 8601."""

    title: str
    done: bool = False
    due: str | None = None
    priority: str = "none"
    notes: str = ""


class List(NamedTuple):
    """A list and its items in order."""

    name: str
    items: tuple[Item, ...] = ()


State = tuple[List, ...]
Row = tuple[str, Item | None]
"""An item with the name of its list, or a list with None."""


class Edit(NamedTuple):
    """What somebody does by hand. `to` is the new name, the list, or the notes."""

    what: Literal[
        "add_item",
        "complete_item",
        "rename_item",
        "note_item",
        "move_item",
        "delete_item",
        "rename_list",
        "delete_list",
    ]
    name: str
    to: str = ""


def rows_of(state: State) -> Counter[Row]:
    """Every list and item, counted: two alike are two."""
    counted: Counter[Row] = Counter()
    for row in state:
        counted[(row.name, None)] += 1
        counted.update((row.name, item) for item in row.items)
    return counted


def alike(one: State, other: State, *, ordered: bool) -> bool:
    """Whether two states hold the same; `ordered` compares what stands where as well."""
    return one == other if ordered else rows_of(one) == rows_of(other)


def names_in(state: State) -> set[str]:
    """Every name and title."""
    return {row.name for row in state} | {item.title for row in state for item in row.items}


def edited(state: State, edit: Edit) -> State:  # noqa: PLR0911 - one line a kind
    """The state after an edit of the first list or item of that name; unchanged where there is none."""
    match edit.what:
        case "add_item":
            return _lists(state, edit.to, lambda row: row._replace(items=(*row.items, Item(edit.name))))
        case "rename_list":
            return _lists(state, edit.name, lambda row: row._replace(name=edit.to))
        case "delete_list":
            return tuple(row for row in state if row.name != edit.name)
        case "delete_item":
            return _items(state, edit.name, lambda _: None)
        case "complete_item":
            return _items(state, edit.name, lambda item: item._replace(done=True))
        case "rename_item":
            return _items(state, edit.name, lambda item: item._replace(title=edit.to))
        case "note_item":
            return _items(state, edit.name, lambda item: item._replace(notes=edit.to))
        case "move_item":
            moved = [item for row in state for item in row.items if item.title == edit.name]
            gone = _items(state, edit.name, lambda _: None)
            return _lists(gone, edit.to, lambda row: row._replace(items=(*row.items, *moved)))


def _lists(state: State, name: str, change: Callable[[List], List]) -> State:
    return tuple(change(row) if row.name == name else row for row in state)


def _items(state: State, title: str, change: Callable[[Item], Item | None]) -> State:
    def kept(items: Iterable[Item]) -> Iterable[Item]:
        for item in items:
            made = change(item) if item.title == title else item
            if made is not None:
                yield made

    return tuple(row._replace(items=tuple(kept(row.items))) for row in state)


def renamed(state: State, words: Callable[[str], str]) -> State:
    """The state with every name and title put through `words`."""
    return tuple(
        List(words(row.name), tuple(item._replace(title=words(item.title)) for item in row.items)) for row in state
    )


def state_from(lists: Iterable[Mapping[str, object]], items: Iterable[Mapping[str, object]]) -> State:
    """The state in rows of PostgreSQL, which come in order of position."""
    inside: dict[object, list[Item]] = {}
    for row in items:
        due = row["due"]
        inside.setdefault(row["list_id"], []).append(
            Item(
                title=str(row["title"]),
                done=bool(row["done"]),
                due=None if due is None else str(due),
                priority=str(row["priority"]),
                notes=str(row["notes"]),
            )
        )
    return tuple(List(str(row["name"]), tuple(inside.get(row["id"], ()))) for row in lists)
