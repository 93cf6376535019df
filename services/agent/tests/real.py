"""An agent in this process, on a real bus and a real store: every wait of it can be met by a test."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agent.cancelling import Cancelling
from agent.cycle import Cycle
from agent.planner import Planned
from agent.store import BusStore
from agent.turns import Turns
from bus.interface import Event, Job, JobHandler, Stored
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.planning import ModelPlan
from contracts.store import ApplyRequest, ApplyResult, CancelRequest, CancelResult
from contracts.tokens import new_session_id, owner_key, uuid7
from contracts.turns import TurnCancel, TurnCompleted, TurnStarted
from local_stack.temporary import RunningNats

BOUND_S = 20.0
CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))


@asynccontextmanager
async def store_served(database_url: str, nats: RunningNats) -> AsyncIterator[None]:
    """A todo-store as a process, from where it serves to the end of the block."""
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url, "NATS_URL": nats.url}
    env["NATS_PASSWORD"] = nats.bus_settings("todo-store").password
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "todo_store", env=env, stdout=DEVNULL, stderr=PIPE
    )
    try:
        assert running.stderr is not None
        async with asyncio.timeout(BOUND_S):
            while json.loads(await running.stderr.readline())["message"] != "serving":
                continue
        yield
    finally:
        if running.returncode is None:
            running.terminate()
        await asyncio.wait_for(running.communicate(), BOUND_S)


class Gate:
    """A place that a test sees reached, and lets go from."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def passed(self) -> None:
        self.reached.set()
        await self.open.wait()


class GatedStore(BusStore):
    """The real store, with gates around `apply` where a test puts them; `asked_to_cancel` keeps its answers."""

    before_apply: Gate | None = None
    after_apply: Gate | None = None

    def __init__(self, bus: NatsBus) -> None:
        super().__init__(bus)
        self.asked_to_cancel: asyncio.Queue[bool] = asyncio.Queue()

    async def cancel(self, owner: str, operation_id: str) -> bool:
        too_late = await super().cancel(owner, operation_id)
        self.asked_to_cancel.put_nowait(too_late)
        return too_late

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        if self.before_apply is not None:
            await self.before_apply.passed()
        result = await super().apply(request)
        if self.after_apply is not None:
            await self.after_apply.passed()
        return result


class GatedModel:
    """Plans these steps. Behind its gate, if it has one; tells when it is stopped there."""

    def __init__(self, *steps: dict[str, Any]) -> None:
        self.steps = steps
        self.calls = 0
        self.gate: Gate | None = None
        self.stopped = asyncio.Event()

    async def plan(self, messages: list[dict[str, str]], *, lists: tuple[str, ...], items: tuple[str, ...]) -> Planned:
        self.calls += 1
        if self.gate is not None:
            try:
                await self.gate.passed()
            except asyncio.CancelledError:
                self.stopped.set()
                raise
        return Planned(ModelPlan.model_validate({"steps": self.steps}), "gated", 1, 1, 1, 0.0)


@dataclass
class Agent:
    """One agent's parts. `words`: the cancels that it has heard; `handled`: the turns that it has ended."""

    bus: NatsBus
    store: GatedStore
    model: GatedModel
    cancelling: Cancelling
    turns: Turns
    handled: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    words: asyncio.Queue[TurnCancel] = field(default_factory=asyncio.Queue)

    async def hear(self, event: Event) -> None:
        await self.cancelling.hear(event)
        self.words.put_nowait(TurnCancel.from_json(event.data))

    async def handle(self, job: Job) -> None:
        await self.turns.handle(job)
        self.handled.put_nowait(job.subject.rsplit(".", 1)[1])


@dataclass
class Asked:
    """A turn that was asked for."""

    session: str
    turn: str
    owner: str
    stored: Stored


class Stage:
    """The bus, with the users that the tests speak as."""

    def __init__(self, nats: RunningNats, stack: AsyncExitStack) -> None:
        self.nats = nats
        self._stack = stack
        self.gateway: NatsBus

    async def begin(self) -> "Stage":
        self.gateway = await self._stack.enter_async_context(
            NatsBus.connected_to(self.nats.bus_settings("rtc-gateway"))
        )
        return self

    async def agent(self, *steps: dict[str, Any]) -> Agent:
        bus = await self._stack.enter_async_context(NatsBus.connected_to(self.nats.bus_settings("agent")))
        store, model = GatedStore(bus), GatedModel(*steps)
        cancelling = Cancelling(store)
        turns = Turns(bus, store, model, Cycle(store), cancelling)
        agent = Agent(bus, store, model, cancelling, turns)
        hearing = await bus.subscribe(subjects.CANCEL_ANY_TURN, agent.hear)
        self._stack.push_async_callback(hearing.close)
        return agent

    @asynccontextmanager
    async def acking(self, agent: Agent, handler: JobHandler) -> AsyncIterator[None]:
        """Have a handler take the agent's jobs, for the length of the block."""
        work = await agent.bus.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
        try:
            yield
        finally:
            await work.close()

    async def working(self, agent: Agent, handler: JobHandler | None = None) -> None:
        """Have the agent take jobs, till the end of the test."""
        work = await agent.bus.work(streams.CHAT, CONSUMERS, handler or agent.handle, slots=2, hints=subjects.LIVE_JOBS)
        self._stack.push_async_callback(work.close)

    async def ask(self, text: str, *, owner: str | None = None, session: str | None = None) -> Asked:
        session, turn = session or new_session_id(), uuid7()
        owner = owner or owner_key("test", turn)
        started = TurnStarted(session=session, turn_id=turn, owner=owner, text=text, accepted_at=datetime.now(UTC))
        stored = await self.gateway.store(subjects.turn_started(session, turn), started)
        return Asked(session, turn, owner, stored)

    async def cancel(self, asked: Asked, *, owner: str | None = None) -> bool:
        """What a gateway does for a page of this owner: the mark, then the word. True: too late."""
        owner = owner or asked.owner
        mark = CancelRequest(owner=owner, operation_id=asked.turn)
        marked = await self.gateway.request(subjects.TODO_CANCEL, mark, CancelResult, timeout=BOUND_S)
        word = TurnCancel(session=asked.session, turn_id=asked.turn, owner=owner)
        await self.gateway.publish(subjects.cancel_turn(asked.turn), word)
        return marked.too_late

    async def outcome(self, asked: Asked) -> TurnCompleted | None:
        """What CHAT holds of it now."""
        found = await self.gateway.stored(streams.CHAT, subjects.turn_completed(asked.session, asked.turn))
        return None if found is None else TurnCompleted.from_json(found.data)
