"""Names that a request nearly holds: one letter off, or in another number. For when it holds none exactly.

What comes out is a likeness, not a naming: it counts only where the model, which read the same words, chose the same.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from rapidfuzz.distance import OSA

from agent.names import words

RowT = TypeVar("RowT")

WORDS_MAX: Final = 40
NAME_WORDS_MAX: Final = 4
FUZZY_FROM: Final = 5
"""Shorter names have too many neighbours: milk and silk."""
TWO_OFF_FROM: Final = 9


def singular(word: str) -> str:
    """A word without the plural of English, French and Spanish, or the English genitive; two words of one noun come out
    the same."""
    word = word.replace("\u2019", "'").removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "oes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def without(request: str, names: Iterable[str]) -> list[tuple[str, ...]]:
    """The request's words in pieces, cut where these names stand: what one name holds is not near another."""
    pieces = [words(request)[:WORDS_MAX]]
    for name in names:
        cut = words(name)
        pieces = [part for piece in pieces for part in _cut(piece, cut)]
    return [piece for piece in pieces if piece]


def _cut(piece: tuple[str, ...], name: tuple[str, ...]) -> list[tuple[str, ...]]:
    for start in range(len(piece) - len(name) + 1) if name else ():
        if piece[start : start + len(name)] == name:
            return [piece[:start], *_cut(piece[start + len(name) :], name)]
    return [piece]


def near(pieces: Iterable[tuple[str, ...]], candidates: Iterable[tuple[str, RowT]]) -> tuple[RowT, ...]:
    """The rows whose names some words of the pieces are nearest to; several where there is no clear margin.

    Another number of the same noun is nearer than any other letter. A number must be the same: Work 3 is not Work 2.
    """
    windows = {
        piece[start : start + size]
        for piece in pieces
        for size in range(1, NAME_WORDS_MAX + 1)
        for start in range(len(piece) - size + 1)
    }
    by_singular = {tuple(map(singular, window)) for window in windows}
    named = [(words(name), row) for name, row in candidates]
    same = tuple(row for name, row in named if name and tuple(map(singular, name)) in by_singular)
    if same:
        return same
    by_size: dict[int, list[tuple[tuple[str, ...], str]]] = {}
    for window in windows:
        text = " ".join(window)
        if len(text) >= FUZZY_FROM:
            by_size.setdefault(len(text), []).append((window, text))
    found = [(distance, row) for name, row in named if (distance := _distance(name, by_size)) is not None]
    nearest = min((distance for distance, _ in found), default=0)
    return tuple(row for distance, row in found if distance <= nearest + 1)


def _distance(name: tuple[str, ...], by_size: dict[int, list[tuple[tuple[str, ...], str]]]) -> int | None:
    text = " ".join(name)
    best: int | None = None
    if len(text) < FUZZY_FROM:
        return None
    allowed = 1 if len(text) < TWO_OFF_FROM else 2
    for size in range(len(text) - allowed, len(text) + allowed + 1):
        for window, other in by_size.get(size, ()):
            distance = OSA.distance(text, other, score_cutoff=allowed)
            if distance <= allowed and _numbers(name) == _numbers(window) and (best is None or distance < best):
                best = distance
    return best


def _numbers(said: Sequence[str]) -> list[str]:
    return [word for word in said if any(letter.isdigit() for letter in word)]


def other_number(request: str, name: str, others: Iterable[str], explained: Iterable[str] = ()) -> str | None:
    """ "Work 3" where the request says it of the name Work, and there is a Work 2 but no Work 3; else None. A number
    that `explained` texts hold, such as a date, is none of a name."""
    said, own = words(request), words(name)
    starts = [start for start in range(len(said) - len(own)) if said[start : start + len(own)] == own]
    after = [said[start + len(own)] for start in starts if said[start + len(own)].isdecimal()] if own else []
    if not after or len(after) < len(starts):
        return None
    held = {word for text in explained for word in words(text)}
    series = {words(other)[len(own) :] for other in others if words(other)[: len(own)] == own}
    if (after[0],) in series or after[0] in held or not any(len(rest) == 1 and rest[0].isdecimal() for rest in series):
        return None
    return f"{' '.join(own)} {after[0]}"


def partly(request: str, candidates: Iterable[tuple[str, RowT]], *, leave_out: frozenset[str]) -> tuple[RowT, ...]:
    """The rows that share the most words of three letters and more with the request: "the milk" is of "oat milk"."""
    asked = words(request)[:WORDS_MAX]
    said = {singular(word) for word in asked if len(word) >= 3 and word not in leave_out}
    numbers = set(_numbers(asked))
    scored = [
        (len(said & set(map(singular, title))), row)
        for name, row in candidates
        # Dentist 3 is not what "dentist 2" speaks of.
        for title in (words(name),)
        if not numbers or not _numbers(title) or not numbers.isdisjoint(_numbers(title))
    ]
    most = max((score for score, _ in scored), default=0)
    return tuple(row for score, row in scored if score == most) if most else ()
