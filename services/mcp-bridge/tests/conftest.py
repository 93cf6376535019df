"""The bridge on a bus within the process, and a client of the SDK's on it. What answers is scripted by the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from mcp import Client

from bus.memory_bus import MemoryBus
from contracts import subjects
from contracts.message import Message
from contracts.store import Changes, ChangesRequest, ListCount, SearchRequest, SearchResult
from contracts.turns import OperationsCompleted, Outcome, Receipt, RunOperations, Verdict
from mcp_bridge import store
from mcp_bridge.callers import Caller
from mcp_bridge.link import Fixed
from mcp_bridge.server import Bridge
from mcp_bridge.tools import offered

OWNER = "a" * 26
LISTS = (ListCount(id="la", name="Groceries", open=0, done=0), ListCount(id="lb", name="Work", open=0, done=0))


def confirmed(asked: RunOperations) -> OperationsCompleted:
    receipt = Receipt(verdict=Verdict.CONFIRMED, change_id="c17", revision_before=1, revision_after=2)
    return OperationsCompleted(
        operation_id=asked.operation_id, outcome=Outcome.CONFIRMED, text="Did it.", receipt=receipt
    )


def found_nothing(asked: SearchRequest) -> SearchResult:
    return SearchResult(revision=1, total=0, counts=LISTS if asked.counts else ())


@dataclass
class Stack:
    """What the bridge asks, and how it is answered: an exception is raised, a function called with the request."""

    bus: MemoryBus = field(default_factory=MemoryBus)
    asked: list[Message] = field(default_factory=list)
    on_run: Callable[[RunOperations], OperationsCompleted | Awaitable[OperationsCompleted]] = confirmed
    on_search: Callable[[SearchRequest], SearchResult] = found_nothing
    lists: tuple[ListCount, ...] = LISTS

    @staticmethod
    def confirm(asked: RunOperations) -> OperationsCompleted:
        return confirmed(asked)

    @property
    def ran(self) -> list[RunOperations]:
        return [one for one in self.asked if isinstance(one, RunOperations)]

    async def run(self, asked: RunOperations) -> OperationsCompleted:
        self.asked.append(asked)
        done = self.on_run(asked)
        return done if isinstance(done, OperationsCompleted) else await done

    async def search(self, asked: SearchRequest) -> SearchResult:
        self.asked.append(asked)
        return self.on_search(asked)

    async def changes(self, asked: ChangesRequest) -> Changes:
        self.asked.append(asked)
        return Changes(revision=0)


@pytest.fixture
async def stack() -> AsyncIterator[Stack]:
    stack = Stack()
    await stack.bus.serve(subjects.OPS_RUN, RunOperations, stack.run, queue="ops")
    await stack.bus.serve(subjects.TODO_SEARCH, SearchRequest, stack.search, queue="todo")
    await stack.bus.serve(subjects.TODO_CHANGES, ChangesRequest, stack.changes, queue="todo")
    yield stack
    await stack.bus.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that give up after tenths of a second."""
    monkeypatch.setattr(store.Store.__init__, "__defaults__", (1.0,))
    monkeypatch.setattr(store, "ANSWER_S", 0.5)


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[Client]:
    bridge = Bridge(Fixed(stack.bus), offered(), lambda _: Caller(OWNER))
    async with Client(bridge.server()) as client:
        yield client


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Client]:
    """Held by a task of its own: what it enters has to be left by the task that entered it."""
    ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def hold() -> None:
        async with connected(stack) as client:
            ready.set_result(client)
            await done.wait()

    holding = asyncio.create_task(hold())
    yield await ready
    done.set()
    await holding
