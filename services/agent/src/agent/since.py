"""What somebody else has done to our rows between our apply and the second read. Pure."""

from collections.abc import Sequence

from agent import words
from contracts.store import ApplyResult
from contracts.todo import Diff, ItemView, JournalEntry
from verification.observe import Observed


def done_since(observed: Observed, result: ApplyResult, journal: Sequence[JournalEntry]) -> tuple[str, ...]:
    """One sentence, or none: what we did is true, and may not be so any more.

    `journal` is that of the second read.
    """
    ours = {change.id for change in observed.ours.changes}
    # The list of an item, too: without it, or under another name, the item is not where our sentence says.
    ours |= {view.list_id for change in observed.ours.changes if isinstance(view := change.after, ItemView)}
    later = [entry for entry in journal if entry.revision > (result.revision_after or 0)]
    touched = ours & {image.row_id for entry in later for image in entry.images}
    theirs = [
        change
        for change in observed.others.changes
        # With a list goes what was in it: its sentence counts the items.
        if change.id in touched
        or (change.after is None and isinstance(change.before, ItemView) and change.before.list_id in touched)
    ]
    sentences = words.change_sentences(Diff(changes=tuple(theirs)))
    return (f"Since then, by somebody else: {' '.join(sentences)}",) if sentences else ()
