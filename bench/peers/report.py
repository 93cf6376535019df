"""The tables: one line for each contender, and what each was seen to do in each scenario. Pure."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from bench.figures import Figure
from bench.peers.comparison import OURS, Played, Record, Variant
from bench.peers.scenarios import SCENARIOS
from bench.peers.scoring import totals

_HEAD: Final = (
    "| | store | false 'done' | false 'not done' | right rows | duplicates | other rows touched "
    "| model calls | prompt tokens | turn, ms p50 | p95 | least |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def name_of(variant: Variant) -> str:
    """As the tables call it."""
    return f"{variant.name} + guard" if variant.guard else variant.name


def summary(records: Sequence[Record]) -> str:
    """The one table: counts over all scenarios, the cost of the turn in which nothing goes wrong."""
    return "\n".join((*_HEAD, *(_line(record) for record in records)))


def _line(record: Record) -> str:
    sums = totals(played.score for played in record.played)
    cost = record.rounds[-1] if record.rounds else record.played[0]
    took = Figure("", tuple(played.turn.ms for played in record.rounds or record.played[:1]))
    name = f"**{OURS}**" if record.variant.name == OURS else name_of(record.variant)
    cells = (
        name,
        "ours" if record.variant.store == "ours" else "in memory",
        f"{sums.false_confirmations} of {sums.runs}",
        sums.false_denials,
        f"{sums.right} of {sums.runs}",
        sums.duplicates,
        sums.collateral,
        cost.calls,
        cost.prompt_tokens,
        f"{took.p50:.1f}",
        f"{took.p95:.1f}",
        f"{min(took.samples):.1f}",
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def parts_of_ours(records: Sequence[Record]) -> str:
    """Where our turn's time goes, at the median; empty where no rounds were played."""
    turns = [played.turn for record in records if record.variant.name == OURS for played in record.rounds]
    known = [(turn.ms, turn.timings) for turn in turns if turn.timings is not None]
    if not known:
        return ""
    parts = {
        "PLAN": [timings.plan or 0 for _, timings in known],
        "of it the model": [timings.model or 0 for _, timings in known],
        "EXECUTE": [timings.execute or 0 for _, timings in known],
        "CONFIRM": [timings.confirm or 0 for _, timings in known],
        "into the stream, to the agent and out again": [ms - (timings.total or 0) for ms, timings in known],
    }
    return "Of ours, ms: " + ", ".join(f"{name} {median(each):.1f}" for name, each in parts.items()) + "."


def matrix(records: Sequence[Record], store: str = "ours") -> str:
    """What each did in each scenario, on one of the stores."""
    shown = [record for record in records if record.variant.store == store]
    lines = ["| | " + " | ".join(name_of(record.variant) for record in shown) + " |", "|---" * (len(shown) + 1) + "|"]
    for number, scenario in enumerate(SCENARIOS):
        cells = [_cell(record.played[number]) for record in shown]
        lines.append(f"| {scenario.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(played: Played) -> str:
    score = played.score
    if score.false_confirmation:
        return "**false 'done'**"
    if score.false_denial:
        return "**false 'not done'**"
    wrong = score.collateral or score.duplicates
    return f"{'right' if score.right else 'wrong rows' if wrong else 'not done'}, told {score.told.value}"
