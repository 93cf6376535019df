"""The step `undo`: the owner's newest change, taken back by itself."""

from agent.board import Board
from agent.resolution import Change, stop
from agent.words import NOTHING_CHANGED, taking_back
from contracts.operations import UndoChange
from contracts.planning import QUESTION_OPS, ModelPlan, StepOp
from contracts.todo import JournalEntry
from contracts.turns import Outcome

_CHANGES = frozenset(StepOp) - QUESTION_OPS - {StepOp.SAY, StepOp.MISSING}


def changes_something(plan: ModelPlan) -> bool:
    """Whether a plan is more than questions and prose."""
    return any(step.op in _CHANGES for step in plan.steps)


def wants_undo(plan: ModelPlan) -> bool:
    """Whether `resolve` needs to know what the owner's newest change is."""
    return any(step.op is StepOp.UNDO for step in plan.steps)


def undo(plan: ModelPlan, board: Board, newest: JournalEntry | None) -> Change:
    if any(step.op is not StepOp.UNDO and step.op in _CHANGES for step in plan.steps) or _undos(plan) > 1:
        text = f"A change is taken back by itself, one at a time. {NOTHING_CHANGED}"
        raise stop(Outcome.REFUSED, text, reason="undo_alone")
    if newest is None:
        raise stop(Outcome.NOT_FOUND, f"There is no change to take back. {NOTHING_CHANGED}", reason="nothing_to_undo")
    return Change((UndoChange(change_id=newest.change_id),), (taking_back(newest, board.lists),))


def _undos(plan: ModelPlan) -> int:
    return sum(step.op is StepOp.UNDO for step in plan.steps)
