"""What the stand-in understands. Names match whatever their case; what matches no rule changes nothing.

    create a list called X / make a list X / create X and Y lists        create_list
    create X and add A to it / create a list called X with A and B       create_list, add_item on N1
    create a list called X and a list called Y                           create_list for each
    create a list / make a new list                                      say, asking for a name
    add A, B and C to L / put A on L / add A / add A to L and B to M     add_item ("add A": the only list, else "")
    add A to L and M / add to L: A, B                                    add_item to each list
    add A to L due friday / tomorrow / with high priority / note W       add_item with due, priority, notes
    buy A / we need A / remind me to A / don't forget to A               add_item (the only list, else "")
    rename L to M / rename item A to B / change A to B                   rename_list, update_item
    delete the list L / delete all lists                                 delete_list
    delete A / remove A and B from L / take A off L                      delete_item
    delete everything / all done items from L / clear L                  delete_item with select
    mark A as done / complete A / tick A / I bought the A / A is done    complete_item
    reopen A / untick A / mark A as not done                             reopen_item
    move A to L / move A to L from K / move everything from K to L       move_item
    set A due tomorrow / mark A as high priority / remove A's due date   update_item
    what is on L? / show L / what are my lists / show everything         show
    how many items are left on L? / count L                              count
    find A / search for A / is A done? / do I have A?                    find
    undo                                                                 undo
    füge A zu L hinzu / ajoute A à L / añade A a L / 把A加到L / ...      a few of four more languages, see foreign

Several clauses are joined by "and", "then", ",", ";" or a new sentence; a comma or an "and" parts clauses only before
a verb it knows, so quote a title that holds one ("mac and cheese"). A clause that is not understood makes the whole
request not understood. "my X list", where no list is called X, is none of them: a guess that the agent asks about.
A question never changes anything. A clause that a negation governs ("don't delete A") makes
the whole request change nothing; inside a title it is a word like others. Courtesies at both ends ("yes,", "thanks!")
are not read. A name that is in no list is `missing`, in the request's own letters; of several items of one name the
first is meant, as a model would guess.
"""

from typing import Final

from standin.prompt import Prompt
from standin.rules.adding import ADD_RULES
from standin.rules.foreign import FOREIGN_RULES
from standin.rules.items import ITEM_RULES, UNSET_RULES
from standin.rules.lists import LATE_RENAMES, LIST_RULES
from standin.rules.phrases import as_written, clauses, forbids, is_conditional, set_quotes_aside, without_courtesy
from standin.rules.questions import QUESTION_RULES
from standin.rules.rule import Rule, apply_rules
from standin.rules.scene import Names, Scene
from standin.rules.steps import LEFT_ALONE, MAX_STEPS, NAME_WANTED, NOT_UNDERSTOOD, TOO_MANY, Step, Steps, say

_WORDS_OF_USER: Final = frozenset({"text", "notes", "due"})
REQUEST_MAX_CHARS: Final = 8192
"""Longer requests are not read: some patterns take quadratic time."""

_PLANS_NOTHING: Final = (say(NOT_UNDERSTOOD), say(NAME_WANTED))
_EVERY_RULE: Final[tuple[Rule, ...]] = (
    *UNSET_RULES,
    *LIST_RULES,
    *ADD_RULES,
    *ITEM_RULES,
    *LATE_RENAMES,
    *QUESTION_RULES,
    *FOREIGN_RULES,
)


def plan(prompt: Prompt) -> Steps:
    """The steps for a request; never empty."""
    text, quotes = set_quotes_aside(prompt.request)
    if len(text) > REQUEST_MAX_CHARS:
        return say(NOT_UNDERSTOOD)
    asked = clauses(without_courtesy(text))
    if any(forbids(clause.text) for clause in asked):
        return say(LEFT_ALONE)
    scene = Scene(names=Names(prompt.lists), quotes=quotes)
    steps: list[Step] = []
    for clause in asked:
        rules = QUESTION_RULES if clause.question else _EVERY_RULE
        planned = None if is_conditional(clause.text) else apply_rules(rules, clause.text, scene)
        if planned is None or _names_nothing(planned):
            return say(NOT_UNDERSTOOD)
        if planned in _PLANS_NOTHING:
            return planned
        steps += planned
        scene = scene.after(planned)
    if len(steps) > MAX_STEPS:
        return say(TOO_MANY)
    return tuple(_as_written(step, prompt.request) for step in steps) or say(NOT_UNDERSTOOD)


def _names_nothing(steps: Steps) -> bool:
    """`rename , to x`: a place for words, and none in it."""
    return any(not step[key].strip() for step in steps for key in _WORDS_OF_USER & step.keys())


def _as_written(step: Step, request: str) -> Step:
    """The user's words letter by letter, as the rules have read them with plain apostrophes and single spaces."""
    if step["op"] == "say":
        return step
    return {key: as_written(value, request) if key in _WORDS_OF_USER else value for key, value in step.items()}
