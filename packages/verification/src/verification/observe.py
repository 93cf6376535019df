"""What CONFIRM saw, divided into what our change did and what others did.

Rows decide. The journal only says which changes were not ours, so that these can be taken off both ends:

    PLAN's rows --others before--> pre --ours--> post --others after--> CONFIRM's rows

Our own entry's images are not looked at. What no entry accounts for stays between `pre` and `post`, and counts as ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.store import Snapshot
from contracts.todo import Diff, ItemView, JournalEntry, ListView, RowChange
from verification.diff import diff, sort_key
from verification.history import between, replay, rewind
from verification.rows import same
from verification.state import State, state_of


@dataclass(frozen=True, slots=True)
class Observed:
    """`ours` is to be judged; `others` is for the user to know."""

    ours: Diff
    others: Diff


def observe(
    before: Snapshot | State, after: Snapshot | State, journal: Sequence[JournalEntry], ours: str, expected: Diff
) -> Observed:
    """Divide what changed between PLAN's rows and CONFIRM's by whose change it was.

    `journal` holds every entry after PLAN's revision up to CONFIRM's, read together with CONFIRM's rows; `ours` is the
    change id or the operation id of our change. `expected` only lends its words: of the ways to tell one new order as
    moves, the plan's is taken if it is true.

    Raises HistoryError when an entry is missing or another's has lost its images, and SnapshotError when an id occurs
    twice: then nothing can be said, and the verdict is unknown.
    """
    plan, confirm = state_of(before), state_of(after)
    entries = between(journal, plan.revision, confirm.revision)
    mine = [index for index, entry in enumerate(entries) if ours in (entry.change_id, entry.operation_id)]
    earlier = entries[: mine[0]] if mine else entries
    later = entries[mine[-1] + 1 :] if mine else ()
    pre = replay(plan, earlier)
    post = rewind(confirm, later, confirm.revision - len(later))
    unseen = dict.fromkeys(_unseen(plan, pre, post, earlier))
    return Observed(
        ours=diff(pre.with_rows(pre.revision, unseen), post.with_rows(post.revision, unseen), _placed(expected)),
        others=_joined(diff(plan, pre), diff(post, confirm)),
    )


def _unseen(plan: State, pre: State, post: State, earlier: Sequence[JournalEntry]) -> set[str]:
    """Items that others brought to their place after PLAN and that our change left there, or swept out with their list.

    The plan could not know them: they are no neighbours to tell a place by, and go unmentioned with a list it deletes.
    """
    touched = {image.row_id for entry in earlier for image in entry.images}
    unseen: set[str] = set()
    for item_id in touched & pre.items.keys():
        here = pre.items[item_id]
        place = (here.list_id, here.position)
        known, left = plan.items.get(item_id), post.items.get(item_id)
        if known is not None and (known.list_id, known.position) == place:
            continue
        stayed = left is not None and (left.list_id, left.position) == place and same(here, left)
        swept = left is None and here.list_id not in post.lists
        if stayed or swept:
            unseen.add(item_id)
    return unseen


def _placed(expected: Diff) -> set[str]:
    views = ((change.id, change.after) for change in expected.changes)
    return {row_id for row_id, view in views if isinstance(view, ItemView) and view.place is not None}


def _joined(first: Diff, second: Diff) -> Diff:
    """Two diffs in a row as one. A row that our change touched in between has an entry in each, in their order."""
    changes = {change.id: [change] for change in first.changes}
    for change in second.changes:
        chain = changes.setdefault(change.id, [])
        whole = _composed(chain.pop(), change) if chain and _without_place(chain[-1]) == change.before else change
        if whole.before != whole.after:
            chain.append(whole)
    return Diff(changes=tuple(sorted((change for chain in changes.values() for change in chain), key=sort_key)))


def _without_place(change: RowChange) -> ListView | ItemView | None:
    view = change.after
    return view.model_copy(update={"place": None}) if isinstance(view, ItemView) else view


def _composed(first: RowChange, second: RowChange) -> RowChange:
    after, midway = second.after, first.after
    if isinstance(after, ItemView) and isinstance(midway, ItemView) and after.list_id == midway.list_id:
        after = after.model_copy(update={"place": after.place or midway.place})
    return second.model_copy(update={"before": first.before, "after": after})
