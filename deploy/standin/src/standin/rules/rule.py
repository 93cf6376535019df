"""One rule: a pattern for a whole clause, and what it plans for a match (None: not this rule after all)."""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from standin.rules.scene import Scene
from standin.rules.steps import Steps

Planned: TypeAlias = Steps | None
Rule: TypeAlias = tuple[re.Pattern[str], Callable[[re.Match[str], Scene], Planned]]


def rule(pattern: str, plan: Callable[[re.Match[str], Scene], Planned]) -> Rule:
    """A rule whose pattern ignores case and must match the whole clause."""
    return re.compile(pattern, re.IGNORECASE), plan


def apply_rules(rules: Sequence[Rule], clause: str, scene: Scene) -> Planned:
    """What the first rule plans that matches and does not decline; None when none does."""
    for pattern, plan in rules:
        match = pattern.fullmatch(clause)
        planned = plan(match, scene) if match else None
        if planned is not None:
            return planned
    return None
