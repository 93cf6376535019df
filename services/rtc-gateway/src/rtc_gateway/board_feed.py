"""One owner's journal as this gateway knows it, without gap or repeat and bounded, and how far each page is. Pure.

Entries come from events, which may be lost, and from answers of `changes`, which are asked for where some are missing.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from contracts.channel import StateChanged, StateStale
from contracts.store import Changes
from contracts.todo import JournalEntry

KEPT_ENTRIES: Final = 256
KEPT_BYTES: Final = 1024 * 1024
"""Of JSON; what a page that is further behind gets is the word to read the state again."""


@dataclass(frozen=True)
class Ask:
    """What to ask `changes` for: entries after `since`. The rest says what was known when it was asked."""

    since: int
    newest: int
    life: int


class _Kept:
    """Entries by revision, bounded by count and by bytes."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[JournalEntry, int]] = {}
        self.bytes = 0

    def full(self, size: int) -> bool:
        return len(self.entries) >= KEPT_ENTRIES or self.bytes + size > KEPT_BYTES

    def put(self, entry: JournalEntry, size: int) -> None:
        self.drop(entry.revision)
        self.entries[entry.revision] = (entry, size)
        self.bytes += size

    def drop(self, revision: int) -> tuple[JournalEntry, int] | None:
        found = self.entries.pop(revision, None)
        if found is not None:
            self.bytes -= found[1]
        return found

    def clear(self) -> None:
        self.entries.clear()
        self.bytes = 0


class BoardFeed:
    """The newest entries of one owner. `at` is the revision up to which nothing is missing; None until one is known."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.life = 0
        """Rises when the owner's revisions have begun anew, since the owner was forgotten."""
        self._newest = 0
        self._order: deque[int] = deque()  # the revisions of `_kept`: without a gap, up to `at`
        self._kept = _Kept()
        self._ahead = _Kept()  # behind a gap

    @property
    def start(self) -> int:
        """The revision after which every entry up to `at` is kept."""
        return (self.at or 0) - len(self._order)

    @property
    def behind(self) -> bool:
        """Whether something is known to be missing."""
        return self.at is not None and self._newest > self.at

    @property
    def held_bytes(self) -> int:
        """What all kept entries take, as JSON."""
        return self._kept.bytes + self._ahead.bytes

    def entry(self, revision: int) -> JournalEntry:
        """One of those after `start` up to `at`."""
        return self._kept.entries[revision][0]

    def take(self, entry: JournalEntry, size: int) -> None:
        """An entry, of `size` bytes: the next one, a repeat, or one behind a gap."""
        if self.at is None:
            self.at = entry.revision - 1
        if entry.revision <= self.at:
            known = self._kept.entries.get(entry.revision)
            if known is not None and known[0].change_id != entry.change_id:
                self._begin_anew(None)
            return
        self._newest = max(self._newest, entry.revision)
        if entry.revision == self.at + 1:
            self._follow(entry, size)
            while (held := self._ahead.drop(self.at + 1)) is not None:
                self._follow(*held)
        elif not self._ahead.full(size):
            self._ahead.put(entry, size)  # what has no room is asked for with the gap

    def read_at(self, revision: int) -> None:
        """A page has read the rows as of `revision`, and needs everything after it."""
        self._newest = max(self._newest, revision)
        if self.at is None:
            self.at = revision
        elif revision < self.start:
            # Its answer took so long that the entries after it are not kept any more.
            self._jump(revision)

    def ask(self) -> Ask | None:
        """What to ask for, whether or not something is known to be missing; None before anybody needs anything."""
        return None if self.at is None else Ask(self.at, self._newest, self.life)

    def answer(self, ask: Ask, changes: Changes) -> None:
        """Take what came back."""
        if self.at is None or ask.life != self.life:
            return
        if changes.revision < ask.newest:
            self._begin_anew(changes.revision)
            return
        self._newest = max(self._newest, changes.revision)
        before = self.at
        if changes.revision - before > KEPT_ENTRIES:
            self._jump(changes.revision)
            return
        for entry in changes.entries:
            self.take(entry, len(entry.to_json()))
        if ask.since == before == self.at and changes.revision > before:
            self._jump(changes.revision)  # there is more, and it is not to be had

    def _follow(self, entry: JournalEntry, size: int) -> None:
        while self._order and self._kept.full(size):
            self._kept.drop(self._order.popleft())
        self._kept.put(entry, size)
        self._order.append(entry.revision)
        self.at = entry.revision

    def _jump(self, revision: int) -> None:
        self._kept.clear()
        self._order.clear()
        self.at = revision
        self._newest = max(self._newest, revision)
        for held in [number for number in self._ahead.entries if number <= revision]:
            self._ahead.drop(held)
        while (next_one := self._ahead.drop(revision + 1)) is not None:
            self._follow(*next_one)
            revision += 1

    def _begin_anew(self, revision: int | None) -> None:
        self.life += 1
        self._ahead.clear()
        self._newest = 0
        self._jump(revision or 0)
        self.at = revision


class PageBoard:
    """How far one page is. It is told what it can take, when it can take it: a slow one costs a number."""

    def __init__(self, feed: BoardFeed) -> None:
        self._feed = feed
        self._life = feed.life
        self._told = feed.at

    def loaded(self, revision: int) -> None:
        """The page is about to get the rows as of `revision`."""
        self._feed.read_at(revision)
        # Also what it was told while the rows were read: a repeat costs it nothing, a hole another state.get.
        self._life, self._told = self._feed.life, revision

    @property
    def waiting(self) -> bool:
        """Whether there is something to tell."""
        feed = self._feed
        return self._life != feed.life or (feed.at is not None and feed.at > self._from())

    def next(self) -> StateChanged | StateStale | None:
        """The next thing to tell the page; None once it has everything. What it cannot be told any more is passed
        over, with one word."""
        feed = self._feed
        if not self.waiting:
            return None
        told = self._from()
        if self._life != feed.life or told < feed.start:
            self._life, self._told = feed.life, feed.at
            return StateStale(revision=feed.at or 0)
        self._told = told + 1
        return StateChanged(entry=feed.entry(self._told))

    def _from(self) -> int:
        return self._feed.start if self._told is None else self._told
