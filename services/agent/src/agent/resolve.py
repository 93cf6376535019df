"""From a model's steps to checked operations: aliases to rows, names against words, ids minted. No I/O."""

from collections.abc import Callable
from datetime import date
from typing import Final

from pydantic import ValidationError

from agent import answers, asking, nothing_to_do, speech
from agent.adherence import held_to, told_whole
from agent.asking import Reply
from agent.board import Board
from agent.details import due_of, notes_of, priority_of, removes_due
from agent.names import fold, same_name, uses_only_words_of
from agent.questions import answer
from agent.resolution import NO_CONTEXT, Change, Context, Ending, Resolution, Unresolvable, stop
from agent.targets import Targets
from agent.undoing import changes_something, undo, wants_undo
from agent.words import NOTHING_CHANGED, counted, detailed, quoted, update_in_words
from contracts.limits import OPERATIONS_MAX
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
    UpdateItem,
)
from contracts.planning import QUESTION_OPS, ModelPlan, PlanStep, StepOp
from contracts.todo import JournalEntry, Priority, TodoItem
from contracts.tokens import new_item_id, new_list_id
from contracts.turns import Outcome

BIG_DELETION: Final = 5
"""More items than this, or any list, are deleted only after being asked."""


def resolve(
    plan: ModelPlan,
    board: Board,
    request: str,
    today: date,
    newest: JournalEntry | None = None,
    *,
    context: Context = NO_CONTEXT,
) -> Resolution:
    """Check a plan against the state and the words. Whatever cannot be resolved ends the turn with nothing changed.

    `newest` is the owner's newest change, which the step `undo` means; `context` is what is known beside the words.
    """
    try:
        heard = speech.heard(request)
        if changes_something(plan) and not heard.acting:
            return nothing_to_do.not_asked_to(heard, board, request)
        plan = held_to(plan, board, request, context.settled)
        if wants_undo(plan):
            return undo(plan, board, newest)
        acting = heard.acting if changes_something(plan) else request
        return told_whole(_Resolver(plan, board, acting, today, context).resolve(request), board, acting)
    except Unresolvable as unresolvable:
        return unresolvable.ending
    except ValidationError as error:
        problem = problem_of(error)
        what = f"{problem.field or 'it'} {problem.detail}"
        text = f"The plan holds something that is not allowed: {what}. {NOTHING_CHANGED}"
        return Ending(Outcome.REFUSED, text, reason="invalid_value")


class _Resolver:
    """`request` is the part of the words that asks for something; the rest can name nothing that is changed."""

    def __init__(self, plan: ModelPlan, board: Board, request: str, today: date, context: Context) -> None:
        self._steps = plan.steps
        self._board = board
        self._request = request
        self._today = today
        self._settled = context.settled
        making = [step.text for step in plan.steps if step.op is StepOp.CREATE_LIST]
        explained = [text for step in plan.steps for text in (step.text, step.notes, step.due, step.priority)]
        groups = {step.list for step in plan.steps if step.op is StepOp.DELETE_LIST or step.select is not None}
        everywhere = {row for alias in groups if (row := board.list_at(alias)) is not None} >= set(board.lists)
        self._targets = Targets(board, request, making, context, explained, everywhere=everywhere)
        self._made: dict[str, tuple[str, str]] = {}  # N1 -> id and name of a list that this plan makes
        self._operations: list[Operation] = []
        self._done: set[tuple[str, ...]] = set()  # what is planned already: a model may say a step twice
        self._understood: list[str] = []
        self._notes: list[str] = []
        self._relied_on: list[str] = []
        self._deleted_lists: list[str] = []
        self._deleted: list[str] = []  # rows, in the form of Question.about
        self._deleted_items = 0
        self._left_out = False
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

    def resolve(self, whole: str) -> Resolution:
        """`whole` is the request with what it asks about, or says not to do."""
        for step in self._steps:
            if step.op is StepOp.MISSING:
                raise nothing_to_do.missing(step, self._board, whole)
        changes = [step for step in self._steps if step.op in self._change_of]
        questions = [step for step in self._steps if step.op in QUESTION_OPS]
        if not changes:
            if not questions:
                return nothing_to_do.prose(self._steps)
            return answer(questions, self._board, self._targets, whole, self._today)
        for step in changes:
            if nothing_to_do.asked_not_to(step, self._board, whole, self._request):
                self._left_out = True
            else:
                self._change_of[step.op](step)
        if self._left_out:
            self._notes.append("What your request speaks of without asking for it is left out.")
        if questions:
            # Its answer would be from before the change.
            self._notes.append("A question beside a change is not answered; ask it by itself.")
        self._ask_before_big_deletions()
        if not self._operations:
            text = " ".join([*self._notes, NOTHING_CHANGED])
            outcome = Outcome.ANSWERED if self._left_out and not self._understood else Outcome.ALREADY_SO
            return Ending(outcome, text, understood=tuple(self._understood))
        if len(self._operations) > OPERATIONS_MAX:
            text = (
                f"That is {len(self._operations)} changes; at most {OPERATIONS_MAX} are made at once. {NOTHING_CHANGED}"
            )
            raise stop(Outcome.REFUSED, text, reason="too_many")
        return Change(
            tuple(self._operations), tuple(self._understood), tuple(self._notes), tuple(dict.fromkeys(self._relied_on))
        )

    def _new(self, *what: str) -> bool:
        """Whether this is said for the first time."""
        if what in self._done:
            return False
        self._done.add(what)
        return True

    def _own_words(self, text: str, what: str) -> str:
        if not text.strip() or not uses_only_words_of(self._request, text):
            told = f"The model made up {what} that your request does not contain. {NOTHING_CHANGED}"
            raise stop(Outcome.FAILED, told, reason="invented_words")
        return text

    def _with(self, preposition: str) -> Reply:
        return lambda name: f"{self._request.rstrip(' .!?')} {preposition} {name}"

    def _create_list(self, step: PlanStep) -> None:
        operation = CreateList(list_id=new_list_id(), name=self._own_words(step.text, "a name"))
        alias = f"N{len(self._made) + 1}"
        if not self._new("create_list", fold(operation.name)):
            self._made[alias] = next(made for made in self._made.values() if same_name(made[1], operation.name))
            return
        self._understood.append(f"create the list {quoted(operation.name)}")
        existing = next((row for row in self._board.lists if same_name(row.name, operation.name)), None)
        if existing is not None:
            self._made[alias] = (existing.id, existing.name)
            self._notes.append(f"There is already a list called {quoted(existing.name)}.")
            self._relied_on.append(existing.id)
            return
        self._made[alias] = (operation.list_id, operation.name)
        self._operations.append(operation)

    def _rename_list(self, step: PlanStep) -> None:
        name = self._own_words(step.text, "a name")
        row = self._targets.list_for(step.list, lambda old: f"rename {old} to {name}")
        operation = RenameList(list_id=row.id, name=name)
        if not self._new("list", row.id):
            return
        self._understood.append(f"rename the list {quoted(row.name)} to {quoted(operation.name)}")
        if operation.name == row.name:
            self._notes.append(f"The list is already called {quoted(row.name)}.")
            self._relied_on.append(row.id)
        else:
            self._operations.append(operation)

    def _delete_list(self, step: PlanStep) -> None:
        row = self._targets.list_for(step.list, lambda name: f"delete the list {name}")
        if not self._new("list", row.id):
            return
        what = f"the list {quoted(row.name)} with {counted(len(self._board.items_of(row.id)), 'item')}"
        self._understood.append(f"delete {what}")
        self._deleted_lists.append(what)
        self._deleted.append(f"{row.id}/*")
        self._operations.append(DeleteList(list_id=row.id))

    def _ask_before_big_deletions(self) -> None:
        """Asked once about the whole plan, unless the request itself begins with a yes."""
        big = self._deleted_lists or self._deleted_items > BIG_DELETION
        if not big or asking.begins_with_yes(self._request) or asking.DELETE in self._settled:
            return
        raise asking.whether_to_delete(self._request, self._deleted_lists, self._deleted_items, self._deleted)

    def _adding_to(self, name: str) -> str:
        return asking.adding(self._steps, self._request, name)

    def _list_to_fill(self, step: PlanStep) -> tuple[str, str]:
        made = self._made.get(step.list.strip().upper())
        if made is None:
            row = self._targets.list_for(step.list, self._adding_to, filling=True)
            return row.id, row.name
        used = {target.id for step in self._steps if (target := self._board.list_at(step.list)) is not None}
        if any(row.id not in used and row.id != made[0] for row in self._targets.named_lists):
            # The words name a list that is there, and no step of the plan is about it.
            text = f"Say for each item which list it goes to. {NOTHING_CHANGED}"
            raise stop(Outcome.CLARIFY, text, reason="which_list")
        return made

    def _add_item(self, step: PlanStep) -> None:
        title = self._own_words(step.text, "a title")
        list_id, name = self._list_to_fill(step)
        operation = CreateItem(
            item_id=new_item_id(),
            list_id=list_id,
            title=title,
            notes=notes_of(step.notes, self._request),
            due=due_of(step.due, self._request, self._today, self._settled),
            priority=priority_of(step.priority, self._request) or Priority.NONE,
        )
        if not self._new("add_item", list_id, fold(operation.title)):
            return
        what = detailed(operation.title, due=operation.due, priority=operation.priority, notes=operation.notes)
        self._understood.append(f"add {what} to {quoted(name)}")
        there = [item for item in self._board.items_called(title) if not item.done and item.list_id == list_id]
        if there:
            self._notes.append(f"{quoted(there[0].title)} is already open in {quoted(name)}.")
            self._relied_on.append(there[0].id)
        else:
            self._operations.append(operation)

    def _update_item(self, step: PlanStep) -> None:
        item = self._targets.item_for(step.item, self._with("in"))
        operation = UpdateItem(
            item_id=item.id,
            title=self._own_words(step.text, "a title") if step.text else None,
            notes=notes_of(step.notes, self._request) or None,
            due=due_of(step.due, self._request, self._today, self._settled),
            clear_due=removes_due(step.due, self._request),
            priority=priority_of(step.priority, self._request),
        )
        if self._new("item", item.id):
            self._understood.append(f"change {self._in_words(item)}: {update_in_words(operation)}")
            self._operations.append(operation)

    def _complete(self, step: PlanStep) -> None:
        done = step.op is StepOp.COMPLETE_ITEM
        for item in self._items_of_step(step, wants_done=done):
            if not self._new("item", item.id):
                continue
            self._understood.append(f"mark {self._in_words(item)} as {'done' if done else 'open again'}")
            if item.done is done:
                self._notes.append(f"{quoted(item.title)} is already {'done' if done else 'open'}.")
                self._relied_on.append(item.id)
            else:
                self._operations.append(CompleteItem(item_id=item.id, done=done))

    def _move_item(self, step: PlanStep) -> None:
        made = self._made.get(step.list.strip().upper())
        if made is None:
            row = self._targets.list_for(step.list, self._with("to"))
            made = (row.id, row.name)
        list_id, name = made
        item = self._targets.item_for(step.item, self._with("from"), going_to=list_id)
        if not self._new("item", item.id):
            return
        self._understood.append(f"move {self._in_words(item)} to {quoted(name)}")
        if item.list_id == list_id:
            self._notes.append(f"{quoted(item.title)} is already in {quoted(name)}.")
            self._relied_on.append(item.id)
        else:
            self._operations.append(MoveItem(item_id=item.id, list_id=list_id))

    def _delete_items(self, step: PlanStep) -> None:
        for item in self._items_of_step(step, wants_done=None):
            if self._new("item", item.id):
                self._deleted_items += 1
                self._deleted.append(item.id)
                self._understood.append(f"delete {self._in_words(item)}")
                self._operations.append(DeleteItem(item_id=item.id))

    def _items_of_step(self, step: PlanStep, *, wants_done: bool | None) -> list[TodoItem]:
        if step.select is None:
            return [self._targets.item_for(step.item, self._with("in"), wants_done=wants_done)]
        row = self._targets.list_for(step.list, self._with("in"))
        if self._targets.items_named_in(row.id):
            # The words name items: a group would be more than they say.
            return [self._targets.item_for(step.item, self._with("in"), wants_done=wants_done)]
        due = due_of(step.due, self._request, self._today, self._settled) or self._today
        items = answers.selected(self._board.items_of(row.id), step.select, due)
        if not self._targets.group(step.select):
            raise asking.whether_all(row, items, self._request)
        if not items:
            self._notes.append(f"There is nothing of that kind in {quoted(row.name)}.")
        return items

    def _in_words(self, item: TodoItem) -> str:
        return f"{quoted(item.title)} in {quoted(self._board.list_named(item.list_id).name)}"
