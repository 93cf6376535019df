"""The journal as a way from one state to another, forwards and backwards."""

from collections.abc import Iterable, Iterator, Sequence

from contracts.store import Snapshot
from contracts.todo import Image, JournalEntry
from verification.errors import HistoryError
from verification.rows import same
from verification.state import Row, State, state_of


def between(journal: Iterable[JournalEntry], since: int, until: int) -> tuple[JournalEntry, ...]:
    """The entries after revision `since` up to `until`, oldest first. Raises HistoryError if one of them is missing.

    A long entry may come in pieces, as it was cut into messages; they are joined.
    """
    if since > until:
        raise HistoryError(until, f"is older than the state at {since} that it should follow; read again")
    entries: dict[int, JournalEntry] = {}
    for piece in journal:
        if since < piece.revision <= until:
            whole = entries.get(piece.revision)
            entries[piece.revision] = piece if whole is None else _joined(whole, piece)
    for revision in range(since + 1, until + 1):
        if revision not in entries:
            raise HistoryError(revision, "is missing from the journal; read it again from the older state on")
    return tuple(entries[revision] for revision in range(since + 1, until + 1))


def _joined(whole: JournalEntry, piece: JournalEntry) -> JournalEntry:
    if piece.change_id != whole.change_id:
        raise HistoryError(piece.revision, "stands for two changes in the journal; read it again")
    images, truncated = whole.images + piece.images, whole.truncated or piece.truncated
    return whole.model_copy(update={"images": images, "truncated": truncated})


def _images(entries: Iterable[JournalEntry]) -> Iterator[Image]:
    for entry in entries:
        if entry.truncated:
            raise HistoryError(entry.revision, "has lost its images; read the journal with a snapshot")
        yield from entry.images


def rewind(after: Snapshot | State, journal: Sequence[JournalEntry], to: int | None = None) -> State:
    """The state before the journal's entries, or at revision `to`: PLAN's rows, when only CONFIRM's are at hand.

    The entries must reach up to the state's revision, with their images and without a gap (HistoryError). Needed after
    a crash; where PLAN's own rows are known they are the better witness, as they owe nothing to the journal.
    """
    state = state_of(after)
    if to is None:
        to = min((entry.revision for entry in journal), default=state.revision + 1) - 1
    entries = between(journal, to, state.revision)
    images = reversed(list(_images(entries)))
    return _walk(state, to, ((image.row_id, image.after, image.before) for image in images))


def replay(before: State, entries: Sequence[JournalEntry]) -> State:
    """The state after these entries, which follow it without a gap."""
    to = entries[-1].revision if entries else before.revision
    return _walk(before, to, ((image.row_id, image.before, image.after) for image in _images(entries)))


def _walk(state: State, to: int, steps: Iterable[tuple[str, Row | None, Row | None]]) -> State:
    """Go image by image: (row id, the side that should be there, the side to put in its place).

    Where something else is there, rows and journal contradict each other. Then the row as it was read is kept: what the
    journal cannot explain must show, and shows as part of our own change.
    """
    rows: dict[str, Row | None] = {}
    contradicted: set[str] = set()
    for row_id, near, far in steps:
        standing = rows[row_id] if row_id in rows else state.row(row_id)
        if not same(standing, near):
            contradicted.add(row_id)
        rows[row_id] = far
    return state.with_rows(to, {row_id: row for row_id, row in rows.items() if row_id not in contradicted})
