"""Samples and how they are shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Milliseconds of one thing, several times over."""

    name: str
    samples: tuple[float, ...]

    @property
    def p50(self) -> float:
        return statistics.median(self.samples)

    @property
    def p95(self) -> float:
        return sorted(self.samples)[min(len(self.samples) - 1, int(len(self.samples) * 0.95))]

    @property
    def p99(self) -> float:
        return sorted(self.samples)[min(len(self.samples) - 1, int(len(self.samples) * 0.99))]

    def row(self, note: str = "") -> str:
        cells = (self.name, f"{self.p50:.1f}", f"{self.p95:.1f}", f"{min(self.samples):.1f}", len(self.samples), note)
        return "| " + " | ".join(str(cell) for cell in cells) + " |"


class OverBoundError(Exception):
    """A figure is over what is promised. `figures` is the table that shows it."""

    def __init__(self, figures: str) -> None:
        super().__init__("over its bound")
        self.figures = figures


def keep_to(bound_ms: float, measured_ms: float, figures: str) -> str:
    """The table, where what it shows is within its bound. Raises OverBoundError."""
    if measured_ms > bound_ms:
        raise OverBoundError(figures)
    return figures


def table(title: str, rows: Sequence[str]) -> str:
    """A Markdown table."""
    head = ("", f"**{title}**", "", "| ms | p50 | p95 | least | n | |", "|---|---|---|---|---|---|")
    return "\n".join((*head, *rows))


def grid(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with columns of its own."""
    lines = ("| " + " | ".join(cells) + " |" for cells in (columns, ["---"] * len(columns), *rows))
    return "\n".join(("", f"**{title}**", "", *lines))


def rates(title: str, rows: Sequence[str]) -> str:
    """A Markdown table of operations a second beside bare asyncpg's; `ms` and `n` are of ours."""
    columns = "| a second | todo-agent | bare asyncpg | ratio | ms p50 | n |"
    return "\n".join(("", f"**{title}**", "", columns, "|---|---|---|---|---|---|", *rows))
