"""What the sessions ask for, by seed: every request makes sense if those before it in its session were carried out."""

import random
from collections.abc import Iterator
from dataclasses import replace

from .history import Item, Kind, Step

SHARED_LIST = "Together"
"""Every session adds to it, so that receipts have other people's changes beside their own."""

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_KINDS = {Kind.ADD: 45, Kind.COMPLETE: 20, Kind.RENAME: 10, Kind.DELETE: 12, Kind.COUNT: 8}
_SHARED_SHARE = 0.2
_MISSING_SHARE = 0.05


def names(rng: random.Random) -> Iterator[str]:
    """Words that no language has and no two of which are alike, without end."""
    given: set[str] = set()
    while True:
        word = "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(4))
        if word not in given:
            given.add(word)
            yield word


def script(rng: random.Random, words: Iterator[str], count: int) -> list[Step]:
    """`count` steps of one session, which begins by making a list of its own."""
    own = next(words).capitalize()
    steps = [Step(Kind.CREATE_LIST, own)]
    held: list[Item] = []
    while len(steps) < count:
        kind = rng.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
        if kind is Kind.COUNT:
            steps.append(Step(kind, own))
        elif kind is Kind.ADD or not held:
            item = Item(SHARED_LIST if rng.random() < _SHARED_SHARE else own, next(words), done=False)
            held.append(item)
            steps.append(Step(Kind.ADD, item.list_name, item.title))
        elif rng.random() < _MISSING_SHARE:
            steps.append(Step(kind, own, next(words), next(words)))
        else:
            item = held.pop(rng.randrange(len(held)))
            renamed = next(words)
            steps.append(Step(kind, item.list_name, item.title, renamed if kind is Kind.RENAME else ""))
            if kind is not Kind.DELETE:
                title = renamed if kind is Kind.RENAME else item.title
                held.append(replace(item, title=title, done=kind is Kind.COMPLETE or item.done))
    return steps
