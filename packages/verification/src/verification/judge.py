"""The verdict: is what was seen exactly what was expected?"""

from dataclasses import dataclass
from enum import StrEnum

from contracts.todo import Diff, RowChange
from contracts.turns import Verdict


class MismatchKind(StrEnum):
    MISSING = "missing"  # expected, not seen
    UNEXPECTED = "unexpected"  # seen, not expected
    DIFFERENT = "different"  # the row changed, but not as expected


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One row on which expectation and observation disagree. Holds user text: for the receipt, never for a log."""

    kind: MismatchKind
    row_id: str
    expected: RowChange | None
    observed: RowChange | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """`confirmed` with no mismatch, or `refuted` with at least one. Sorted by row id."""

    verdict: Verdict
    mismatches: tuple[Mismatch, ...]


def judge(expected: Diff, observed: Diff) -> Judgement:
    """Compare the expected diff with the observed one of our change; only exact equality is confirmed.

    The name of an item's list is a label for people and is left out: somebody may rename the list meanwhile. `unknown`
    is the caller's to say, when there is nothing to compare because the state could not be read.
    """
    wanted, seen = _by_row(expected), _by_row(observed)
    pairs = ((row_id, wanted.get(row_id, ()), seen.get(row_id, ())) for row_id in sorted(wanted.keys() | seen.keys()))
    mismatches = tuple(_mismatch(row_id, want, saw) for row_id, want, saw in pairs if want != saw)
    return Judgement(Verdict.REFUTED if mismatches else Verdict.CONFIRMED, mismatches)


def _by_row(diff: Diff) -> dict[str, tuple[RowChange, ...]]:
    """All changes of a row, so that a Diff which names one twice does not equal one that names it once."""
    rows: dict[str, tuple[RowChange, ...]] = {}
    for change in diff.changes:
        rows[change.id] = (*rows.get(change.id, ()), change.model_copy(update={"list_name": None}))
    return rows


def _mismatch(row_id: str, wanted: tuple[RowChange, ...], seen: tuple[RowChange, ...]) -> Mismatch:
    kind = MismatchKind.DIFFERENT
    if not seen:
        kind = MismatchKind.MISSING
    elif not wanted:
        kind = MismatchKind.UNEXPECTED
    return Mismatch(kind, row_id, wanted[0] if wanted else None, seen[0] if seen else None)
