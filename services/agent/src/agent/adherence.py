"""What a request's words say about a plan beside the names in it: whether to delete or to undo, which part of a list,
which priority, and what the plan passes over. Pure.

A name in the request says what may be touched, not what may be done to it: a model that obeys a stored title would find
a name in every request.
"""

import re
from typing import Final

from agent.asking import begins_with_yes
from agent.board import Board
from agent.names import fold, words
from agent.resolution import Change, Ending, Resolution, stop
from agent.words import NOTHING_CHANGED, joined, quoted
from contracts.dialogue import Choice
from contracts.operations import CompleteItem, DeleteItem, MoveItem
from contracts.planning import ModelPlan, PlanStep, Select, StepOp
from contracts.todo import Priority
from contracts.turns import Outcome

# English, German, French, Spanish, Chinese. Who writes in another language is asked, and answers by a button.
_DELETES: Final = re.compile(
    r"\b(?:delet|remov|eras|clear|empt|drop|discard|trash|scrap|purg|cross|strike|off\b|out\b|away\b|rid\b"
    r"|l[öo]e?sch|entfern|streich|wirf|werf|weg\b|leer|raus\b"
    r"|supprim|effac|enl[eè]v|retir|vid(?:e|er|ez)\b|jet(?:te|er)|ray(?:e|er)"
    r"|borr|elimin|quit|vac[ií]|tach|saca)"
    r"|[删除掉]|清(?!单)"
)
_UNDOES: Final = re.compile(
    r"\b(?:undo|undid|revert|restor|back\b|oops|mistake|rückgängig|zurück|annul|défai|reviens|retour|deshac|deshaz|revier)"
    r"|撤|还原|取消"
)
_TICKS: Final = re.compile(
    r"\b(?:mark|complet(?:e|ing)\b|finish(?:ing)?\b|tick|check|set\b|close|un(?:tick|check|mark)|re-?open|open\b.*\bagain"
    r"|hak|erledig|markier|öffn|wieder|coch|marqu|termin|rouvr|marc|complet(?:a|ar)\b|tach|reabr)"
    r"|[勾]|完成|标记|重新"
)
_THINGS: Final = r"(?:items?|things?|tasks?|ones|entries|stuff)\b"
_DONE_ITEMS: Final = re.compile(
    rf"\b(?:done|completed|finished|ticked|checked)\s+{_THINGS}"
    rf"|{_THINGS}\s+(?:that are |which are |are )?(?:done|completed)\b"
)
_OPEN_ITEMS: Final = re.compile(
    rf"\b(?:open|unfinished|remaining)\s+{_THINGS}|{_THINGS}\s+(?:that are |which are |are )?(?:open|unfinished)\b"
)
_NEGATED: Final = re.compile(r"\bnot\b|n['\u2019]t\b|\bun\w+|\byet\b|\bnever\b")
_EXCEPT: Final = re.compile(
    r"\b(?:except\w*|exclud\w+|but\s+(?:not|keep|leave)|other\s+than|apart\s+from|aside\s+from|besides|without|all\s+but"
    r"|everything\s+but|au(?:ß|ss)er|bis\s+auf|ohne|sauf|except[ée]s?|à\s+part|excepto|salvo|menos|aparte\s+de)\b"
    r"|除了|以外"
)
_TOUCHING: Final = frozenset(
    {StepOp.COMPLETE_ITEM, StepOp.REOPEN_ITEM, StepOp.DELETE_ITEM, StepOp.MOVE_ITEM, StepOp.DELETE_LIST}
)
_PRIORITIES: Final = frozenset({Priority.LOW.value, Priority.MEDIUM.value, Priority.HIGH.value})
DELETION: Final = "deletion"
MARKING: Final = "marking"
"""What a yes to these questions settles. A big deletion is asked about all the same."""
_DELETIONS: Final = frozenset({StepOp.DELETE_ITEM, StepOp.DELETE_LIST})


def held_to(plan: ModelPlan, board: Board, request: str, settled: frozenset[str] = frozenset()) -> ModelPlan:
    """The plan as far as the words bear it out, or what `settled` holds of answers to these questions. Raises
    Unresolvable where it deletes, undoes or marks unasked, or where the words leave something out."""
    said = fold(request)
    if any(step.op in _TOUCHING for step in plan.steps) and _EXCEPT.search(_beside_names(said, board, request)):
        # The names behind such a word are those that are not meant.
        text = f"Your request leaves something out. Say by name which items you do mean. {NOTHING_CHANGED}"
        raise stop(Outcome.CLARIFY, text, reason="leaves_something_out")
    confirmed = begins_with_yes(request)
    ops = {step.op for step in plan.steps}
    if StepOp.UNDO in ops and _UNDOES.search(said) is None:
        text = f"Shall the last change be taken back? Your request does not say so; say “undo”. {NOTHING_CHANGED}"
        raise stop(Outcome.CLARIFY, text, reason="undo_not_asked_for")
    about, named = _about(plan, board)
    deletes = ops & _DELETIONS and StepOp.UNDO not in ops
    if deletes and DELETION not in settled and not confirmed and _DELETES.search(said) is None:
        choice = Choice(label="Yes, delete", detail=named or None, reply=f"yes, {request}", settles=DELETION)
        text = f"Shall something be deleted? Your request does not say so. {NOTHING_CHANGED}"
        raise stop(Outcome.CLARIFY, text, reason="deletion_not_asked_for", choices=(choice,), about=about)
    agreed = MARKING in settled or (confirmed and _DELETES.search(said) is None)  # a yes to a deletion is none to this
    if not agreed and _TICKS.search(said) is None and any(_ticks_a_group(step) for step in plan.steps):
        choice = Choice(label="Yes, mark them", detail=named or None, reply=f"yes, {request}", settles=MARKING)
        text = f"Shall several items be marked as done or open? Your request does not say so. {NOTHING_CHANGED}"
        raise stop(Outcome.CLARIFY, text, reason="marking_not_asked_for", choices=(choice,), about=about)
    return plan.model_copy(update={"steps": tuple(_held(step, said) for step in plan.steps)})


def _beside_names(said: str, board: Board, request: str) -> str:
    """The folded request without the names in it."""
    names = [item.title for item in board.items_named_in(request)] + [row.name for row in board.lists]
    for name in sorted(map(fold, names), key=len, reverse=True):
        # Whole words: a list called "e" must not take the letters out of "except".
        said = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", said)
    return said


def _about(plan: ModelPlan, board: Board) -> tuple[tuple[str, ...], str]:
    """The rows that a plan is about, in the form of Question.about, and their names."""
    tokens: dict[str, str] = {}
    for step in plan.steps:
        item, row = board.item_at(step.item), board.list_at(step.list)
        if item is not None:
            tokens[item.id] = item.title
        elif row is not None:
            tokens[f"{row.id}/*"] = row.name
    return tuple(tokens), joined([quoted(name) for name in tokens.values()])


def _ticks_a_group(step: PlanStep) -> bool:
    return step.op in {StepOp.COMPLETE_ITEM, StepOp.REOPEN_ITEM} and step.select is not None


def _held(step: PlanStep, said: str) -> PlanStep:
    update: dict[str, object] = {}
    if step.op is StepOp.DELETE_ITEM and step.select in {Select.ALL, Select.OPEN, Select.DONE}:
        # "Delete all done items" is not all items, whatever the model makes of it; never is one state made the other.
        parts = [
            select for select, form in ((Select.DONE, _DONE_ITEMS), (Select.OPEN, _OPEN_ITEMS)) if form.search(said)
        ]
        if len(parts) == 1 and _NEGATED.search(said) is None and step.select is not parts[0]:
            if step.select is not Select.ALL:
                text = f"Do you mean the items that are done, or those that are open? {NOTHING_CHANGED}"
                raise stop(Outcome.CLARIFY, text, reason="which_item")
            update["select"] = parts[0]
    named = frozenset(words(said)) & _PRIORITIES
    if step.priority in _PRIORITIES - named and "priority" in words(said) and len(named) == 1:
        update["priority"] = next(iter(named))
    return step.model_copy(update=update) if update else step


def told_whole(resolution: Resolution, board: Board, request: str) -> Resolution:
    """The resolution, with a word about what the request names and the plan passes over.

    A plan that both needs a row as it is and changes it contradicts itself, and is none.
    """
    if not isinstance(resolution, Change):
        return resolution
    touched = {getattr(operation, "item_id", "") for operation in resolution.operations}
    if touched & set(resolution.relied_on):
        text = f"The language model's plan contradicts itself. Try to put it differently. {NOTHING_CHANGED}"
        return Ending(Outcome.FAILED, text, reason="model_contradicts_itself")
    if not all(isinstance(operation, CompleteItem | MoveItem | DeleteItem) for operation in resolution.operations):
        return resolution
    seen = touched | set(resolution.relied_on)
    told = {fold(item.title) for row_id in seen if (item := board.state.items.get(row_id)) is not None}
    told |= {fold(row.name) for row in board.lists}
    passed = [item.title for item in board.items_named_in(request) if fold(item.title) not in told]
    if not passed:
        return resolution
    note = f"Nothing was done about {joined([quoted(title) for title in dict.fromkeys(passed)])}."
    return Change(resolution.operations, resolution.understood, (*resolution.notes, note), resolution.relied_on)
