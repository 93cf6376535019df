"""What the service answers: a typed message in, a typed message out. Knows nothing of subjects or connections.

Every transaction begins and ends here. A request that cannot be answered is refused with its Problem.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from bus.errors import Refusal
from bus.metering import Histogram
from bus.tracing import TRACEPARENT, inject
from contracts.dialogue import Remembered, RememberRequest
from contracts.message import ErrorCode
from contracts.metrics import STORE_DURATION
from contracts.store import (
    ApplyRequest,
    ApplyResult,
    ApplyStatus,
    CancelRequest,
    CancelResult,
    Changes,
    ChangesRequest,
    SearchRequest,
    SearchResult,
    SnapshotPart,
    SnapshotRequest,
    TakeOverRequest,
    TakeOverResult,
)
from runtime.crash import crash_point
from todo_store import applying, reading, remembering
from todo_store.errors import StoreError, problem_of_fault
from todo_store.sessions import Database

log = logging.getLogger(__name__)

_DURATION: Final = Histogram(STORE_DURATION)


class Handlers:
    """The verbs of `rpc.todo.v1`. `committed` is called after each commit that the journal shows."""

    def __init__(self, database: Database, committed: Callable[[], None]) -> None:
        self._database = database
        self._committed = committed

    async def snapshot(self, request: SnapshotRequest) -> AsyncGenerator[SnapshotPart]:
        with _answering("snapshot"):
            async with self._database.reading() as session:
                async for part in reading.snapshot(session, request):
                    yield part

    async def changes(self, request: ChangesRequest) -> Changes:
        with _answering("changes"):
            async with self._database.reading() as session:
                return await reading.changes(session, request)

    async def search(self, request: SearchRequest) -> SearchResult:
        with _answering("search"):
            async with self._database.reading() as session:
                return await reading.find(session, request)

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        with _answering("apply") as labels:
            async with self._database.writing() as session:
                result = await applying.apply(session, request, traceparent=inject({}).get(TRACEPARENT))
                effective = result.status is ApplyStatus.APPLIED and not result.repeated
                if effective:
                    crash_point("before_apply_commit")
            if effective:
                crash_point("after_apply_commit")
                self._committed()
            labels["result"] = result.status.value
            return result

    async def take_over(self, request: TakeOverRequest) -> TakeOverResult:
        with _answering("take_over"):
            async with self._database.writing() as session:
                taken = await applying.take_over(session, request)
                crash_point("before_take_over_commit")
            crash_point("after_take_over_commit")
            return taken

    async def cancel(self, request: CancelRequest) -> CancelResult:
        with _answering("cancel"):
            async with self._database.writing() as session:
                return await applying.cancel(session, request)

    async def remember(self, request: RememberRequest) -> Remembered:
        with _answering("remember"):
            async with self._database.writing() as session:
                return await remembering.remember(session, request)


@contextmanager
def _answering(operation: str) -> Iterator[dict[str, str]]:
    """Turn the store's errors, and the database's absence, into the Problem that the caller gets; and time it all, by
    the labels that are given out."""
    labels = {"operation": operation, "result": "ok"}
    with _DURATION.timing(labels):
        try:
            yield labels
        except StoreError as error:
            labels["result"] = error.problem.code.value
            raise Refusal(error.problem) from error
        except Exception as error:
            problem = problem_of_fault(error)
            labels["result"] = (problem.code if problem else ErrorCode.INTERNAL).value
            if problem is None:
                raise
            log.warning("database fault", extra={"error_type": type(error).__qualname__, "code": problem.code.value})
            raise Refusal(problem) from error
