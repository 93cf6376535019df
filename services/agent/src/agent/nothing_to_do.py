"""What a turn says that has nothing to change: a thing that is missing, prose, a question or a negation. Pure."""

from typing import Final

from agent import answers
from agent.board import Board
from agent.names import named_in, same_name, uses_only_words_of
from agent.resolution import Ending, Unresolvable, stop
from agent.speech import Heard, Speech
from agent.words import NOTHING_CHANGED, item_line, quoted
from contracts.planning import PlanStep
from contracts.turns import Outcome

SHOWN_MAX: Final = 10

_UNUSABLE: Final = f"The language model gave no plan that can be used. Try to put it differently. {NOTHING_CHANGED}"


def missing(step: PlanStep, board: Board, request: str) -> Unresolvable:
    """The model says that something is not there; believed only where it is not."""
    text = step.text.strip()
    if any(same_name(row.name, text) for row in board.lists) or board.items_called(text):
        return stop(Outcome.FAILED, _UNUSABLE, reason="model_denied_what_is_there")
    named = uses_only_words_of(request, text) if text else False
    what = f"There is no list or item called {quoted(text)}." if named else "What you name is not there."
    told = f"{what} {answers.list_names(board)} {NOTHING_CHANGED}"
    return stop(Outcome.NOT_FOUND, told, reason="missing")


def prose(steps: tuple[PlanStep, ...]) -> Ending:
    """What the model says, labelled as such."""
    said = " ".join(step.text.strip() for step in steps)
    return Ending(Outcome.ANSWERED, f"The model says: {said}\n{NOTHING_CHANGED}", reason="model_prose")


def not_asked_to(heard: Heard, board: Board, request: str) -> Ending:
    """The model planned a change, and the request asks for none: the rows that it names, as they are, answer it."""
    named = board.items_named_in(request)
    lines = [f"{item_line(item)} in {quoted(board.list_named(item.list_id).name)}" for item in named[:SHOWN_MAX]]
    lists = named_in(request, ((row.name, row) for row in board.lists)).rows
    if heard.asks and not lines and len(lists) == 1:
        return Ending(Outcome.ANSWERED, answers.shown(board, lists[0]), reason="question")
    if heard.asks and not lines:
        text = f"That is a question, and the model planned a change. {NOTHING_CHANGED} Ask it in other words."
        return Ending(Outcome.FAILED, text, reason="question")
    if heard.asks:
        told = "\n".join([*lines, f"That is a question. {NOTHING_CHANGED}"])
        return Ending(Outcome.ANSWERED, told, reason="question")
    if any(clause.speech is Speech.CONDITION for clause in heard.clauses):
        text = f"That depends on something; ask for it once it is so. {NOTHING_CHANGED}"
        return Ending(Outcome.ANSWERED, text, reason="condition")
    return Ending(Outcome.ANSWERED, f"You said not to. {NOTHING_CHANGED}", reason="asked_not_to")


def asked_not_to(step: PlanStep, board: Board, whole: str, acting: str) -> bool:
    """Whether what a step is about is named only where the request does not ask for anything."""
    if whole == acting:
        return False
    item, row = board.item_at(step.item), board.list_at(step.list)
    name = item.title if item is not None else step.text or (row.name if row is not None else "")
    return uses_only_words_of(whole, name) and not uses_only_words_of(acting, name)
