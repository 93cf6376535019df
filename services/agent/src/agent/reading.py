"""An owner's rows as this process reads them: what it read before, with what was written since laid over it.

What is remembered are rows of the database, never dialogue, and nothing is taken from memory that the database was not
asked about: each read is a new transaction that tells what PostgreSQL has written since, and counts the rest
(`verification.overlay`). What does not fit is forgotten and read whole. See docs/decisions/0007.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from agent.lexicon import Lexicon
from agent.store import Store
from contracts.dialogue import Alias, Question
from contracts.store import Snapshot
from contracts.todo import JournalEntry, TodoItem, TodoList
from verification.errors import OverlayError
from verification.overlay import overlaid
from verification.state import State, state_of

log = logging.getLogger(__name__)

KEPT_S: Final = 900.0
"""How long an owner is remembered without being read."""
OWNER_MAX_BYTES: Final = 64 * 1024 * 1024
"""An owner that takes more than this is not remembered, and read whole each time."""
ALL_MAX_BYTES: Final = 192 * 1024 * 1024
ROW_BYTES: Final = 2_600
"""What a row takes in memory with its place in the indexes, beside its text. Measured; see the decision's page."""
LETTER_BYTES: Final = 4


class Rows:
    """One state, and the words of its titles, which are looked up when first asked for."""

    def __init__(self, state: State, lexicon: Lexicon | None = None) -> None:
        self.state = state
        self._lexicon = lexicon

    @property
    def lexicon(self) -> Lexicon:
        """The titles of all items, by their words."""
        if self._lexicon is None:
            self._lexicon = Lexicon((item.id, item.title) for item in self.state.items.values())
        return self._lexicon

    def followed_by(self, later: State, changed: Iterable[str]) -> "Rows":
        """The rows of a later state that differs in these rows at most."""
        if self._lexicon is None:
            return Rows(later)
        titles = {row_id: (_title(self.state, row_id), _title(later, row_id)) for row_id in changed}
        return Rows(later, self._lexicon.with_titles({key: pair for key, pair in titles.items() if pair[0] != pair[1]}))


def _title(state: State, row_id: str) -> str | None:
    item = state.items.get(row_id)
    return None if item is None else item.title


@dataclass(frozen=True)
class Reading:
    """What one read showed. `journal` holds the entries that were asked for, `aliases` and `question` the dialogue."""

    rows: Rows
    journal: tuple[JournalEntry, ...] = ()
    aliases: tuple[Alias, ...] = ()
    question: Question | None = None

    @property
    def state(self) -> State:
        return self.rows.state


@dataclass(frozen=True)
class _Kept:
    mark: str
    rows: Rows
    bytes: int
    until: float


class Memory:
    """The last rows read of each owner, bounded in bytes and in age; the owner that was read longest ago goes first."""

    def __init__(
        self,
        *,
        owner_max_bytes: int = OWNER_MAX_BYTES,
        all_max_bytes: int = ALL_MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owner_max = owner_max_bytes
        self._all_max = all_max_bytes
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0

    def get(self, owner: str) -> _Kept | None:
        self._let_go_of_the_old()
        return self._kept.get(owner)

    def keep(self, owner: str, mark: str, rows: Rows, size: int) -> None:
        self.forget(owner)
        if size > self._owner_max:
            return
        self._kept[owner] = _Kept(mark, rows, size, self._clock() + KEPT_S)
        self._bytes += size
        while self._bytes > self._all_max:
            self.forget(next(iter(self._kept)))

    def forget(self, owner: str) -> None:
        gone = self._kept.pop(owner, None)
        self._bytes -= 0 if gone is None else gone.bytes

    def _let_go_of_the_old(self) -> None:
        # In order of their last read, so the first one that is young ends it.
        while self._kept and next(iter(self._kept.values())).until < self._clock():
            self.forget(next(iter(self._kept)))


@dataclass
class Reader:
    """Reads an owner's rows. One for a process."""

    store: Store
    memory: Memory = field(default_factory=Memory)

    async def read(
        self, owner: str, *, journal_since: int | None = None, trusting: bool = False, dialogue: str | None = None
    ) -> Reading:
        """The rows as they are now, from one transaction, and if it is asked for the journal after a revision, and
        the owner's aliases with the open question of the session `dialogue`.

        `trusting` takes the owner's revision for a sign that nothing was written: for what need not be exact, such as
        what a model is shown. Raises BusError, and SnapshotError where an id occurs twice.
        """
        kept = self.memory.get(owner)
        if kept is None:
            return self._whole(owner, await self.store.snapshot(owner, journal_since=journal_since, dialogue=dialogue))
        snapshot = await self.store.snapshot(
            owner, journal_since=journal_since, since=kept.mark, trusting=trusting, dialogue=dialogue
        )
        if snapshot.delta is None:
            return self._whole(owner, snapshot)
        try:
            state = overlaid(kept.rows.state, snapshot)
        except OverlayError as error:
            # Rows were removed without the journal's knowing, or the mark was not this database's.
            log.warning("what was remembered does not fit; reading all", extra={"revision": error.revision})
            self.memory.forget(owner)
            return self._whole(owner, await self.store.snapshot(owner, journal_since=journal_since, dialogue=dialogue))
        changed = {*snapshot.delta.removed, *(item.id for item in snapshot.items)}
        rows = kept.rows.followed_by(state, changed)
        grown = _size(snapshot.lists, snapshot.items) - _size((), _present(kept.rows.state, changed))
        self.memory.keep(owner, snapshot.mark or kept.mark, rows, max(0, kept.bytes + grown))
        return Reading(rows, snapshot.journal, snapshot.aliases, snapshot.question)

    def _whole(self, owner: str, snapshot: Snapshot) -> Reading:
        rows = Rows(state_of(snapshot))
        if snapshot.mark is not None:
            self.memory.keep(owner, snapshot.mark, rows, _size(snapshot.lists, snapshot.items))
        return Reading(rows, snapshot.journal, snapshot.aliases, snapshot.question)


def _present(state: State, ids: Iterable[str]) -> list[TodoItem]:
    return [item for row_id in ids if (item := state.items.get(row_id)) is not None]


def _size(lists: Iterable[TodoList], items: Iterable[TodoItem]) -> int:
    """What these rows take in memory, about, in bytes."""
    names = sum(ROW_BYTES + LETTER_BYTES * len(row.name) for row in lists)
    return names + sum(ROW_BYTES + LETTER_BYTES * (len(item.title) + len(item.notes)) for item in items)
