"""What somebody may have meant by an id that does not exist: mostly a name instead of it, or a letter wrong. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz

NEAR_MAX: Final = 3
LIKE_ENOUGH: Final = 70.0
"""Of 100, by rapidfuzz's ratios."""


@dataclass(frozen=True)
class Known:
    """A row that exists: its id, what people call it, and how it is told."""

    id: str
    name: str
    told: str


def nearest(wanted: str, known: Iterable[Known]) -> list[Known]:
    """The rows most like what was wanted, by id or by name, the likest first; at most NEAR_MAX."""
    folded = wanted.casefold().strip()
    scored = [(_likeness(folded, row), row) for row in known]
    likely = [pair for pair in scored if pair[0] >= LIKE_ENOUGH]
    return [row for _, row in sorted(likely, key=lambda pair: -pair[0])[:NEAR_MAX]]


def _likeness(wanted: str, row: Known) -> float:
    name = row.name.casefold()
    if wanted in {row.id, name}:
        return 101.0
    # Part of a name counts a little less than the whole of one.
    part = 0.95 * fuzz.partial_ratio(wanted, name) if min(len(wanted), len(name)) >= 3 else 0.0
    return max(fuzz.ratio(wanted, row.id), fuzz.ratio(wanted, name), part)
