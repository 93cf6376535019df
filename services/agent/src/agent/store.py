"""The to-do store as the agent asks for it: typed calls over the bus."""

from typing import Final, Protocol

from bus.interface import Bus
from contracts import subjects
from contracts.dialogue import Alias, Question, Remembered, RememberRequest
from contracts.store import (
    ApplyRequest,
    ApplyResult,
    CancelRequest,
    CancelResult,
    Changes,
    ChangesRequest,
    Delta,
    Snapshot,
    SnapshotPart,
    SnapshotRequest,
    TakeOverRequest,
    TakeOverResult,
    joined,
)
from contracts.todo import Author, JournalEntry, TodoItem, TodoList

READ_TIMEOUT_S: Final = 10.0
WRITE_TIMEOUT_S: Final = 10.0


class Store(Protocol):
    """Raises bus.errors.BusError as Bus.request does."""

    async def snapshot(
        self,
        owner: str,
        *,
        journal_since: int | None = None,
        since: str | None = None,
        trusting: bool = False,
        dialogue: str | None = None,
    ) -> Snapshot:
        """All rows, or with the mark of an earlier snapshot perhaps a delta. See contracts.store.SnapshotRequest."""

    async def apply(self, request: ApplyRequest) -> ApplyResult: ...

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult: ...

    async def cancel(self, owner: str, operation_id: str) -> bool:
        """Keep everything from being applied under this id from now on. True: too late, it has been applied."""

    async def close(self, owner: str, operation_id: str) -> bool:
        """The same, not because its user wants it so, but since it will be said that nothing was changed."""

    async def change(self, owner: str, change_id: str) -> JournalEntry | None:
        """A change with all of its images; None where the owner's journal does not hold it."""

    async def newest_change(self, owner: str, authors: tuple[Author, ...]) -> JournalEntry | None:
        """The newest change that came through one of these doors, with all of its images."""

    async def remember(self, request: RememberRequest) -> Remembered:
        """Take, keep and learn what a dialogue needs."""


class BusStore:
    """The Store that todo-store serves."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def snapshot(
        self,
        owner: str,
        *,
        journal_since: int | None = None,
        since: str | None = None,
        trusting: bool = False,
        dialogue: str | None = None,
    ) -> Snapshot:
        request = SnapshotRequest(
            owner=owner, journal_since=journal_since, since=since, trusting=trusting, dialogue=dialogue
        )
        aliases: tuple[Alias, ...] = ()
        question: Question | None = None
        revision = 0
        mark: str | None = None
        delta: Delta | None = None
        lists: list[TodoList] = []
        items: list[TodoItem] = []
        journal: list[JournalEntry] = []
        parts = self._bus.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=READ_TIMEOUT_S)
        async for part in parts:
            revision, mark = part.revision, part.mark
            delta = delta or part.delta  # of several parts the first one has all of it
            lists.extend(part.lists)
            items.extend(part.items)
            journal.extend(part.journal)
            aliases += part.aliases
            question = question or part.question
        return Snapshot(
            owner=owner,
            revision=revision,
            mark=mark,
            delta=delta,
            lists=tuple(lists),
            items=tuple(items),
            journal=joined(journal),
            aliases=aliases,
            question=question,
        )

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        return await self._bus.request(subjects.TODO_APPLY, request, ApplyResult, timeout=WRITE_TIMEOUT_S)

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult:
        request = TakeOverRequest(owner=owner, operation_id=operation_id, crashed=crashed)
        return await self._bus.request(subjects.TODO_TAKE_OVER, request, TakeOverResult, timeout=WRITE_TIMEOUT_S)

    async def cancel(self, owner: str, operation_id: str) -> bool:
        return await self._bar(CancelRequest(owner=owner, operation_id=operation_id))

    async def close(self, owner: str, operation_id: str) -> bool:
        return await self._bar(CancelRequest(owner=owner, operation_id=operation_id, closing=True))

    async def _bar(self, request: CancelRequest) -> bool:
        return (await self._bus.request(subjects.TODO_CANCEL, request, CancelResult, timeout=WRITE_TIMEOUT_S)).too_late

    async def change(self, owner: str, change_id: str) -> JournalEntry | None:
        return await self._one_change(ChangesRequest(owner=owner, change_id=change_id))

    async def newest_change(self, owner: str, authors: tuple[Author, ...]) -> JournalEntry | None:
        return await self._one_change(ChangesRequest(owner=owner, newest_by=authors))

    async def remember(self, request: RememberRequest) -> Remembered:
        return await self._bus.request(subjects.TODO_REMEMBER, request, Remembered, timeout=WRITE_TIMEOUT_S)

    async def _one_change(self, request: ChangesRequest) -> JournalEntry | None:
        found = await self._changes(request)
        pieces = list(found.entries)
        while pieces and found.images_next is not None:
            # By its id from here on: what is newest may be another one by now.
            more = ChangesRequest(owner=request.owner, change_id=pieces[0].change_id, images_from=found.images_next)
            found = await self._changes(more)
            pieces += found.entries
        return next(iter(joined(pieces)), None)

    async def _changes(self, request: ChangesRequest) -> Changes:
        return await self._bus.request(subjects.TODO_CHANGES, request, Changes, timeout=READ_TIMEOUT_S)
