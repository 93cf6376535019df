"""What todo-store answers: `rpc.todo.v1.<verb>`."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from contracts.dialogue import Alias, Question
from contracts.limits import MARK_MAX_CHARS, OPERATIONS_MAX, SEARCH_LIMIT_MAX
from contracts.message import Message
from contracts.operations import Operation
from contracts.text import Title
from contracts.todo import Author, Diff, JournalEntry, TodoItem, TodoList
from contracts.tokens import ChangeId, ItemId, ListId, OperationId, OwnerKey, SessionId

Mark = Annotated[str, Field(min_length=1, max_length=MARK_MAX_CHARS)]
"""The moment of a snapshot, as the store names it. Only the store reads it; it means nothing to another database."""


class SnapshotRequest(Message):
    """`rpc.todo.v1.snapshot`: the owner's rows, read in one REPEATABLE READ transaction.

    With `since` the answer may be a delta: every row that the database has written since that mark, read anew, whoever
    wrote it and whatever the journal says of it. All rows come where that cannot be told, or is too much.
    """

    owner: OwnerKey
    journal_since: int | None = Field(default=None, ge=0, description="also every journal entry after this revision")
    since: Mark | None = Field(default=None, description="the mark of an earlier snapshot that the reader still has")
    trusting: bool = Field(
        default=False, description="with `since`: do not look at the rows where the revision is still the same"
    )
    dialogue: SessionId | None = Field(
        default=None, description="also the owner's aliases, and this session's question"
    )


class Delta(Message):
    """What makes an earlier snapshot this one: take `removed` out, put the rows that came in, and count.

    Rows written since are all here. One that was taken away behind the journal is not in `removed`; then what the
    reader holds is more than `lists` and `items`, and it has to read everything.
    """

    removed: tuple[str, ...] = ()
    lists: int | None = Field(default=None, ge=0, description="all that live now; None where nothing was looked at")
    items: int | None = Field(default=None, ge=0, description="likewise")


class SnapshotPart(Message):
    """One of the messages that answer SnapshotRequest; the last one is marked in its header (`Todo-Last: 1`).

    Every part carries the same revision: they come from one transaction. Rows are in order of position. A journal entry
    with more images than fit in a part goes on in the next one, under the same revision; `joined` puts it together.
    `mark` and `delta` are the same in every part, too, but `removed` comes in the first one only.
    """

    revision: int = Field(ge=0)
    mark: Mark | None = Field(default=None, description="asks for a delta later")
    delta: Delta | None = Field(default=None, description="given where these are only the rows written since")
    lists: tuple[TodoList, ...] = ()
    items: tuple[TodoItem, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    aliases: tuple[Alias, ...] = Field(default=(), description="in the first part, where a dialogue was asked for")
    question: Question | None = Field(default=None, description="likewise: the session's open one, if it has one")


class Snapshot(Message):
    """All parts joined; with `delta`, the rows written since a mark. `journal` is empty where it was not asked for."""

    owner: OwnerKey
    revision: int = Field(ge=0)
    mark: Mark | None = None
    delta: Delta | None = None
    lists: tuple[TodoList, ...] = ()
    items: tuple[TodoItem, ...] = ()
    journal: tuple[JournalEntry, ...] = ()
    aliases: tuple[Alias, ...] = ()
    question: Question | None = None


def joined(journal: Iterable[JournalEntry]) -> tuple[JournalEntry, ...]:
    """The journal of a snapshot's parts, in their order, with entries that were cut between parts made whole again."""
    entries: dict[int, JournalEntry] = {}
    for entry in journal:
        begun = entries.get(entry.revision)
        whole = entry if begun is None else begun.model_copy(update={"images": begun.images + entry.images})
        entries[entry.revision] = whole
    return tuple(entries.values())


class Plan(Message):
    """What a turn decided, kept with its effect so that another worker can confirm it after a crash."""

    understood: tuple[str, ...] = ()
    revision: int = Field(ge=0, description="the state that PLAN read")
    expected: Diff = Diff()


RowVersion = Annotated[int, Field(ge=1)]


class ApplyRequest(Message):
    """`rpc.todo.v1.apply`: all operations in one transaction, or none."""

    owner: OwnerKey
    operation_id: OperationId = Field(description="the turn id, or the id that the client minted")
    attempt: int = Field(default=1, ge=1)
    author: Author
    operations: tuple[Operation, ...] = Field(min_length=1, max_length=OPERATIONS_MAX)
    relies_on: dict[str, RowVersion] = Field(default_factory=dict, description="row id -> the version PLAN saw")
    plan: Plan


class ApplyStatus(StrEnum):
    APPLIED = "applied"
    CONFLICT = "conflict"  # a row it relies on has changed or is gone; nothing was applied
    REFUSED = "refused"  # a rule of the store forbids it (a limit); nothing was applied
    FENCED = "fenced"  # a later attempt has taken over; nothing was applied
    CANCELLED = "cancelled"  # the turn was cancelled before; nothing was applied


class ApplyResult(Message):
    """What became of an operation id. Recorded in the transaction of the change and returned again to a repeat."""

    operation_id: OperationId
    status: ApplyStatus
    attempt: int = Field(ge=1)
    change_id: ChangeId | None = None
    revision_before: int | None = None
    revision_after: int | None = None
    operations: tuple[Operation, ...] = ()
    plan: Plan | None = None
    rows: tuple[str, ...] = Field(default=(), description="with conflict: the rows that changed; with refused: the row")
    reason: str | None = Field(default=None, description="with refused: a code of ours")
    repeated: bool = Field(default=False, description="recorded by an earlier call")


class TakeOverRequest(Message):
    """`rpc.todo.v1.take_over`: what became of this turn? If nothing yet: seal it, so that nothing late can happen."""

    owner: OwnerKey
    operation_id: OperationId
    crashed: bool = Field(default=True, description="the attempt before was not ended by whoever had it; counted")


class TakeOverResult(Message):
    """Either the recorded result, or the number of the attempt that may act now."""

    attempt: int = Field(ge=1)
    result: ApplyResult | None = None
    crashes: int = Field(default=0, ge=0, description="attempts that were begun and not ended")
    cancelled: bool = Field(default=False, description="by its user; nothing will be applied")
    closed: bool = Field(
        default=False, description="it was to be said that nothing was changed; nothing will be applied"
    )


class CancelRequest(Message):
    """`rpc.todo.v1.cancel`: mark a turn, so that a later apply of it is refused."""

    owner: OwnerKey
    operation_id: OperationId
    closing: bool = Field(
        default=False, description="not for its user: because it will be said that nothing was changed"
    )


class CancelResult(Message):
    """`too_late` says that it had been applied already."""

    too_late: bool


class ChangesRequest(Message):
    """`rpc.todo.v1.changes`: journal entries after a revision, oldest first; or one entry, with all of its images.

    With `change_id` or `newest_by` the answer holds that one entry, or none where there is no such change. Where its
    images do not fit in one message, ask again with the change's id and the `images_next` of the answer.
    """

    owner: OwnerKey
    since: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=500)
    change_id: ChangeId | None = Field(default=None, description="this entry alone")
    newest_by: tuple[Author, ...] = Field(default=(), max_length=len(Author), description="their newest entry alone")
    images_from: int = Field(default=0, ge=0, description="of one entry: leave out so many images")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "ChangesRequest":
        if self.change_id is not None and self.newest_by:
            raise ValueError("gives both change_id and newest_by; give one of them")
        return self


class Changes(Message):
    """`revision` is the owner's newest; if the last entry is older, ask again from there."""

    revision: int = Field(ge=0)
    entries: tuple[JournalEntry, ...] = ()
    images_next: int | None = Field(default=None, description="of one entry: its images go on behind so many")


class SearchRequest(Message):
    """`rpc.todo.v1.search`: items whose title or notes hold the words, by the place of their lists and their own.

    All that is given has to be met. Of a moment, the day that counts for `due_before` is that of its own offset.
    """

    owner: OwnerKey
    query: str = Field(default="", max_length=200)
    done: bool | None = None
    list_id: ListId | None = None
    due_before: date | None = Field(default=None, description="due on an earlier day than this")
    item_ids: tuple[ItemId, ...] = Field(default=(), max_length=100, description="only these, where any are given")
    after: ItemId | ListId | None = Field(
        default=None, description="only what stands behind this item, or behind this list and all that is in it"
    )
    limit: int = Field(default=20, ge=1, le=SEARCH_LIMIT_MAX)
    counts: bool = Field(default=False, description="also every list, with how many items it has")


class ListCount(Message):
    """A list and how many items it has, whatever was searched for."""

    id: ListId
    name: Title
    open: int = Field(ge=0)
    done: int = Field(ge=0)


class SearchResult(Message):
    """From one transaction. `total` counts what meets the request, whatever `after` and `limit` leave out."""

    revision: int = Field(ge=0)
    items: tuple[TodoItem, ...] = ()
    lists: tuple[TodoList, ...] = Field(default=(), description="the lists that these items are in")
    total: int = Field(ge=0)
    counts: tuple[ListCount, ...] = Field(default=(), description="in order, where they were asked for")
