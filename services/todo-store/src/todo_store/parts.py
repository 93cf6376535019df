"""Cutting what was read into messages that the bus can carry: bounded in rows and in bytes. Pure."""

from collections.abc import Iterator
from typing import Final

from contracts.dialogue import Alias, Question
from contracts.limits import BUS_PAYLOAD_MAX_BYTES, SNAPSHOT_PART_ROWS
from contracts.message import Message
from contracts.store import Delta, SnapshotPart
from contracts.todo import Image, JournalEntry, TodoItem, TodoList

PART_MAX_BYTES: Final = BUS_PAYLOAD_MAX_BYTES * 3 // 4


class Parts:
    """Collects rows and gives out a SnapshotPart whenever one is full. `delta` is said where they are not all rows."""

    def __init__(self, revision: int, mark: str, delta: Delta | None = None) -> None:
        self._revision = revision
        self._mark = mark
        self._delta = delta
        self._begun = False
        # Beside the first part's rows: both are bounded, and fit in what PART_MAX_BYTES leaves free.
        self.aliases: tuple[Alias, ...] = ()
        self.question: Question | None = None
        self._clear()

    def _clear(self) -> None:
        self._rows = 0
        self._bytes = 0 if self._delta is None else len(self._delta.to_json())
        self._lists: list[TodoList] = []
        self._items: list[TodoItem] = []
        self._journal: list[JournalEntry] = []

    def add(self, row: TodoList | TodoItem) -> Iterator[SnapshotPart]:
        """Take a row; yields the part before it if that is full."""
        yield from self._make_room(row)
        if isinstance(row, TodoList):
            self._lists.append(row)
        else:
            self._items.append(row)

    def add_piece(self, entry: JournalEntry, image: Image | None) -> Iterator[SnapshotPart]:
        """Take one image of an entry; an entry that is cut goes on in the next part."""
        yield from self._make_room(entry if image is None else image)
        images = () if image is None else (image,)
        last = self._journal[-1] if self._journal else None
        if last is not None and last.revision == entry.revision:
            self._journal[-1] = last.model_copy(update={"images": last.images + images})
        else:
            self._bytes += 0 if image is None else len(entry.to_json())
            self._journal.append(entry.model_copy(update={"images": images}))

    def rest(self) -> Iterator[SnapshotPart]:
        """The last part. The first one is given out even if it is empty: it tells the revision."""
        if self._rows or not self._begun:
            yield self._part()

    def _make_room(self, message: Message) -> Iterator[SnapshotPart]:
        size = len(message.to_json()) + 1
        if self._rows and (self._rows >= SNAPSHOT_PART_ROWS or self._bytes + size > PART_MAX_BYTES):
            yield self._part()
            self._clear()
        self._rows += 1
        self._bytes += size

    def _part(self) -> SnapshotPart:
        first, self._begun = not self._begun, True
        delta = self._delta
        if delta is not None and delta.removed:
            self._delta = delta.model_copy(update={"removed": ()})
        return SnapshotPart(
            revision=self._revision,
            mark=self._mark,
            delta=delta,
            lists=tuple(self._lists),
            items=tuple(self._items),
            journal=tuple(self._journal),
            aliases=self.aliases if first else (),
            question=self.question if first else None,
        )


class Entries:
    """Collects whole journal entries for one message; an entry that alone would be too long loses its images."""

    def __init__(self) -> None:
        self._whole: list[JournalEntry] = []
        self._open: JournalEntry | None = None
        self._images: list[Image] = []
        self._bytes = 0
        self.full = False

    def add(self, entry: JournalEntry, image: Image | None) -> None:
        """Take one image of an entry. Once `full`, nothing more is taken."""
        if self._open is None or self._open.revision != entry.revision:
            self._close()
            self._open = entry
            self._bytes += len(entry.to_json())
        self._bytes += 0 if image is None else len(image.to_json()) + 1
        if self._bytes > PART_MAX_BYTES:
            self.full = True
            if not self._whole:
                self._whole = [entry.model_copy(update={"truncated": True})]
            self._open = None
        elif image is not None:
            self._images.append(image)

    def done(self) -> tuple[JournalEntry, ...]:
        self._close()
        return tuple(self._whole)

    def _close(self) -> None:
        if self._open is not None:
            self._whole.append(self._open.model_copy(update={"images": tuple(self._images)}))
        self._open = None
        self._images = []


class Page:
    """Collects as many images of one entry as fit in one message, behind the first `skipped` ones."""

    def __init__(self, skipped: int) -> None:
        self._skipped = skipped
        self._seen = 0
        self._bytes = 0
        self._entry: JournalEntry | None = None
        self._images: list[Image] = []
        self.full = False

    @property
    def next(self) -> int | None:
        """How many images stand before the next page; None where this is the last one."""
        return self._skipped + len(self._images) if self.full else None

    def add(self, entry: JournalEntry, image: Image | None) -> None:
        """Take the entry's next image. Once `full`, nothing more is taken."""
        self._entry = entry
        self._seen += 1
        if image is None or self._seen <= self._skipped:
            return
        self._bytes += len(image.to_json()) + 1
        # One image always fits: a row is at most some tens of kilobytes.
        if self._images and self._bytes > PART_MAX_BYTES:
            self.full = True
        else:
            self._images.append(image)

    def entries(self) -> tuple[JournalEntry, ...]:
        """The entry with this page's images; none where there was no entry."""
        return () if self._entry is None else (self._entry.model_copy(update={"images": tuple(self._images)}),)
