"""Answers to questions, from the rows that PLAN read."""

from collections.abc import Sequence
from datetime import date

from agent import words
from agent.board import Board
from agent.details import day_of_due
from agent.names import fold
from agent.words import counted, joined, list_text, quoted
from contracts.planning import Select
from contracts.todo import TodoItem, TodoList

FOUND_MAX = 20


def shown(board: Board, row: TodoList | None) -> str:
    """One list with its items, or an overview of all."""
    if row is not None:
        return list_text(row, board.items_of(row.id))
    if not board.lists:
        return "There are no lists yet."
    lines = [
        f"{quoted(each.name)}: {counted(len(items), 'item')}, {sum(not item.done for item in items)} open"
        for each in board.lists
        for items in (board.items_of(each.id),)
    ]
    return f"There {'is' if len(lines) == 1 else 'are'} {counted(len(lines), 'list')}:\n" + "\n".join(lines)


def selected(items: Sequence[TodoItem], select: Select | None, due: date | None) -> list[TodoItem]:
    """The items that a selector means."""
    match select:
        case Select.OPEN:
            return [item for item in items if not item.done]
        case Select.DONE:
            return [item for item in items if item.done]
        case Select.DUE_BEFORE:
            return [item for item in items if due is not None and not item.done and day_of_due(item.due) < due]
        case _:
            return list(items)


def count(board: Board, row: TodoList | None, select: Select | None, due: date | None = None) -> str:
    """How many items, of one list or of all; `due` bounds those that are due before it."""
    items = selected(board.all_items() if row is None else board.items_of(row.id), select, due)
    kind = {Select.OPEN: "open ", Select.DONE: "done ", Select.DUE_BEFORE: "overdue "}.get(select or Select.ALL, "")
    where = f"in {quoted(row.name)}" if row is not None else "in all lists"
    return f"There {'is' if len(items) == 1 else 'are'} {counted(len(items), f'{kind}item')} {where}."


def found(board: Board, query: str) -> str:
    """The items whose title or notes hold the words searched for."""
    wanted = fold(query).strip()
    hits = [item for item in board.all_items() if wanted and (wanted in fold(item.title) or wanted in fold(item.notes))]
    if not hits:
        return f"Nothing is named like {quoted(query)}."
    lines = [f"{words.item_line(item)} in {quoted(_list_name(board, item))}" for item in hits[:FOUND_MAX]]
    if len(hits) > FOUND_MAX:
        lines.append(f"and {len(hits) - FOUND_MAX} more")
    return "\n".join(lines)


def _list_name(board: Board, item: TodoItem) -> str:
    return board.list_named(item.list_id).name


def list_names(board: Board, *, limit: int = 10) -> str:
    """The lists there are, for an answer that one is missing."""
    if not board.lists:
        return "There are no lists yet."
    names = [quoted(row.name) for row in board.lists[:limit]]
    more = len(board.lists) - len(names)
    return f"There {'is' if len(board.lists) == 1 else 'are'} {joined([*names, *([f'{more} more'] if more else [])])}."
