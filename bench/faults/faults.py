"""The operators F1 to F15, each from templates to cases, and the grid of runs that they make. Pure, and seeded."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from random import Random
from typing import Final

from bench.faults import model_faults, world_faults
from bench.faults.case import Case, Worker
from bench.faults.company import in_surroundings, rivals, with_neighbour
from bench.faults.templates import TEMPLATES, Template
from bench.faults.vague import NOTHING_TO_DO, UNDER_SPECIFIED
from bench.faults.vocabularies import VOCABULARIES, in_other_words

Operator = Callable[[Iterable[Template]], Iterator[Case]]

CLASSES: Final = {
    "F1": "hallucinated id",
    "F2": "right id, wrong target",
    "F3": "duplicate execution",
    "F4": "claim without a call",
    "F5": "lost write",
    "F6": "partial or wrong value",
    "F7": "concurrent modification",
    "F8": "over-action",
    "F9": "under-specified",
    "F10": "nothing to do",
    "F11": "injection by a title",
    "F12": "malformed output",
    "F13": "timeout around the commit",
    "F14": "wrong wording",
    "F15": "swap, overflow, empty, not loaded",
}
OPERATORS: Final[tuple[tuple[Operator, tuple[Template, ...]], ...]] = (
    (model_faults.hallucinated_ids, TEMPLATES),
    (model_faults.wrong_targets, TEMPLATES),
    (world_faults.repeats, TEMPLATES),
    (model_faults.liars, TEMPLATES),
    (world_faults.lost_writes, TEMPLATES),
    (model_faults.wrong_values, TEMPLATES),
    (world_faults.spoilt_writes, TEMPLATES),
    (rivals, TEMPLATES),
    (model_faults.over_action, TEMPLATES),
    (model_faults.under_specified, UNDER_SPECIFIED),
    (model_faults.nothing_to_do, NOTHING_TO_DO),
    (model_faults.injection, TEMPLATES),
    (model_faults.malformed, TEMPLATES),
    (world_faults.timeouts, TEMPLATES),
    (model_faults.wrong_wording, TEMPLATES),
    (model_faults.bad_servers, TEMPLATES),
)
_ORDERLY: Final = frozenset({Worker.LATE_BEFORE_THE_OTHER, Worker.LATE_BEFORE_THE_ANSWER, Worker.LATE_AFTER_THE_ANSWER})
"""Workers that are held at a barrier already, where a neighbour would be held too."""


@cache
def every_case(words: int = 0, *, front: bool = False) -> tuple[Case, ...]:
    """All cases once, in the vocabulary with this number, with nobody else about but for F7.

    `front` puts the list that no request is about before the others.
    """
    vocabulary = VOCABULARIES[words % len(VOCABULARIES)]

    def placed(template: Template) -> Template:
        return in_surroundings(in_other_words(template, vocabulary), front=front)

    return tuple(case for operator, templates in OPERATORS for case in operator([placed(each) for each in templates]))


def runs(count: int, seed: int) -> list[Case]:
    """At least `count` cases, unless it is less than there are classes: each class has its share, drawn from all of its
    variants, templates and vocabularies, every other one with a neighbour who writes meanwhile."""
    random = Random(seed)  # noqa: S311 - a draw of tests
    by_class: dict[str, list[Case]] = defaultdict(list)
    for words in range(len(VOCABULARIES)):
        fresh: dict[str, list[Case]] = defaultdict(list)
        for case in every_case(words, front=words % 2 == 1):
            fresh[case.fault].append(case)
        for fault, cases in fresh.items():
            random.shuffle(cases)
            by_class[fault] += cases
    share = -(-count // len(CLASSES))
    chosen: list[Case] = []
    for fault in CLASSES:
        cases = _spread(by_class[fault])
        for number in range(share):
            case = cases[number % len(cases)]
            chosen.append(with_neighbour(case, random) if number % 2 and _admits_neighbour(case) else case)
    return chosen


def _admits_neighbour(case: Case) -> bool:
    return not case.company.visits and case.worker not in _ORDERLY


def _spread(cases: list[Case]) -> list[Case]:
    """The cases in rounds, each with every variant once, so that a small share still holds all of them."""
    rounds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        rounds[case.variant].append(case)
    longest = max(map(len, rounds.values()), default=0)
    return [waiting[place] for place in range(longest) for waiting in rounds.values() if place < len(waiting)]
