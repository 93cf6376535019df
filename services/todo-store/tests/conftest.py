"""The store on a real PostgreSQL, as one owner sees it. The servers and the migrated database are the root's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from contracts.operations import Operation
from contracts.store import (
    ApplyRequest,
    ApplyResult,
    ApplyStatus,
    CancelRequest,
    Changes,
    ChangesRequest,
    Plan,
    Snapshot,
    SnapshotPart,
    SnapshotRequest,
    TakeOverRequest,
    TakeOverResult,
    joined,
)
from contracts.todo import Author, TodoItem
from contracts.tokens import owner_key, uuid7
from todo_store import sessions
from todo_store.handlers import Handlers
from todo_store.sessions import Database
from todo_store.settings import Settings


@pytest.fixture(scope="module")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The store's own pool on that database."""
    async with sessions.database(Settings(database_url=SecretStr(database_url))) as opened:
        yield opened


@dataclass
class Store:
    """The store as one owner sees it, without a bus."""

    handlers: Handlers
    owner: str
    commits: list[str]

    async def apply(
        self,
        *operations: Operation,
        operation_id: str | None = None,
        attempt: int = 1,
        relies_on: dict[str, int] | None = None,
        author: Author = Author.BOARD,
    ) -> ApplyResult:
        request = ApplyRequest(
            owner=self.owner,
            operation_id=operation_id or uuid7(),
            attempt=attempt,
            author=author,
            operations=operations,
            relies_on=relies_on or {},
            plan=Plan(understood=("as asked",), revision=0),
        )
        return await self.handlers.apply(request)

    async def do(self, *operations: Operation) -> ApplyResult:
        """Apply what must succeed."""
        result = await self.apply(*operations)
        assert result.status is ApplyStatus.APPLIED, result
        return result

    async def parts(
        self, journal_since: int | None = None, since: str | None = None, *, trusting: bool = False
    ) -> list[SnapshotPart]:
        request = SnapshotRequest(owner=self.owner, journal_since=journal_since, since=since, trusting=trusting)
        return [part async for part in self.handlers.snapshot(request)]

    async def snapshot(self, journal_since: int | None = None) -> Snapshot:
        """All rows, without the mark, so that two moments at which they are the same are equal."""
        return (await self.marked(journal_since)).model_copy(update={"mark": None})

    async def marked(
        self, journal_since: int | None = None, since: str | None = None, *, trusting: bool = False
    ) -> Snapshot:
        """All rows, or a delta, with the mark to ask for the next one by."""
        parts = await self.parts(journal_since, since, trusting=trusting)
        assert len({(part.revision, part.mark, part.delta is None) for part in parts}) == 1
        return Snapshot(
            owner=self.owner,
            revision=parts[0].revision,
            mark=parts[0].mark,
            delta=parts[0].delta,
            lists=tuple(row for part in parts for row in part.lists),
            items=tuple(row for part in parts for row in part.items),
            journal=joined(entry for part in parts for entry in part.journal),
        )

    async def item(self, item_id: str) -> TodoItem:
        return next(item for item in (await self.snapshot()).items if item.id == item_id)

    async def take_over(self, operation_id: str, *, crashed: bool = True) -> TakeOverResult:
        request = TakeOverRequest(owner=self.owner, operation_id=operation_id, crashed=crashed)
        return await self.handlers.take_over(request)

    async def cancel(self, operation_id: str, *, closing: bool = False) -> bool:
        request = CancelRequest(owner=self.owner, operation_id=operation_id, closing=closing)
        return (await self.handlers.cancel(request)).too_late

    async def changes(self, since: int, limit: int = 100) -> Changes:
        return await self.handlers.changes(ChangesRequest(owner=self.owner, since=since, limit=limit))

    def other(self) -> "Store":
        """The same store, for another owner."""
        return Store(self.handlers, new_owner(), self.commits)


def new_owner() -> str:
    return owner_key("test", uuid7())


@pytest.fixture
def store(database: Database) -> Store:
    """The store for an owner that was never seen."""
    commits: list[str] = []
    return Store(Handlers(database, lambda: commits.append("commit")), new_owner(), commits)
