"""Every sentence that a user reads about a change, made from rows that were read. Never from a model's prose."""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UndoChange,
    UpdateItem,
)
from contracts.todo import Diff, ItemView, JournalEntry, ListView, Priority, RowChange, TodoItem, TodoList
from verification.diff import view_of
from verification.state import State
from verification.undo import NO_HISTORY, History

NOTHING_CHANGED = "Nothing was changed."
CANCELLED: Final = f"Cancelled. {NOTHING_CHANGED}"
TAKEN_BACK_SENTENCES: Final = 5
_PLAIN = frozenset({"L", "EN", "ES", "ET", "CS", "ON", "WS", "NSM", "BN"})  # directions that disturb nothing


def quoted(name: str) -> str:
    """A name of the user's in a sentence of ours, isolated (Unicode Bidirectional Algorithm, X5c) so that its letters
    cannot turn the sentence around."""
    turns = any(unicodedata.bidirectional(letter) not in _PLAIN for letter in name)
    return f"\u2068“{name}”\u2069" if turns else f"“{name}”"


def detailed(name: str, *, due: date | datetime | None, priority: Priority, notes: str) -> str:
    """An item's quoted title with what else is set on it."""
    parts = [f"due {due_text(due)}"] if due is not None else []
    parts += [f"priority {priority}"] if priority is not Priority.NONE else []
    parts += ["with notes"] if notes else []
    return f"{quoted(name)} ({', '.join(parts)})" if parts else quoted(name)


def joined(names: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return joined(names, "or")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def due_text(due: date | datetime | None) -> str:
    if due is None:
        return "none"
    return due.strftime("%Y-%m-%d %H:%M %Z").strip() if isinstance(due, datetime) else due.isoformat()


def diff_of(entry: JournalEntry, lists: Iterable[TodoList]) -> Diff:
    """What a change did, as far as a user could see, with the names of lists as they are or were."""
    named = {row.id: row.name for row in lists}
    for image in entry.images:
        for row in (image.before, image.after):
            if isinstance(row, TodoList):
                named.setdefault(row.id, row.name)
    changes = []
    for image in entry.images:
        row = image.after or image.before
        changes.append(
            RowChange(
                id=image.row_id,
                before=None if image.before is None else view_of(image.before),
                after=None if image.after is None else view_of(image.after),
                list_name=named.get(row.list_id) if isinstance(row, TodoItem) else None,
            )
        )
    return Diff(changes=tuple(changes))


def taking_back(entry: JournalEntry, lists: Iterable[TodoList]) -> str:
    """What taking a change back means: the sentences that told it."""
    told = change_sentences(diff_of(entry, lists))
    shown = " ".join(told[:TAKEN_BACK_SENTENCES])
    more = len(told) - TAKEN_BACK_SENTENCES
    return f"take back: {shown or 'a change that nobody could see.'}" + (f" And {more} more." if more > 0 else "")


def change_sentences(diff: Diff, operations: Sequence[Operation] = ()) -> tuple[str, ...]:
    """What a diff says, in words: lists first, then items grouped by what happened to them and where.

    Rows are told in the order of the operations that are about them; a diff is sorted by ids, which mean nothing.
    """
    places = {_row_of(operation): place for place, operation in enumerate(operations)}
    changes = sorted(diff.changes, key=lambda change: places.get(change.id, len(places)))
    lists = [change for change in changes if isinstance(change.after or change.before, ListView)]
    items = [change for change in changes if isinstance(change.after or change.before, ItemView)]
    # An item that went with its list is told by the list's sentence.
    gone = {change.id for change in lists if change.after is None}
    loose = [
        change
        for change in items
        if not (change.after is None and isinstance(change.before, ItemView) and change.before.list_id in gone)
    ]
    sentences = [_list_sentence(change, items) for change in lists]
    sentences += _grouped(loose)
    if sentences and any(isinstance(operation, UndoChange) for operation in operations):
        sentences.insert(0, "Took the change back.")
    return tuple(sentences)


def _row_of(operation: Operation) -> str:
    match operation:
        case CreateList() | RenameList() | DeleteList():
            return operation.list_id
        case UndoChange():
            return operation.change_id
        case _:
            return operation.item_id


def _list_sentence(change: RowChange, items: list[RowChange]) -> str:
    before, after = change.before, change.after
    if isinstance(after, ListView) and not isinstance(before, ListView):
        return f"Created the list {quoted(after.name)}."
    if isinstance(before, ListView) and not isinstance(after, ListView):
        count = sum(isinstance(item.before, ItemView) and item.before.list_id == change.id for item in items)
        contents = f" and the {counted(count, 'item')} in it" if count else ""
        return f"Deleted the list {quoted(before.name)}{contents}."
    if isinstance(before, ListView) and isinstance(after, ListView) and before.name != after.name:
        return f"Renamed the list {quoted(before.name)} to {quoted(after.name)}."
    return "A list was put elsewhere in the order."


def _grouped(items: Iterable[RowChange]) -> list[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    single: list[str] = []
    for change in items:
        before, after = change.before, change.after
        where = quoted(change.list_name) if change.list_name else "its list"
        if isinstance(after, ItemView) and before is None:
            groups.setdefault(("Added {} to {}.", where), []).append(
                detailed(after.title, due=after.due, priority=after.priority, notes=after.notes)
            )
        elif isinstance(before, ItemView) and after is None:
            groups.setdefault(("Deleted {} from {}.", where), []).append(quoted(before.title))
        elif isinstance(before, ItemView) and isinstance(after, ItemView):
            if before.list_id == after.list_id and before.done != after.done and _fields(before, after) == ["done"]:
                verb = "Marked {} in {} as done." if after.done else "Marked {} in {} as open again."
                groups.setdefault((verb, where), []).append(quoted(after.title))
            else:
                single.append(_item_sentence(before, after, where))
    return [form.format(joined(titles), where) for (form, where), titles in groups.items()] + single


def _fields(before: ItemView, after: ItemView) -> list[str]:
    names = ("list_id", "title", "notes", "done", "due", "priority")
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def _item_sentence(before: ItemView, after: ItemView, where: str) -> str:
    parts: list[str] = []
    for name in _fields(before, after):
        match name:
            case "list_id":
                parts.append(f"moved to {where}")
            case "title":
                parts.append(f"renamed to {quoted(after.title)}")
            case "notes":
                parts.append("notes changed" if after.notes else "notes removed")
            case "done":
                parts.append("marked as done" if after.done else "marked as open again")
            case "due":
                parts.append(f"due {due_text(after.due)} instead of {due_text(before.due)}")
            case "priority":
                parts.append(f"priority {after.priority} instead of {before.priority}")
    return f"{quoted(before.title)}: {joined(parts) if parts else 'put elsewhere in the order'}."


def item_line(item: TodoItem) -> str:
    extras = [f"due {due_text(item.due)}"] if item.due is not None else []
    extras += [f"priority {item.priority}"] if item.priority != "none" else []
    suffix = f" ({', '.join(extras)})" if extras else ""
    return f"{'☑' if item.done else '☐'} {item.title}{suffix}"


def list_text(row: TodoList, items: Sequence[TodoItem], *, shown: int = 50) -> str:
    """A list and its items, at most `shown` of them."""
    if not items:
        return f"{quoted(row.name)} is empty."
    lines = [item_line(item) for item in items[:shown]]
    if len(items) > shown:
        lines.append(f"and {len(items) - shown} more")
    still_open = sum(not item.done for item in items)
    return f"{quoted(row.name)} has {counted(len(items), 'item')}, {still_open} open:\n" + "\n".join(lines)


def update_in_words(operation: UpdateItem) -> str:
    """The fields that an update sets."""
    parts = [f"title {quoted(operation.title)}"] if operation.title is not None else []
    parts += ["notes"] if operation.notes is not None else []
    parts += [f"due {due_text(operation.due)}"] if operation.due is not None or operation.clear_due else []
    parts += [f"priority {operation.priority}"] if operation.priority is not None else []
    return joined(parts)


def operation_in_words(  # noqa: PLR0911 - one sentence a kind
    operation: Operation, state: State, history: History = NO_HISTORY, earlier: Sequence[Operation] = ()
) -> str:
    """What an operation asks for, with names for ids where the state, or an operation before it, has them."""
    lists = {row.id: quoted(row.name) for row in state.lists.values()}
    lists |= {made.list_id: quoted(made.name) for made in earlier if isinstance(made, CreateList)}
    named = None if isinstance(operation, CreateItem | UndoChange) else state.items.get(_row_of(operation))
    items = {} if named is None else {named.id: quoted(named.title)}
    items |= {made.item_id: quoted(made.title) for made in earlier if isinstance(made, CreateItem)}
    match operation:
        case CreateList():
            return f"create the list {quoted(operation.name)}"
        case RenameList():
            return f"rename the list {lists.get(operation.list_id, operation.list_id)} to {quoted(operation.name)}"
        case DeleteList():
            return f"delete the list {lists.get(operation.list_id, operation.list_id)}"
        case CreateItem():
            what = detailed(operation.title, due=operation.due, priority=operation.priority, notes=operation.notes)
            return f"add {what} to {lists.get(operation.list_id, operation.list_id)}"
        case CompleteItem():
            mark = "done" if operation.done else "open again"
            return f"mark {items.get(operation.item_id, operation.item_id)} as {mark}"
        case MoveItem():
            item = items.get(operation.item_id, operation.item_id)
            return f"move {item} to {lists.get(operation.list_id, operation.list_id)}"
        case UpdateItem():
            return f"change {items.get(operation.item_id, operation.item_id)}: {update_in_words(operation)}"
        case DeleteItem():
            return f"delete {items.get(operation.item_id, operation.item_id)}"
        case UndoChange():
            entry = history.get(operation.change_id)
            return "take back a change" if entry is None else taking_back(entry, state.lists.values())


_REFUSALS = {
    "limit": "There are as many lists or items as there can be.",
    "lists_limit": "There are as many lists as one person can have.",
    "items_limit": "This list has as many items as a list can hold.",
    "id_taken": "The new id is in use already.",
    "too_large": "This is too much for one request; ask in smaller parts.",
    "due_without_offset": "A time needs its UTC offset.",
    "undo_alone": "A change is taken back by itself, not together with others.",
    "unknown_change": "There is no such change to take back.",
}


def refusal(code: str) -> str:
    """Why the store's rules forbid something."""
    return _REFUSALS.get(code, "The rules of the store do not allow this.")
