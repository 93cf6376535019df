"""Snapshots for the agent's tests."""

from contracts.store import Snapshot
from contracts.todo import TodoItem, TodoList

OWNER = "a" * 26


def snapshot_of(revision: int = 7, **lists: list[str]) -> Snapshot:
    """`snapshot_of(Groceries=["milk", "x eggs"])`: an item that starts with "x " is done; ids follow the names."""
    rows = tuple(
        TodoList(id=f"l{number}", name=name.replace("_", " "), position=f"a{number:03d}", version=1)
        for number, name in enumerate(lists)
    )
    items = tuple(
        TodoItem(
            id=f"i{number}x{place}",
            list_id=f"l{number}",
            title=title.removeprefix("x "),
            done=title.startswith("x "),
            position=f"a{place:04d}",
            version=1,
        )
        for number, titles in enumerate(lists.values())
        for place, title in enumerate(titles)
    )
    return Snapshot(owner=OWNER, revision=revision, lists=rows, items=items)
