"""What a request calls the list that it is about, where that is the name of none. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from agent.calendar_words import NUMBERS
from agent.dates import DATE_WORDS
from agent.names import fold, words
from agent.vocabulary import ARTICLES, COURTESY, LISTS, PLACES, is_generic

PHRASE_WORDS_MAX: Final = 4
PHRASE_MAX_CHARS: Final = 100

_PIECES: Final = re.compile(r"[,.;:!?\n]+")
_LIST_ZH: Final = re.compile(r"([\u4e00-\u9fff]{1,8}(?:清单|列表))")
_BEFORE_LIST_ZH: Final = re.compile(r"^.*(?:到|进|入|在|从|清空|我的|删除|显示|查看|把|的)")
_DE_LIST: Final = re.compile(r"\w{2,}liste")


def phrase_for_list(request: str, explained: Iterable[str]) -> str | None:
    """The words that stand for a list: after "to", "in" and the like, or before "list". None where there are none.

    `explained` are texts of the plan, such as titles; what belongs to them names no list.
    """
    known = {word for text in explained for word in words(text)}
    for piece in _PIECES.split(fold(request)):
        said = words(piece)
        found = _named_list(said, known) or _after_a_preposition(said, known) or _chinese(piece)
        if found is not None and len(found) <= PHRASE_MAX_CHARS:
            return found
    return None


def _named_list(said: tuple[str, ...], known: set[str]) -> str | None:
    """ "my shopping list", "ma liste de courses", "die Einkaufsliste"."""
    for place, word in enumerate(said):
        if _DE_LIST.fullmatch(word):
            return word
        if word not in LISTS:
            continue
        before = place
        while before and said[before - 1] not in ARTICLES | PLACES | known and place - before < PHRASE_WORDS_MAX - 1:
            before -= 1
        if before < place and before and said[before - 1] in ARTICLES:
            return " ".join(said[before : place + 1])
        after = said[place + 1 : place + 1 + PHRASE_WORDS_MAX]
        if after[:1] == ("de",) or after[:1] == ("des",):
            return " ".join(said[place : place + 1 + len(after)])
    return None


def _after_a_preposition(said: tuple[str, ...], known: set[str]) -> str | None:
    for place, word in enumerate(said):
        if word not in PLACES and not (word == "a" and said[place + 1 : place + 2] in (("la",), ("mi",), ("el",))):
            continue
        rest = list(said[place + 1 :])
        while rest and rest[0] in ARTICLES:
            rest.pop(0)
        if not rest or rest[0] in known or _says_when(rest[0]) or is_generic(rest[0]):
            continue
        phrase: list[str] = []
        for follows in rest[:PHRASE_WORDS_MAX]:
            if follows in PLACES - {"de"} or follows in COURTESY or follows in DATE_WORDS:
                break
            phrase.append(follows)
        return " ".join(phrase)
    return None


def _says_when(word: str) -> bool:
    return word in DATE_WORDS or word in NUMBERS or word[0].isdecimal()


def _chinese(piece: str) -> str | None:
    found = _LIST_ZH.search(piece)
    if found is None:
        return None
    name = _BEFORE_LIST_ZH.sub("", found[1])
    return name if name not in LISTS else None
