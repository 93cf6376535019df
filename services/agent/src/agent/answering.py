"""What a short reply says of an open question: yes, no, the second one, a name. Pure, and without a model."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from agent.names import fold, words
from agent.vocabulary import ALSO_YES, ARTICLES, COURTESY, LAST, LAST_ZH, LISTS, NO, ORDINALS, PLACES, YES
from contracts.dialogue import Choice

WORDS_MAX: Final = 12
TEXT_MAX: Final = 600
"""A choice's name, and some; what is longer is no answer."""

_FILLERS: Final = frozenset({"one", "ones", "number", "no.", "nummer", "numéro", "número", "option", "choice"})
_EDGES: Final = re.compile(r"^[\s\W]+|[\s\W]+$")


class Reply(StrEnum):
    """Of a reply that chooses nothing."""

    NO = "no"
    UNCLEAR = "unclear"  # an answer in form, that does not say which


def reply_to(text: str, choices: Sequence[Choice]) -> Choice | Reply | None:
    """The choice that a reply makes; NO, or UNCLEAR where it is an answer that does not say which; None where it is no
    answer to this question."""
    pressed = [choice for choice in choices if fold(choice.reply).strip() == fold(text).strip()]
    if len(pressed) == 1:
        return pressed[0]
    named = _named(text, choices)
    numbered = _numbered(text, len(choices))
    if named:
        picks = {choice.settles: choice for choice in named}
        # A list called "2" that is not the second.
        picks |= {choices[numbered].settles: choices[numbered]} if numbered is not None else {}
        return next(iter(picks.values())) if len(picks) == 1 else Reply.UNCLEAR
    if numbered is not None:
        return choices[numbered]
    said = _said(text)
    if said & NO and said <= NO:
        return Reply.NO
    if said and said <= YES | ALSO_YES:
        return choices[0] if len(choices) == 1 else Reply.UNCLEAR
    return Reply.UNCLEAR if is_reply(text) else None


def is_reply(text: str) -> bool:
    """Whether a text says nothing but yes, no or a number in a row: an answer, whatever was asked."""
    said = _said(text)
    return bool(said) and (said <= YES | ALSO_YES or said <= NO or _place(text) is not None)


def _bare(text: str) -> list[str]:
    found = list(words(text))
    return [word for word in found if word not in COURTESY] if len(found) <= WORDS_MAX else []


def _said(text: str) -> set[str]:
    return set(_bare(text))


def _named(text: str, choices: Sequence[Choice]) -> list[Choice]:
    """Choices of which the whole reply is the name: "Travel", "in Travel", "the Travel list", "yes, Travel"."""
    folded = _EDGES.sub("", fold(text[:TEXT_MAX]))
    said = _bare(text)
    if said and (said[0] in YES or (said[0] in NO and len(choices) > 1)):
        said = said[1:]
    forms = {tuple(said)}
    while said and (said[0] in ARTICLES or said[0] in PLACES or said[0] in _FILLERS):
        said = said[1:]
        forms.add(tuple(said))
    forms |= {form[:-1] for form in forms if form and form[-1] in LISTS}

    def bears(name: str | None) -> bool:
        return name is not None and ((words(name) in forms if words(name) else False) or fold(name).strip() == folded)

    labelled = [choice for choice in choices if bears(choice.label)]
    detailed = [choice for choice in choices if bears(choice.detail)]
    return labelled if len(labelled) == 1 else detailed or labelled


def _numbered(text: str, count: int) -> int | None:
    place = _place(text)
    if place is None:
        return None
    place = count - 1 if place < 0 else place
    return place if place < count else None


def _place(text: str) -> int | None:
    """The place that "the second one" or "2" names, from 0; -1 for the last."""
    said = [word for word in _bare(text) if word not in ARTICLES]
    if len(said) > 1 and said[0] in YES | NO:
        said = said[1:]  # "no, the second one"
    # "one" is filling in "the second one", and the number in "number one".
    bare = [word for word in said if word not in _FILLERS] or [word for word in said if word == "one"]
    if len(bare) != 1:
        return None
    if bare[0] in LAST or bare[0] in LAST_ZH:
        return -1
    return ORDINALS.get(bare[0])
