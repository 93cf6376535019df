"""A small to-do store for tests, written apart from the model: rows with positions and versions, a journal, writers.

It says what an honest store does, and by `tamper` what a faulty one does.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UpdateItem,
)
from contracts.store import Snapshot
from contracts.todo import Author, Image, JournalEntry, TodoItem, TodoList

OWNER = "a" * 26
_DIGITS = "0123456789"

Rows = dict[str, TodoList | TodoItem]
Tamper = Callable[[Rows], None]


class ConflictError(Exception):
    """A row that was relied on has changed; nothing was applied."""


def midway(low: str | None, high: str | None) -> str:
    """A position strictly between two, as decimal fractions without trailing zeros: '5' < '55' < '6'."""
    digits = ""
    for index in range(max(len(low or ""), len(high or "")) + 2):
        below = int(low[index]) if low is not None and index < len(low) else 0
        above = int(high[index]) if high is not None and index < len(high) else 10
        if high is not None and index >= len(high):
            above = 0
        if above - below > 1:
            return digits + _DIGITS[(below + above) // 2]
        digits += _DIGITS[below]
        if above > below:
            high = None
    return digits + "5"


class World:
    """Rows by id, and the journal of what was committed."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.journal: list[JournalEntry] = []

    def copy(self) -> "World":
        twin = World()
        twin.rows, twin.journal = dict(self.rows), list(self.journal)
        return twin

    def lists(self) -> list[TodoList]:
        return sorted((r for r in self.rows.values() if isinstance(r, TodoList)), key=lambda r: (r.position, r.id))

    def items(self, list_id: str | None = None) -> list[TodoItem]:
        found = (r for r in self.rows.values() if isinstance(r, TodoItem) and list_id in {None, r.list_id})
        return sorted(found, key=lambda r: (r.position, r.id))

    def titles(self, list_id: str) -> list[str]:
        return [item.title for item in self.items(list_id)]

    def snapshot(self, since: int | None = None) -> Snapshot:
        journal = () if since is None else tuple(entry for entry in self.journal if entry.revision > since)
        return Snapshot(
            owner=OWNER,
            revision=len(self.journal),
            lists=tuple(self.lists()),
            items=tuple(self.items()),
            journal=journal,
        )

    def commit(
        self,
        operation_id: str,
        operations: Sequence[Operation],
        relies_on: dict[str, int] | None = None,
        tamper: Tamper | None = None,
    ) -> JournalEntry:
        """All or nothing, as one journal entry. `tamper` acts inside the transaction, so the trigger sees it."""
        for row_id, version in (relies_on or {}).items():
            if row_id not in self.rows or self.rows[row_id].version != version:
                raise ConflictError(row_id)
        work = self.copy()
        for operation in operations:
            work._do(operation)
        if tamper is not None:
            tamper(work.rows)
        ids = sorted(self.rows.keys() | work.rows.keys())
        images = [Image(row_id=i, before=self.rows.get(i), after=work.rows.get(i)) for i in ids]
        entry = JournalEntry(
            revision=len(self.journal) + 1,
            change_id=f"c{len(self.journal) + 1}",
            operation_id=operation_id,
            author=Author.CHAT,
            at=datetime(2026, 11, 22, tzinfo=UTC),
            images=tuple(image for image in images if image.before != image.after),
        )
        self.rows = work.rows
        self.journal.append(entry)
        return entry

    def write(self, row_id: str, **fields: object) -> None:
        """Set fields of a row and raise its version."""
        row = self.rows[row_id]
        self.rows[row_id] = type(row).model_validate({**row.model_dump(), **fields, "version": row.version + 1})

    def _alive(self, list_id: str) -> str:
        if list_id not in self.rows:
            raise ConflictError(list_id)
        return list_id

    def _position(self, list_id: str, after_id: str | None, first: bool, moving: str | None = None) -> str:
        order = [item for item in self.items(list_id) if item.id != moving]
        if first:
            return midway(None, order[0].position if order else None)
        if after_id is None:
            return midway(order[-1].position if order else None, None)
        index = [item.id for item in order].index(after_id)
        return midway(order[index].position, order[index + 1].position if index + 1 < len(order) else None)

    def _do(self, operation: Operation) -> None:
        match operation:
            case CreateList(list_id=list_id, name=name):
                last = self.lists()[-1].position if self.lists() else None
                self.rows[list_id] = TodoList(id=list_id, name=name, position=midway(last, None), version=1)
            case RenameList(list_id=list_id, name=name):
                self.write(list_id, name=name)
            case DeleteList(list_id=list_id):
                self.rows = {i: r for i, r in self.rows.items() if list_id not in {i, getattr(r, "list_id", None)}}
            case CreateItem(item_id=item_id, list_id=list_id):
                position = self._position(self._alive(list_id), None, first=False)
                fields = operation.model_dump(exclude={"op", "item_id"})
                self.rows[item_id] = TodoItem(id=item_id, position=position, version=1, **fields)
            case UpdateItem(item_id=item_id):
                fields = operation.model_dump(include={"title", "notes", "due", "priority"}, exclude_none=True)
                self.write(item_id, **fields, **({"due": None} if operation.clear_due else {}))
            case CompleteItem(item_id=item_id, done=done):
                self.write(item_id, done=done)
            case MoveItem(item_id=item_id, list_id=list_id, after_id=after_id, first=first):
                position = self._position(self._alive(list_id), after_id, first, moving=item_id)
                self.write(item_id, list_id=list_id, position=position)
            case DeleteItem(item_id=item_id):
                del self.rows[item_id]
            case _:
                raise AssertionError(operation.op)


def world_of(**lists: str) -> World:
    """A world with one list for each argument, holding an item for each word: `world_of(g="milk bread")`.

    A list's id is the argument's name, an item's id its word.
    """
    world = World()
    for list_id, words in lists.items():
        world.commit("setup", [CreateList(list_id=list_id, name=list_id.upper())])
        world.commit("setup", [CreateItem(item_id=word, list_id=list_id, title=word) for word in words.split()])
    return world
