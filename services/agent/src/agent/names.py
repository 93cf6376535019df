"""Which of the things that exist a request names, by its words alone.

A model may choose any alias; a change is only made to what the user's own words name. Words are compared casefolded and
in NFKC; scripts written without spaces are searched as text.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, TypeVar

from agent.vocabulary import asks_for_all
from contracts.planning import Select

RowT = TypeVar("RowT")

WORDS_KEPT: Final = 1024

_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


def fold(text: str) -> str:
    """Casefolded NFKC, the form in which names are compared."""
    return unicodedata.normalize("NFKC", text).casefold()


@lru_cache(maxsize=WORDS_KEPT)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded. Kept for the last texts: one request is asked about again and again."""
    return tuple(_WORD.findall(fold(text)))


def is_text(name: str) -> bool:
    """Whether a name is looked for as text: one without word boundaries has no words to compare, nor has one of
    symbols alone."""
    return not words(name) or (not name.isascii() and _UNSPACED.search(name) is not None)


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in no more than case, width and spacing."""
    return fold(one).split() == fold(other).split()


def asks_for_a_group(request: str, select: Select | None = None) -> bool:
    """Whether a request asks for all of something, or for what is in the state that `select` means: then items need not
    be named."""
    return asks_for_all(words(request), fold(request), select)


@dataclass(frozen=True)
class _Span:
    start: int
    end: int

    def within(self, other: "_Span") -> bool:
        return other.start <= self.start and self.end <= other.end and self != other


def _places(request: tuple[str, ...], name: tuple[str, ...]) -> list[_Span]:
    if not name:
        return []
    ends = range(len(name), len(request) + 1)
    return [_Span(end - len(name), end) for end in ends if request[end - len(name) : end] == name]


def uses_only_words_of(request: str, title: str) -> bool:
    """Whether a new title is made of the request's own words (or, for unspaced scripts, of its text)."""
    given = words(title)
    if given and set(given) <= set(words(request)):
        return True
    return fold(title).strip() in fold(request)


@dataclass(frozen=True)
class Named(Generic[RowT]):
    """The rows that a request names, in the order given."""

    rows: tuple[RowT, ...]

    def __contains__(self, row: object) -> bool:
        return row in self.rows


def named_in(request: str, candidates: Iterable[tuple[str, RowT]]) -> Named[RowT]:
    """The rows among `(name, row)` whose name the request holds. "Work 2" names Work 2 and not Work."""
    text = fold(request)
    asked = words(request)
    found: list[tuple[RowT, list[_Span]]] = []
    for name, row in candidates:
        spans = _places(asked, words(name))
        if spans:
            found.append((row, spans))
        elif is_text(name) and fold(name).strip() in text:
            found.append((row, []))
    everything = [span for _, spans in found for span in spans]
    return Named(
        tuple(
            row
            for row, spans in found
            if not spans or any(not any(span.within(longer) for longer in everything) for span in spans)
        )
    )
