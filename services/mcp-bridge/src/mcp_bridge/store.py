"""What the bridge asks over the bus: to run operations, and to read. Patient with what comes back within seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from bus.errors import BusError
from bus.interface import Bus
from contracts import subjects
from contracts.message import ErrorCode, Message, Problem
from contracts.operations import Operation
from contracts.store import Changes, ChangesRequest, SearchRequest, SearchResult
from contracts.todo import Author
from contracts.turns import OperationsCompleted, Outcome, RunOperations
from mcp_bridge.link import BusSource, NoStackError

PATIENCE_S: Final = 10.0
"""How long one call goes on asking while parts of the stack are away; a restart is shorter."""
ANSWER_S: Final = 8.0
RETRY_MIN_S: Final = 0.1
RETRY_MAX_S: Final = 1.0

ReplyT = TypeVar("ReplyT", bound=Message)

_IN_DOUBT: Final = frozenset({ErrorCode.TIMEOUT, ErrorCode.INTERNAL})
"""After these it may have been done all the same."""


class AwayError(Exception):
    """It could not be had in time. `in_doubt`: what was asked for may have been done all the same."""

    def __init__(self, problem: Problem, *, in_doubt: bool) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.in_doubt = in_doubt


class RefusedError(Exception):
    """It was answered that it will not be done, and would not be at another time."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass(frozen=True)
class Store:
    """One owner's lists, through the bus. Every method raises AwayError and RefusedError."""

    source: BusSource
    owner: str
    patience_s: float = PATIENCE_S

    async def search(self, request: SearchRequest) -> SearchResult:
        return await self._read(subjects.TODO_SEARCH, request, SearchResult)

    async def changes(self, request: ChangesRequest) -> Changes:
        return await self._read(subjects.TODO_CHANGES, request, Changes)

    async def run(
        self, operation: Operation, operation_id: str, *, expected_revision: int | None = None
    ) -> OperationsCompleted:
        """Have an operation carried out and confirmed, once for its id, however often it has to be asked for."""
        asked = RunOperations(
            owner=self.owner,
            operation_id=operation_id,
            author=Author.MCP,
            operations=(operation,),
            expected_revision=expected_revision,
        )

        async def ask(bus: Bus, timeout: float) -> OperationsCompleted:
            return await bus.request(subjects.OPS_RUN, asked, OperationsCompleted, timeout=timeout)

        return await self._patiently(ask, lambda done: done.outcome is Outcome.UNKNOWN)

    async def _read(self, subject: str, request: Message, reply: type[ReplyT]) -> ReplyT:
        async def ask(bus: Bus, timeout: float) -> ReplyT:
            return await bus.request(subject, request, reply, timeout=timeout)

        return await self._patiently(ask, lambda _: False)

    async def _patiently(
        self, ask: Callable[[Bus, float], Awaitable[ReplyT]], open_ended: Callable[[ReplyT], bool]
    ) -> ReplyT:
        until, delay, in_doubt = time.monotonic() + self.patience_s, RETRY_MIN_S, False
        while True:
            left = until - time.monotonic()
            try:
                bus = await self.source.bus(left)
                answer = await ask(bus, min(ANSWER_S, left))
                if not open_ended(answer) or until - time.monotonic() < delay:
                    return answer
                in_doubt = True
            except BusError as error:
                in_doubt = in_doubt or error.problem.code in _IN_DOUBT
                if not error.passing:
                    raise RefusedError(error.problem) from error
                if until - time.monotonic() < delay or isinstance(error, NoStackError):
                    raise AwayError(error.problem, in_doubt=in_doubt) from error
            await asyncio.sleep(delay)
            delay = min(2 * delay, RETRY_MAX_S)
