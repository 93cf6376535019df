"""What readers get: lists with their items, found items, and changes; each as one bounded page. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.limits import NOTES_MAX_CHARS
from contracts.store import Changes, ListCount, SearchResult
from contracts.todo import TodoItem
from mcp_bridge.answers import Answer
from mcp_bridge.wording import NOTES_CHARS, change_line, in_list, item_facts, item_line, list_facts, list_line, quoted

PAGE_CHARS: Final = 12_000
"""A page ends behind the line that passes this, whatever its limit."""


@dataclass(frozen=True)
class Cursor:
    """Where a page of lists ended: behind an item, or behind a whole list. `str` gives the form that `read` reads."""

    list_id: str = ""
    item_id: str = ""

    @classmethod
    def read(cls, text: str) -> "Cursor":
        list_id, _, item_id = text.partition(".")
        return cls(list_id, item_id)

    def __str__(self) -> str:
        return f"{self.list_id}.{self.item_id}" if self.item_id else self.list_id

    @property
    def after(self) -> str | None:
        """The row that the store goes on behind."""
        return self.item_id or self.list_id or None


@dataclass
class _Page:
    """Lines as long as there is room. `more`: something was left out."""

    limit: int
    lines: list[str] = field(default_factory=list)
    rows: int = 0
    chars: int = 0
    more: bool = False

    @property
    def full(self) -> bool:
        return self.rows >= self.limit or self.chars > PAGE_CHARS

    def add(self, line: str, *, counts: bool = True) -> None:
        self.lines.append(line)
        self.rows += counts
        self.chars += len(line)


def lists_page(found: SearchResult, *, behind: Cursor, only: str, limit: int, left: bool) -> Answer:
    """Lists with the items found of them. `left`: the store has more items than these.

    The limit counts items, and lists that show none.
    """
    notes_chars = _notes_chars(found.items)
    page, end = _Page(limit), Cursor()
    facts: list[dict[str, Any]] = []
    for row, item in _rows(found, behind, only, left=left):
        if page.full:
            page.more = True
            break
        if not facts or facts[-1]["id"] != row.id:
            page.add(list_line(row), counts=item is None)
            facts.append({**list_facts(row), "items": []})
        if item is not None:
            page.add(f"- {item_line(item, notes_chars=notes_chars)}")
            facts[-1]["items"].append(item_facts(item, notes_chars=notes_chars))
        end = Cursor(row.id, "" if item is None else item.id)
    still_open, done = sum(row.open for row in found.counts), sum(row.done for row in found.counts)
    title = f"revision {found.revision}: {_counted(len(found.counts), 'list')}, {still_open} open, {done} done."
    if not found.counts:
        title = f"revision {found.revision}: no lists yet; create_todo_list makes one."
    more = page.more or left
    return _answer(title, page, {"revision": found.revision, "lists": facts}, str(end) if more else "")


def _rows(found: SearchResult, behind: Cursor, only: str, *, left: bool) -> Iterator[tuple[ListCount, TodoItem | None]]:
    """Every list to show with each of its items, or once with None where it has none to show."""
    items: dict[str, list[TodoItem]] = {}
    for item in found.items:
        items.setdefault(item.list_id, []).append(item)
    for row in _lists(found, behind, only, left=left):
        yield from ((row, item) for item in items.get(row.id, (None,)))


def _lists(found: SearchResult, behind: Cursor, only: str, *, left: bool) -> Sequence[ListCount]:
    places = {row.id: place for place, row in enumerate(found.counts)}
    of_items = [places[item.list_id] for item in found.items if item.list_id in places]
    first, last = 0, len(found.counts) - 1
    if behind.list_id in places:
        begun = bool(behind.item_id) and places[behind.list_id] in of_items
        first = places[behind.list_id] + (0 if begun else 1)
    elif behind.list_id:
        # Its list is gone: on from the first that has something to show.
        first = min(of_items, default=last + 1)
    if left:
        last = max(of_items, default=first - 1)
    return [row for row in found.counts[first : last + 1] if only in {"", row.id}]


def found_page(found: SearchResult, *, words: str, left: bool) -> Answer:
    """Items that were searched for, each with its list."""
    notes_chars = _notes_chars(found.items)
    page, facts, end = _Page(len(found.items)), [], ""
    for item in found.items:
        if page.full:
            page.more = True
            break
        page.add(item_line(item, where=in_list(item.list_id, found.lists), notes_chars=notes_chars))
        facts.append(item_facts(item, notes_chars=notes_chars))
        end = item.id
    sought = f" with {quoted(words)}" if words else ""
    title = f"revision {found.revision}: {_counted(found.total, 'item')}{sought}."
    more = page.more or left
    return _answer(title, page, {"revision": found.revision, "total": found.total, "items": facts}, end if more else "")


def changes_page(changes: Changes, *, since: int) -> Answer:
    """Journal entries, oldest first."""
    page, facts, told = _Page(len(changes.entries)), [], since
    for entry in changes.entries:
        if page.full:
            break
        page.add(change_line(entry))
        facts.append(entry.model_dump(mode="json", include={"revision", "change_id", "author", "at"}))
        told = entry.revision
    title = f"revision {changes.revision}: {_counted(len(facts), 'change')} after revision {since}, oldest first."
    if told < changes.revision:
        page.lines.append(f"More: call get_changes with since={told}.")
    return Answer("\n".join([title, *page.lines]), {"revision": changes.revision, "changes": facts})


def _answer(title: str, page: _Page, facts: dict[str, Any], cursor: str) -> Answer:
    if not cursor:
        return Answer("\n".join([title, *page.lines]), facts)
    last = f"More: call again with the same arguments and cursor={quoted(cursor)}."
    return Answer("\n".join([title, *page.lines, last]), {**facts, "next_cursor": cursor})


def _notes_chars(items: Sequence[TodoItem]) -> int:
    # Of one item alone, all of them: whoever wants to change notes has to know them.
    return NOTES_MAX_CHARS if len(items) == 1 else NOTES_CHARS


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
