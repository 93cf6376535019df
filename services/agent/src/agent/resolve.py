"""From a model's steps to checked operations: aliases to rows, names against words, ids minted. No I/O."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from pydantic import ValidationError

from agent import answers
from agent.board import Board
from agent.dates import due_in
from agent.names import same_name, uses_only_words_of, words
from agent.resolution import Change, Ending, Resolution, Unresolvable, stop
from agent.targets import Targets
from agent.words import NOTHING_CHANGED, counted, quoted, taking_back
from contracts.message import problem_of
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
from contracts.planning import ModelPlan, PlanStep, Select, StepOp
from contracts.todo import JournalEntry, Priority, TodoItem
from contracts.tokens import new_item_id, new_list_id
from contracts.turns import Candidate, Outcome

BIG_DELETION: Final = 5
"""More items than this are deleted only after being asked."""

_QUESTIONS: Final = frozenset({StepOp.SHOW, StepOp.COUNT, StepOp.FIND})
_CHANGES: Final = frozenset(StepOp) - _QUESTIONS - {StepOp.SAY}


def wants_undo(plan: ModelPlan) -> bool:
    """Whether `resolve` needs to know what the owner's newest change is."""
    return any(step.op is StepOp.UNDO for step in plan.steps)


def resolve(plan: ModelPlan, board: Board, request: str, today: date, newest: JournalEntry | None = None) -> Resolution:
    """Check a plan against the state and the words. Whatever cannot be resolved ends the turn with nothing changed.

    `newest` is the owner's newest change, which the step `undo` means.
    """
    try:
        if wants_undo(plan):
            return _undo(plan, board, newest)
        return _Resolver(board, request, today).resolve(plan)
    except Unresolvable as unresolvable:
        return unresolvable.ending
    except ValidationError as error:
        problem = problem_of(error)
        text = f"The plan holds something that is not allowed: {problem.field} {problem.detail}. {NOTHING_CHANGED}"
        return Ending(Outcome.REFUSED, text, reason="invalid_value")


def _undo(plan: ModelPlan, board: Board, newest: JournalEntry | None) -> Change:
    if any(step.op is not StepOp.UNDO and step.op in _CHANGES for step in plan.steps) or _undos(plan) > 1:
        text = f"A change is taken back by itself, one at a time. {NOTHING_CHANGED}"
        raise stop(Outcome.REFUSED, text, reason="undo_alone")
    if newest is None:
        raise stop(Outcome.NOT_FOUND, f"There is no change to take back. {NOTHING_CHANGED}", reason="nothing_to_undo")
    return Change((UndoChange(change_id=newest.change_id),), (taking_back(newest, board.lists),))


def _undos(plan: ModelPlan) -> int:
    return sum(step.op is StepOp.UNDO for step in plan.steps)


class _Resolver:
    def __init__(self, board: Board, request: str, today: date) -> None:
        self._board = board
        self._request = request
        self._today = today
        self._targets = Targets(board, request)
        self._made: dict[str, tuple[str, str]] = {}  # N1 -> id and name of a list that this plan makes
        self._operations: list[Operation] = []
        self._understood: list[str] = []
        self._already: list[str] = []
        self._change_of: dict[StepOp, Callable[[PlanStep], None]] = {
            StepOp.CREATE_LIST: self._create_list,
            StepOp.RENAME_LIST: self._rename_list,
            StepOp.DELETE_LIST: self._delete_list,
            StepOp.ADD_ITEM: self._add_item,
            StepOp.UPDATE_ITEM: self._update_item,
            StepOp.COMPLETE_ITEM: self._complete,
            StepOp.REOPEN_ITEM: self._complete,
            StepOp.MOVE_ITEM: self._move_item,
            StepOp.DELETE_ITEM: self._delete_items,
        }

    def resolve(self, plan: ModelPlan) -> Resolution:
        for step in plan.steps:
            if step.op is StepOp.MISSING:
                raise self._missing(step)
        if all(step.op in _QUESTIONS for step in plan.steps):
            return self._answer(plan)
        if all(step.op is StepOp.SAY for step in plan.steps):
            said = " ".join(step.text.strip() for step in plan.steps)
            return Ending(Outcome.ANSWERED, f"The model says: {said}\n{NOTHING_CHANGED}", reason="model_prose")
        for step in plan.steps:
            # Prose and questions beside changes say nothing that the receipt does not.
            if step.op in self._change_of:
                self._change_of[step.op](step)
        if not self._operations:
            text = " ".join([*self._already, NOTHING_CHANGED])
            return Ending(Outcome.ALREADY_SO, text, understood=tuple(self._understood))
        return Change(tuple(self._operations), tuple(self._understood), tuple(self._already))

    def _missing(self, step: PlanStep) -> Unresolvable:
        named = f"There is no list or item called {quoted(step.text.strip())}." if step.text.strip() else ""
        text = f"{named} {answers.list_names(self._board)} {NOTHING_CHANGED}".strip()
        return stop(Outcome.NOT_FOUND, text, reason="missing")

    def _answer(self, plan: ModelPlan) -> Ending:
        texts: list[str] = []
        understood: list[str] = []
        for step in plan.steps:
            row = self._targets.list_for(step.list) if step.list else None
            where = quoted(row.name) if row is not None else "all lists"
            if step.op is StepOp.SHOW:
                texts.append(answers.shown(self._board, row))
                understood.append(f"show {where}")
            elif step.op is StepOp.COUNT:
                texts.append(answers.count(self._board, row, step.select))
                understood.append(f"count items of {where}")
            else:
                texts.append(answers.found(self._board, step.text))
                understood.append(f"find {quoted(step.text)}")
        return Ending(Outcome.ANSWERED, "\n".join(texts), understood=tuple(understood))

    def _own_words(self, text: str, what: str) -> str:
        if not text.strip() or not uses_only_words_of(self._request, text):
            told = f"The model made up {what} that your request does not contain. {NOTHING_CHANGED}"
            raise stop(Outcome.FAILED, told, reason="invented_words")
        return text

    def _create_list(self, step: PlanStep) -> None:
        operation = CreateList(list_id=new_list_id(), name=self._own_words(step.text, "a name"))
        self._understood.append(f"create the list {quoted(operation.name)}")
        existing = next((row for row in self._board.lists if same_name(row.name, operation.name)), None)
        alias = f"N{len(self._made) + 1}"
        if existing is not None:
            self._made[alias] = (existing.id, existing.name)
            self._already.append(f"There is already a list called {quoted(existing.name)}.")
            return
        self._made[alias] = (operation.list_id, operation.name)
        self._operations.append(operation)

    def _rename_list(self, step: PlanStep) -> None:
        row = self._targets.list_for(step.list)
        operation = RenameList(list_id=row.id, name=self._own_words(step.text, "a name"))
        self._understood.append(f"rename the list {quoted(row.name)} to {quoted(operation.name)}")
        if operation.name == row.name:
            self._already.append(f"The list is already called {quoted(row.name)}.")
        else:
            self._operations.append(operation)

    def _delete_list(self, step: PlanStep) -> None:
        row = self._targets.list_for(step.list)
        count = len(self._board.items_of(row.id))
        self._understood.append(f"delete the list {quoted(row.name)} with {counted(count, 'item')}")
        self._ask_first(f"delete the list {row.name}", f"the list {quoted(row.name)} with {counted(count, 'item')}")
        self._operations.append(DeleteList(list_id=row.id))

    def _ask_first(self, command: str, what: str) -> None:
        """Big deletions are asked about once; the answer is a request that says so in so many words."""
        if words(self._request)[:1] == ("yes",):
            return
        candidate = Candidate(label="Yes, delete", detail=what, reply=f"yes, {command}")
        raise stop(
            Outcome.CLARIFY, f"Delete {what}? {NOTHING_CHANGED}", reason="confirm_deletion", candidates=(candidate,)
        )

    def _add_item(self, step: PlanStep) -> None:
        title = self._own_words(step.text, "a title")
        if step.list.strip().upper() in self._made:
            list_id, name = self._made[step.list.strip().upper()]
        else:
            row = self._targets.list_for(step.list, adding=title)
            list_id, name = row.id, row.name
        operation = CreateItem(
            item_id=new_item_id(),
            list_id=list_id,
            title=title,
            notes=self._own_words(step.notes, "notes") if step.notes else "",
            due=self._due(step.due),
            priority=self._priority(step.priority) or Priority.NONE,
        )
        self._understood.append(f"add {quoted(operation.title)} to {quoted(name)}")
        if any(not item.done and same_name(item.title, title) for item in self._board.items_of(list_id)):
            self._already.append(f"{quoted(operation.title)} is already open in {quoted(name)}.")
        else:
            self._operations.append(operation)

    def _due(self, phrase: str) -> date | None:
        if not phrase.strip():
            return None
        due = due_in(phrase, self._today)
        if due is None:
            text = f"The date in your request was not understood; write it as YYYY-MM-DD. {NOTHING_CHANGED}"
            raise stop(Outcome.CLARIFY, text, reason="due_not_understood")
        return due

    def _priority(self, word: str) -> Priority | None:
        if not word.strip():
            return None
        if word.strip().lower() not in set(Priority):
            text = f"The priority was not understood; it can be none, low, medium or high. {NOTHING_CHANGED}"
            raise stop(Outcome.CLARIFY, text, reason="priority_not_understood")
        return Priority(word.strip().lower())

    def _update_item(self, step: PlanStep) -> None:
        item = self._targets.item_for(step.item, "change")
        operation = UpdateItem(
            item_id=item.id,
            title=self._own_words(step.text, "a title") if step.text else None,
            notes=self._own_words(step.notes, "notes") if step.notes else None,
            due=self._due(step.due),
            priority=self._priority(step.priority),
        )
        self._understood.append(f"change {self._in_words(item)}")
        self._operations.append(operation)

    def _complete(self, step: PlanStep) -> None:
        done = step.op is StepOp.COMPLETE_ITEM
        state = "done" if done else "open again"
        for item in self._items_of_step(step, "mark as done" if done else "reopen"):
            self._understood.append(f"mark {self._in_words(item)} as {state}")
            if item.done is done:
                self._already.append(f"{quoted(item.title)} is already {'done' if done else 'open'}.")
            else:
                self._operations.append(CompleteItem(item_id=item.id, done=done))

    def _move_item(self, step: PlanStep) -> None:
        made = self._made.get(step.list.strip().upper())
        if made is None:
            row = self._targets.list_for(step.list)
            made = (row.id, row.name)
        list_id, name = made
        item = self._targets.item_for(step.item, "move", going_to=list_id)
        self._understood.append(f"move {self._in_words(item)} to {quoted(name)}")
        if item.list_id == list_id:
            self._already.append(f"{quoted(item.title)} is already in {quoted(name)}.")
        else:
            self._operations.append(MoveItem(item_id=item.id, list_id=list_id))

    def _delete_items(self, step: PlanStep) -> None:
        items = self._items_of_step(step, "delete")
        if len(items) > BIG_DELETION:
            self._ask_first(self._request, counted(len(items), "item"))
        for item in items:
            self._understood.append(f"delete {self._in_words(item)}")
            self._operations.append(DeleteItem(item_id=item.id))

    def _items_of_step(self, step: PlanStep, verb: str) -> list[TodoItem]:
        if step.select is None:
            return [self._targets.item_for(step.item, verb)]
        row = self._targets.list_for(step.list)
        items = list(self._board.items_of(row.id))
        if step.select is Select.OPEN:
            items = [item for item in items if not item.done]
        elif step.select is Select.DONE:
            items = [item for item in items if item.done]
        elif step.select is Select.DUE_BEFORE:
            due = self._due(step.due)
            items = [item for item in items if due is not None and item.due is not None and _day(item) < due]
        if not items:
            raise stop(Outcome.ALREADY_SO, f"There is nothing of that kind in {quoted(row.name)}. {NOTHING_CHANGED}")
        return items

    def _in_words(self, item: TodoItem) -> str:
        return f"{quoted(item.title)} in {quoted(self._board.list_named(item.list_id).name)}"


def _day(item: TodoItem) -> date:
    return item.due.date() if isinstance(item.due, datetime) else item.due or date.max
