"""An earlier state brought up to a later snapshot by a delta, and the proof that nothing is missing from it."""

from contracts.store import Snapshot
from verification.errors import OverlayError
from verification.state import Row, State


def overlaid(state: State, later: Snapshot) -> State:
    """The state that `later` is, if it is a delta on `state`: equal to the one that a whole snapshot would give.

    A delta holds every living row that was written since, and counts all that live. What is not in it was not written,
    so it is as it was read, or it is gone. So this can only hold too many rows, never a wrong one or too few, and it
    holds too many exactly when it does not have the counted number.

    Raises OverlayError where the counts differ, or where there is no delta: then everything has to be read.
    """
    delta = later.delta
    if delta is None or (delta.lists is None) is not (delta.items is None):
        raise OverlayError(later.revision, "is no delta")
    rows: dict[str, Row | None] = dict.fromkeys(delta.removed)
    rows |= {row.id: row for row in later.lists}
    rows |= {item.id: item for item in later.items}
    result = state.with_rows(later.revision, rows)
    if delta.lists is None and delta.items is None:
        if rows or later.revision != state.revision:
            raise OverlayError(later.revision, "was not looked at, and is not the same")
        return result
    if (len(result.lists), len(result.items)) != (delta.lists, delta.items):
        raise OverlayError(later.revision, "has another number of rows than what was read before makes of it")
    return result
