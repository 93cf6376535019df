"""The scores of many runs as a table, one row a class. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.faults.case import Case
from bench.faults.faults import CLASSES
from bench.faults.scoring import Score

HEAD: Final = (
    "| class | runs | false “done” | false “not done” | collateral | duplicates | right end | less than asked "
    "| changes wanted, made | asked (needlessly) | model calls |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass
class Tally:
    """The scores of one class."""

    scores: list[Score] = field(default_factory=list)
    wanted: int = 0
    made: int = 0

    def add(self, case: Case, score: Score) -> None:
        self.scores.append(score)
        if case.wants_change:
            self.wanted += 1
            self.made += score.right_end

    @property
    def red(self) -> int:
        """Runs that broke a promise."""
        return sum(score.broken for score in self.scores)

    @property
    def right(self) -> int:
        return sum(score.right_end for score in self.scores)

    @property
    def asked_needlessly(self) -> int:
        return sum(score.asked_needlessly for score in self.scores)

    def row(self, name: str) -> str:
        scores = self.scores
        cells: Sequence[object] = (
            name,
            len(scores),
            sum(score.false_confirmation for score in scores),
            sum(score.false_denial for score in scores),
            sum(score.collateral for score in scores),
            sum(score.duplicates for score in scores),
            f"{self.right} ({_percent(self.right, len(scores))})",
            sum(score.short for score in scores),
            f"{self.made} of {self.wanted}" if self.wanted else "",
            f"{sum(score.asked for score in scores)} ({self.asked_needlessly})",
            f"{sum(score.model_calls for score in scores) / max(1, len(scores)):.2f}",
        )
        return "| " + " | ".join(map(str, cells)) + " |"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def tallied(scored: Iterable[tuple[Case, Score]]) -> dict[str, Tally]:
    """By class, in their order."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for case, score in scored:
        tallies[case.fault].add(case, score)
    return {fault: tallies[fault] for fault in CLASSES if fault in tallies}


def table(tallies: dict[str, Tally]) -> str:
    """Markdown."""
    whole = Tally()
    for tally in tallies.values():
        whole.scores += tally.scores
        whole.wanted += tally.wanted
        whole.made += tally.made
    rows = [tally.row(f"{fault} {CLASSES[fault]}") for fault, tally in tallies.items()]
    return "\n".join((*HEAD, *rows, whole.row("**all**")))
