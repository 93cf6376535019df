"""The owner's lists at a revision, and how a change moves them. Pure."""

from dataclasses import dataclass
from typing import Self

from contracts.todo import JournalEntry, TodoItem, TodoList


@dataclass(frozen=True)
class Lists:
    """Everything the owner has, as of one revision."""

    revision: int
    lists: tuple[tuple[TodoList, tuple[TodoItem, ...]], ...]

    def after(self, entry: JournalEntry) -> Self | None:
        """These lists with the change that follows them; as they are for an older one. None where they have to be read
        again: there is a gap before the change, or it was too large to be told."""
        if entry.revision <= self.revision:
            return self
        if entry.revision != self.revision + 1 or entry.truncated:
            return None
        lists = {row.id: row for row, _ in self.lists}
        items = {item.id: item for _, of_list in self.lists for item in of_list}
        for image in entry.images:
            match image.after:
                case TodoList():
                    lists[image.row_id] = image.after
                case TodoItem():
                    items[image.row_id] = image.after
                case None:
                    lists.pop(image.row_id, None)
                    items.pop(image.row_id, None)
        ordered = sorted(items.values(), key=_place)
        return type(self)(
            revision=entry.revision,
            lists=tuple(
                (row, tuple(item for item in ordered if item.list_id == row.id))
                for row in sorted(lists.values(), key=_place)
            ),
        )


def _place(row: TodoList | TodoItem) -> tuple[str, str]:
    return row.position, row.id
