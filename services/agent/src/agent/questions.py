"""Steps that ask: answered by code from the rows that PLAN read, and changing nothing."""

from collections.abc import Sequence
from datetime import date

from agent import answers
from agent.board import Board
from agent.details import due_of
from agent.resolution import Ending
from agent.targets import Targets
from agent.words import quoted
from contracts.planning import PlanStep, StepOp
from contracts.turns import Outcome


def answer(questions: Sequence[PlanStep], board: Board, targets: Targets, request: str, today: date) -> Ending:
    """One answer to all of them. Raises Unresolvable where the words do not name the list asked about."""
    texts: list[str] = []
    understood: list[str] = []
    for step in questions:
        # A list that the words name is meant, though the model left it out.
        named = bool(step.list) or len(targets.named_lists) == 1
        row = targets.list_for(step.list, lambda name: f"what is on {name}?") if named else None
        where = quoted(row.name) if row is not None else "all lists"
        if step.op is StepOp.SHOW:
            texts.append(answers.shown(board, row))
            understood.append(f"show {where}")
        elif step.op is StepOp.COUNT:
            due = due_of(step.due, request, today) or today
            texts.append(answers.count(board, row, step.select, due))
            understood.append(f"count items of {where}")
        else:
            texts.append(answers.found(board, step.text))
            understood.append(f"find {quoted(step.text)}")
    return Ending(Outcome.ANSWERED, "\n".join(texts), understood=tuple(understood))
