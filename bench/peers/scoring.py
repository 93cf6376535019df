"""What a run is worth: by the state that the store holds, and by what the user was told. Pure.

A peer's claim is read from its last words by a simple rule, since prose is all that it gives: a word of failure makes
them a denial, otherwise a word of success makes them a claim, otherwise they are neither. An exception is a denial:
that is how the user sees it. Ours has a typed outcome, so nothing is read from its words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.peers.scenarios import Scenario, State
from contracts.turns import Outcome


class Told(StrEnum):
    """What the user was left to believe."""

    DONE = "done"
    NOT_DONE = "not done"
    NEITHER = "neither"


@dataclass(frozen=True)
class Score:
    """One run. `duplicates` are rows too many of what was right, `collateral` other rows that were touched."""

    told: Told
    right: bool
    false_confirmation: bool
    false_denial: bool
    duplicates: int
    collateral: int


@dataclass(frozen=True)
class Totals:
    """Several runs of one agent."""

    runs: int
    right: int
    false_confirmations: int
    false_denials: int
    duplicates: int
    collateral: int


_FAILURE: Final = re.compile(
    r"\b(?:not|cannot|unable|failed|error|nothing|sorry|unfortunately|problem)\b|n't\b", re.IGNORECASE
)
_SUCCESS: Final = re.compile(
    r"\b(?:done|added|created|completed|marked|moved|deleted|removed|updated|success(?:ful(?:ly)?)?)\b", re.IGNORECASE
)
_OUTCOMES: Final[Mapping[Outcome, Told]] = {
    Outcome.CONFIRMED: Told.DONE,
    Outcome.ALREADY_SO: Told.DONE,
    Outcome.ANSWERED: Told.NEITHER,
    Outcome.UNKNOWN: Told.NEITHER,
}


def told_by_words(words: str | None) -> Told:
    """What an agent's last words say. None: it ended in an exception."""
    if words is None or _FAILURE.search(words):
        return Told.NOT_DONE
    return Told.DONE if _SUCCESS.search(words) else Told.NEITHER


def told_by_outcome(outcome: Outcome) -> Told:
    """What a typed outcome says; all that are not listed say that it is not done as asked."""
    return _OUTCOMES.get(outcome, Told.NOT_DONE)


def score(scenario: Scenario, told: Told, after: State) -> Score:
    """Judge one run. Order within a list is not judged."""
    duplicates, collateral = _surplus(scenario, after)
    right = _counted(after) == _counted(scenario.gold) and after.keys() == scenario.gold.keys()
    return Score(
        told=told,
        right=right,
        false_confirmation=told is Told.DONE and not (right and scenario.may_claim),
        false_denial=told is Told.NOT_DONE and right and scenario.may_claim,
        duplicates=duplicates,
        collateral=collateral,
    )


def totals(scores: Iterable[Score]) -> Totals:
    """Add up."""
    each = list(scores)
    return Totals(
        runs=len(each),
        right=sum(one.right for one in each),
        false_confirmations=sum(one.false_confirmation for one in each),
        false_denials=sum(one.false_denial for one in each),
        duplicates=sum(one.duplicates for one in each),
        collateral=sum(one.collateral for one in each),
    )


def _counted(state: State) -> Counter[tuple[str, str, bool]]:
    return Counter((name, title, done) for name, rows in state.items() for title, done in rows)


def _surplus(scenario: Scenario, after: State) -> tuple[int, int]:
    """Duplicates and collateral changes. What was asked for and is merely missing is neither."""
    seed, gold, now = _by_title(scenario.seed), _by_title(scenario.gold), _by_title(after)
    duplicates = collateral = 0
    for key in seed.keys() | gold.keys() | now.keys():
        before, wanted, found = seed.get(key, []), gold.get(key, []), now.get(key, [])
        if wanted and len(found) > len(wanted):
            duplicates += len(found) - len(wanted)
        elif not wanted and not before:
            collateral += len(found)
        elif wanted == before and found != before:
            collateral += 1
    # A list that nobody asked for, without items.
    return duplicates, collateral + len(after.keys() - scenario.gold.keys())


def _by_title(state: State) -> dict[tuple[str, str], list[bool]]:
    found: dict[tuple[str, str], list[bool]] = {}
    for name, rows in state.items():
        for title, done in rows:
            found.setdefault((name, title), []).append(done)
    return {key: sorted(done) for key, done in found.items()}
