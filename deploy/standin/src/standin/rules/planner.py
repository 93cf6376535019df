"""What the stand-in understands. Names match whatever their case; what matches no rule changes nothing.

    create a list called X / make a list X / create X and Y lists        create_list
    create X and add A to it / create a list called X with A and B       create_list, add_item on N1
    add A, B and C to L / put A on L / add A / add A to L and B to M     add_item ("add A": the only list, else "")
    add A to L due friday / with high priority / with note W             add_item with due, priority, notes
    rename L to M / rename item A to B / change A to B                   rename_list, update_item
    delete the list L / delete all lists                                 delete_list
    delete A / remove A and B from L / take A off L                      delete_item
    delete everything / all done items from L / clear L                  delete_item with select
    mark A as done / complete A / tick A / I bought the A / A is done    complete_item
    reopen A / untick A / mark A as not done                             reopen_item
    move A to L / move everything from K to L                            move_item
    set A due tomorrow / mark A as high priority                         update_item
    what is on L? / show L / what are my lists / show everything         show
    how many items are left on L? / count L                              count
    find A / search for A / is A done? / do I have A?                    find
    undo                                                                 undo

Several clauses are joined by "and", "then", ",", ";" or a new sentence; a comma or an "and" parts clauses only before
a verb it knows, so quote a title that holds one ("mac and cheese"). A clause that is not understood makes the whole
request not understood. A question never changes anything. A negation ("don't") outside quotes changes nothing. A name
that is in no list is `missing`; of several items of one name the first is meant, as a model would guess.
"""

from typing import Final

from standin.prompt import Prompt
from standin.rules.adding import ADD_RULES
from standin.rules.items import ITEM_RULES
from standin.rules.lists import LATE_RENAMES, LIST_RULES
from standin.rules.phrases import clauses, forbids, is_conditional, set_quotes_aside
from standin.rules.questions import QUESTION_RULES
from standin.rules.rule import Rule, apply_rules
from standin.rules.scene import Names, Scene
from standin.rules.steps import LEFT_ALONE, MAX_STEPS, NOT_UNDERSTOOD, TOO_MANY, Step, Steps, say

REQUEST_MAX_CHARS: Final = 8192
"""Longer requests are not read: some patterns take quadratic time."""

_EVERY_RULE: Final[tuple[Rule, ...]] = (*LIST_RULES, *ADD_RULES, *ITEM_RULES, *LATE_RENAMES, *QUESTION_RULES)


def plan(prompt: Prompt) -> Steps:
    """The steps for a request; never empty."""
    text, quotes = set_quotes_aside(prompt.request)
    if len(text) > REQUEST_MAX_CHARS:
        return say(NOT_UNDERSTOOD)
    if forbids(text):
        return say(LEFT_ALONE)
    scene = Scene(names=Names(prompt.lists), quotes=quotes)
    steps: list[Step] = []
    for clause in clauses(text):
        rules = QUESTION_RULES if clause.question else _EVERY_RULE
        planned = None if is_conditional(clause.text) else apply_rules(rules, clause.text, scene)
        if planned is None:
            return say(NOT_UNDERSTOOD)
        steps += planned
        scene = scene.after(planned)
    if len(steps) > MAX_STEPS:
        return say(TOO_MANY)
    return tuple(steps) or say(NOT_UNDERSTOOD)
