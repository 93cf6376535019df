"""Order as a user sees it: which items of a list a change put somewhere, and where.

Positions are compared as order only. An item counts as placed when it is new to its list or has changed its rank among
those that stayed; its place is then told by its neighbours.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import groupby

from contracts.todo import Place
from verification.state import State


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in a list that were all placed, with the items that stayed on either side (None: the list's end)."""

    ids: tuple[str, ...]
    behind: str | None
    before: str | None


def runs(before: State, after: State, list_id: str, movers: Set[str] | None = None) -> tuple[Run, ...]:
    """The placed items of one list of `after`, in order. One pass over it, and none where its order is as before.

    The same new order can be told as different moves: of two swapped items either may have moved. `movers` says which
    ones are to be told as moved where that explains it; None takes those whose position was written anew. The rest
    must be in its old order, and what is not is told as moved too.
    """
    ids = after.order[list_id]
    if before.order.get(list_id) == ids:
        return ()
    stayed = _stayed(before, after, list_id, movers)
    groups = [(settled, tuple(group)) for settled, group in groupby(ids, key=stayed.__contains__)]
    found: list[Run] = []
    for index, (settled, group) in enumerate(groups):
        if not settled:
            behind = groups[index - 1][1][-1] if index > 0 else None
            ahead = groups[index + 1][1][0] if index + 1 < len(groups) else None
            found.append(Run(group, behind, ahead))
    return tuple(found)


def placements(
    before: State, after: State, list_id: str, movers: Set[str] | None = None
) -> Iterator[tuple[str, Place | None]]:
    """The placed items of one list with their places; None for an item that is new to the list and stands at its end.

    The end is said before the neighbour: adding to a list means its end, whatever others put there or took away.
    """
    for run in runs(before, after, list_id, movers):
        head = run.ids[0]
        if run.before is None:
            yield head, Place(at="end") if was_in(before, head, list_id) else None
        elif run.behind is None:
            yield head, Place(at="first")
        else:
            yield head, Place(at="after", item_id=run.behind)
        for ahead, item_id in zip(run.ids, run.ids[1:], strict=False):
            yield item_id, Place(at="after", item_id=ahead)


def was_in(state: State, item_id: str, list_id: str) -> bool:
    """Whether an item is in this list in this state."""
    item = state.items.get(item_id)
    return item is not None and item.list_id == list_id


def _stayed(before: State, after: State, list_id: str, movers: Set[str] | None) -> set[str]:
    """The items that kept their rank among each other: all that are no movers, and as many of the movers as fit in."""
    rank = {item_id: index for index, item_id in enumerate(before.order.get(list_id, ()))}
    common = [item_id for item_id in after.order[list_id] if item_id in rank]
    if movers is None:
        movers = {i for i in common if before.items[i].position != after.items[i].position}
    fixed = {item_id for item_id in common if item_id not in movers}
    fitting = _fitting(common, rank, fixed)
    return {fitting[index] for index in _longest_rising([rank[item_id] for item_id in fitting])}


def _fitting(common: Sequence[str], rank: dict[str, int], fixed: set[str]) -> list[str]:
    """Without the items that stand on the other side of a fixed one than before."""
    lowest_behind = [len(rank)]
    for item_id in reversed(common):
        lowest_behind.append(min(lowest_behind[-1], rank[item_id]) if item_id in fixed else lowest_behind[-1])
    lowest_behind.reverse()
    highest, fitting = -1, []
    for index, item_id in enumerate(common):
        if item_id in fixed:
            highest = max(highest, rank[item_id])
            fitting.append(item_id)
        elif highest < rank[item_id] < lowest_behind[index]:
            fitting.append(item_id)
    return fitting


def _longest_rising(ranks: Sequence[int]) -> list[int]:
    """The indices of a longest increasing subsequence, in O(n log n) (Fredman 1975)."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(ranks):
        length = bisect_left(tails, value)
        previous.append(ends[length - 1] if length else -1)
        if length == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[length], ends[length] = value, index
    chosen: list[int] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chosen.append(index)
        index = previous[index]
    return chosen
