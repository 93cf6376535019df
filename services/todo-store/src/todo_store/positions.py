"""Places in an order: strings that sort by their bytes, with always another one between two."""

from typing import Final

from fractional_indexing import generate_key_between  # type: ignore[import-untyped]  # the library has no types

POSITION_MAX_CHARS: Final = 256
"""Only moving between the same two neighbours over and over makes them grow, by a character every few moves."""


def between(before: str | None, behind: str | None) -> str:
    """A position after `before` and before `behind`; None stands for the end on that side."""
    position: str = generate_key_between(before, behind)
    return position
