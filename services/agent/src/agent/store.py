"""The to-do store as the agent asks for it: typed calls over the bus."""

from typing import Final, Protocol

from bus.interface import Bus
from contracts import subjects
from contracts.store import (
    ApplyRequest,
    ApplyResult,
    Snapshot,
    SnapshotPart,
    SnapshotRequest,
    TakeOverRequest,
    TakeOverResult,
    joined,
)
from contracts.todo import JournalEntry, TodoItem, TodoList

READ_TIMEOUT_S: Final = 10.0
WRITE_TIMEOUT_S: Final = 10.0


class Store(Protocol):
    """Raises bus.errors.BusError as Bus.request does."""

    async def snapshot(self, owner: str, *, journal_since: int | None = None) -> Snapshot: ...

    async def apply(self, request: ApplyRequest) -> ApplyResult: ...

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult: ...


class BusStore:
    """The Store that todo-store serves."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def snapshot(self, owner: str, *, journal_since: int | None = None) -> Snapshot:
        request = SnapshotRequest(owner=owner, journal_since=journal_since)
        revision = 0
        lists: list[TodoList] = []
        items: list[TodoItem] = []
        journal: list[JournalEntry] = []
        parts = self._bus.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=READ_TIMEOUT_S)
        async for part in parts:
            revision = part.revision
            lists.extend(part.lists)
            items.extend(part.items)
            journal.extend(part.journal)
        return Snapshot(owner=owner, revision=revision, lists=tuple(lists), items=tuple(items), journal=joined(journal))

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        return await self._bus.request(subjects.TODO_APPLY, request, ApplyResult, timeout=WRITE_TIMEOUT_S)

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult:
        request = TakeOverRequest(owner=owner, operation_id=operation_id, crashed=crashed)
        return await self._bus.request(subjects.TODO_TAKE_OVER, request, TakeOverResult, timeout=WRITE_TIMEOUT_S)
