"""The questions a turn can end with: what could be meant, as choices of which each settles one thing. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

from agent.board import Board
from agent.details import priority_of
from agent.names import same_name, words
from agent.resolution import Unresolvable, stop
from agent.vocabulary import YES
from agent.words import NOTHING_CHANGED, counted, either, joined, quoted
from contracts.dialogue import CHOICES_MAX, Choice
from contracts.planning import PlanStep, StepOp
from contracts.todo import TodoItem, TodoList
from contracts.turns import Outcome

Reply = Callable[[str], str]
"""From the name of a list to the whole request that says what is meant."""

DELETE: Final = "delete"
ALL: Final = "all"
TITLES_SHOWN: Final = 3


def begins_with_yes(request: str) -> bool:
    """Whether a request says yes in so many words before it says what."""
    return bool(words(request)) and words(request)[0] in YES


def which_list(board: Board, rows: Sequence[TodoList], reply: Reply, *, phrase: str | None) -> Unresolvable:
    """Which of these lists, the likeliest first. `phrase` is what the request calls it."""
    shown = rows[:CHOICES_MAX]
    choices = tuple(
        Choice(
            label=row.name,
            detail=counted(len(board.items_of(row.id)), "item"),
            reply=reply(row.name),
            settles=row.id,
        )
        for row in shown
    )
    unknown = f"There is no list called {quoted(phrase)}. " if phrase is not None else ""
    asked = "Which list do you mean" if len(shown) > 1 else "Do you mean"
    text = f"{unknown}{asked}: {either([quoted(row.name) for row in shown])}? {NOTHING_CHANGED}"
    about = tuple(row.id for row in shown)
    return stop(Outcome.CLARIFY, text, reason="which_list", choices=choices, about=about, phrase=phrase)


def which_of_alike(board: Board, rows: Sequence[TodoList]) -> Unresolvable:
    """Which of lists with one name, told apart by what is on them; a name alone cannot answer it."""
    choices = tuple(
        Choice(label=f"{number}. {row.name}", detail=_contents(board, row), reply=f"number {number}", settles=row.id)
        for number, row in enumerate(rows[:CHOICES_MAX], start=1)
    )
    text = f"There are {len(rows)} lists called {quoted(rows[0].name)}; choose one, or rename one of them first."
    about = tuple(row.id for row in rows[:CHOICES_MAX])
    return stop(Outcome.CLARIFY, f"{text} {NOTHING_CHANGED}", reason="lists_alike", choices=choices, about=about)


def _contents(board: Board, row: TodoList) -> str:
    items = board.items_of(row.id)
    titles = ", ".join(item.title for item in items[:TITLES_SHOWN])
    return f"{counted(len(items), 'item')}: {titles}" if items else "empty"


def which_item(board: Board, items: Sequence[TodoItem], request: str, reply: Reply) -> Unresolvable:
    """Which of these items, the likeliest first."""
    shown = list({(item.title, item.list_id): item for item in items}.values())[:CHOICES_MAX]
    where = [board.list_named(item.list_id).name for item in shown]
    labels = [f"{quoted(item.title)} in {quoted(name)}" for item, name in zip(shown, where, strict=True)]
    same = len(shown) > 1 and all(same_name(item.title, shown[0].title) for item in shown)
    choices = tuple(
        Choice(
            label=item.title,
            detail=name,
            reply=reply(name) if same else f"{request.rstrip(' .!?')}: {label}",
            settles=item.id,
        )
        for item, name, label in zip(shown, where, labels, strict=True)
    )
    asked = "Which one do you mean" if len(shown) > 1 else "Do you mean"
    text = f"{asked}: {either(labels)}? {NOTHING_CHANGED}"
    about = tuple(item.id for item in shown)
    return stop(Outcome.CLARIFY, text, reason="which_item", choices=choices, about=about)


def whether_all(row: TodoList, items: Sequence[TodoItem], request: str) -> Unresolvable:
    """Whether a whole group is meant, where the words do not say so."""
    many = f"All {counted(len(items), 'item')}" if len(items) > 1 else "The only item"
    reply = f"{request.rstrip(' .!?')}: all of {row.name}"
    choice = Choice(label=many, detail=row.name, reply=reply, settles=ALL)
    text = f"Say which items of {quoted(row.name)} you mean, or that you mean all. {NOTHING_CHANGED}"
    choices = (choice,) if items else ()
    return stop(Outcome.CLARIFY, text, reason="which_item", choices=choices, about=(f"{row.id}/*",))


def whether_to_delete(request: str, lists: Sequence[str], items: int, about: Sequence[str]) -> Unresolvable:
    """Whether a big deletion is meant: once for the whole plan, with the count."""
    what = joined([*lists, *([counted(items, "item")] if items else [])])
    choice = Choice(label="Yes, delete", detail=what, reply=f"yes, {request}", settles=DELETE)
    text = f"Delete {what}? {NOTHING_CHANGED}"
    return stop(Outcome.CLARIFY, text, reason="confirm_deletion", choices=(choice,), about=tuple(about))


def adding(steps: Sequence[PlanStep], request: str, name: str) -> str:
    """The request again with the list that it lacked, and without one that is not there."""
    items = [
        " ".join(
            [
                step.text,
                *([f"due {step.due}"] if step.due else []),
                *([f"with {step.priority} priority"] if priority_of(step.priority, request) else []),
            ]
        )
        for step in steps
        if step.op is StepOp.ADD_ITEM
    ]
    return f"add {joined(items)} to {name}"
