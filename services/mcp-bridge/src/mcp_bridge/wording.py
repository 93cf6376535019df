"""How rows are told to a model: ids bare, what people wrote in quotes, one line each. Pure."""

import json
from collections.abc import Iterable
from typing import Any, Final

from contracts.store import ListCount
from contracts.todo import Image, JournalEntry, Priority, TodoItem, TodoList

TITLE_CHARS: Final = 200
NOTES_CHARS: Final = 200
IMAGES_TOLD: Final = 5


def quoted(text: str, most: int = TITLE_CHARS) -> str:
    """A text of the user's on one line, cut where it is long, in quotes that it cannot end."""
    return json.dumps(cut(text, most), ensure_ascii=False)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"


def item_line(item: TodoItem, *, where: str = "", notes_chars: int = NOTES_CHARS) -> str:
    """`i4k9 "milk" in "Groceries" (l2x7), done, due 2026-12-01, priority high, notes "two"`."""
    parts = [f"{item.id} {quoted(item.title)}{where}"]
    if item.done:
        parts.append("done")
    if item.due is not None:
        parts.append(f"due {item.due.isoformat()}")
    if item.priority is not Priority.NONE:
        parts.append(f"priority {item.priority.value}")
    if item.notes and notes_chars:
        parts.append(f"notes {quoted(item.notes, notes_chars)}")
    return ", ".join(parts)


def list_line(row: ListCount) -> str:
    """`list l2x7 "Groceries": 3 open, 1 done`."""
    return f"list {row.id} {quoted(row.name)}: {row.open} open, {row.done} done"


def in_list(list_id: str, lists: Iterable[TodoList | ListCount]) -> str:
    """` in "Groceries" (l2x7)`."""
    name = next((row.name for row in lists if row.id == list_id), None)
    return f" in {list_id}" if name is None else f" in {quoted(name)} ({list_id})"


def item_facts(item: TodoItem, *, notes_chars: int) -> dict[str, Any]:
    """An item for a program."""
    facts = item.model_dump(mode="json", include={"id", "list_id", "title", "done", "due", "priority"})
    if item.notes:
        facts["notes"] = cut(item.notes, notes_chars)
    return facts


def list_facts(row: ListCount) -> dict[str, Any]:
    """A list for a program."""
    return row.model_dump(mode="json")


def change_line(entry: JournalEntry) -> str:
    """`revision 12, change c9x2, by mcp, 2026-12-01T09:00:00Z: made item i4k9 "milk" in l2x7`."""
    at = entry.at.isoformat(timespec="seconds").replace("+00:00", "Z")
    told = [_image(image) for image in entry.images[:IMAGES_TOLD]]
    if entry.truncated:
        told.append("too much to tell here")
    elif len(entry.images) > IMAGES_TOLD:
        told.append(f"and {len(entry.images) - IMAGES_TOLD} more rows")
    what = "; ".join(told) or "nothing that shows"
    return f"revision {entry.revision}, change {entry.change_id}, by {entry.author.value}, {at}: {what}"


def _image(image: Image) -> str:
    before, after = image.before, image.after
    row = after or before
    if row is None:
        return f"{image.row_id} was touched"
    kind, name = ("list", row.name) if isinstance(row, TodoList) else ("item", row.title)
    told = f"{kind} {row.id} {quoted(name)}"
    where = f" in {row.list_id}" if isinstance(row, TodoItem) else ""
    if before is None:
        return f"made {told}{where}"
    if after is None:
        return f"deleted {told}{where}"
    return f"changed {told}{where}: {', '.join(_differences(before, after)) or 'nothing that shows'}"


def _differences(before: TodoList | TodoItem, after: TodoList | TodoItem) -> list[str]:
    told = []
    for field in ("name", "title", "done", "due", "priority", "list_id", "notes", "position"):
        old, new = getattr(before, field, None), getattr(after, field, None)
        if old == new:
            continue
        if field in {"notes", "position"}:
            told.append("other notes" if field == "notes" else "another place")
        else:
            told.append(f"{field} {_value(old)} to {_value(new)}")
    return told


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    return quoted(value) if type(value) is str else str(value)
