"""One run: an owner of its own, rows, a turn through the stream, an agent with this case's faults, the evidence."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import httpx

from agent.breaker import Breaker
from agent.cancelling import Cancelling
from agent.cycle import Cycle
from agent.model import ChatModel
from agent.operations import Operations
from agent.planner import Planner
from agent.store import BusStore, Store
from agent.turns import Turns
from bench.faults.case import Case, Database, Link, Point, Wire, Worker
from bench.faults.link import FaultyLink, Hooks, WorkerDiedError
from bench.faults.model_server import ModelServer
from bench.faults.scoring import Evidence, Score, score
from bench.faults.state import Edit, State
from bench.faults.world import World
from bench.faults.writing import operations_of, seeded
from bus.errors import LetGo, RetryLater
from bus.interface import Job
from contracts import streams, subjects
from contracts.todo import Author
from contracts.tokens import new_session_id, owner_key, uuid7
from contracts.turns import Outcome, RunOperations, TurnCompleted, TurnStarted

RUN_TIMEOUT_S: Final = 30.0
MODEL_TIMEOUT_S: Final = 20.0
IMPATIENT_S: Final = 0.3
MODEL: Final = "stand-in-for-qwen2.5"


class RunFailedError(Exception):
    """A run of the bench did not get to its end; this is never a score."""


@dataclass
class Run:
    """One case in one world. Made for one use."""

    world: World
    case: Case
    store: Callable[[World], Store] = lambda world: BusStore(world.agent)
    owner: str = field(default_factory=lambda: owner_key("bench", uuid7()))
    _times: dict[Point, int] = field(default_factory=dict)
    _visits: list[asyncio.Future[None]] = field(default_factory=list)
    _visited: list[Edit] = field(default_factory=list)
    _ground: State | None = None
    _committed: State | None = None

    async def score(self) -> tuple[Score, Evidence]:
        """Play the case and judge what came of it."""
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                evidence = await self._played()
        except TimeoutError as error:
            raise RunFailedError(
                f"{self.case.fault} {self.case.variant} / {self.case.template.name}: no end"
            ) from error
        ends = self.case.ends
        if self.case.company.spares:
            # A neighbour's edits are to be there in any end, if they were made.
            ends = tuple(end.after(self._visited) for end in ends)
        ordered = not self.case.company.visits
        return score(evidence, ends, may_ask=self.case.may_ask, ordered=ordered), evidence

    async def _played(self) -> Evidence:
        template = self.case.template
        direct = BusStore(self.world.agent)
        await direct.apply(seeded(self.owner, template.seed))
        if template.earlier is not None:
            await self._edit(template.earlier, Author.BOARD)
        before = await self.world.rows(self.owner)
        if before != template.before:
            raise RunFailedError(f"{template.name}: the rows to begin with are not the template's: {before}")
        if self.case.database is not Database.FINE:
            await self.world.sabotage(self.owner, self.case.database)
        model = ModelServer(self.case.script, self.case.wire, lambda: self._passes(Point.THINKING))
        completed = await self._turn(model)
        await asyncio.gather(*self._visits)
        after = await self.world.rows(self.owner)
        applied, journalled = await self.world.journalled(self.owner)
        return Evidence(
            request=template.request,
            before=before,
            after=after,
            ground=self._ground or before,
            committed=self._committed or after,
            outcome=completed.outcome,
            text=completed.text,
            understood=completed.receipt.understood,
            candidates=tuple(
                text for each in completed.candidates for text in (each.label, each.detail or "", each.reply)
            ),
            applied=applied,
            journalled=journalled,
            model_calls=model.questions,
        )

    async def _turn(self, model: ModelServer) -> TurnCompleted:
        session, turn = new_session_id(), uuid7()
        started = TurnStarted(
            session=session,
            turn_id=turn,
            owner=self.owner,
            text=self.case.template.request,
            accepted_at=datetime.now(UTC),
        )
        ended = asyncio.get_running_loop().create_future()

        async def handle(job: Job) -> None:
            try:
                await Shift(self, model, job).work()
            except BaseException as error:
                if not ended.done():
                    ended.set_exception(error)
                raise
            if not ended.done():
                ended.set_result(None)

        self.world.handlers[turn] = handle
        try:
            subject = subjects.turn_started(session, turn)
            await self.world.page.store(subject, started)
            if self.case.worker is Worker.STARTED_TWICE:
                again = await self.world.page.store(subject, started)
                if not again.repeated:
                    raise RunFailedError("a second start was stored")
            await ended
        finally:
            del self.world.handlers[turn]
        event = await self.world.page.stored(streams.CHAT, subjects.turn_completed(session, turn))
        if event is None:
            raise RunFailedError(f"{self.case.fault} {self.case.variant}: the turn was not answered")
        return TurnCompleted.from_json(event.data)

    def turns(self, model: ModelServer, link: FaultyLink) -> Turns:
        """A worker of the agent, with its own link to the store."""
        client = httpx.AsyncClient(transport=model, base_url="http://model")
        timeout_s = IMPATIENT_S if self.case.wire is Wire.SLOW else MODEL_TIMEOUT_S
        planner = Planner(ChatModel(client, MODEL), Breaker(), timeout_s=timeout_s)
        return Turns(self.world.agent, link, planner, Cycle(link), Cancelling(link), outage_retry_s=0.01)

    def link(self, losses: Link | None = None) -> FaultyLink:
        """A link to the store at which others write meanwhile."""

        async def before_apply() -> None:
            await self._passes(Point.PLANNED)
            if self.case.company.visits:
                self._ground = await self.world.rows(self.owner)

        async def after_apply() -> None:
            if self.case.company.visits and self._committed is None:
                self._committed = await self.world.rows(self.owner)
            await self._passes(Point.APPLIED)

        return FaultyLink(self.store(self.world), losses or Link(), Hooks(before_apply, after_apply))

    async def _passes(self, point: Point) -> None:
        """Whoever is to write here does it now, and the agent goes on when it is done."""
        self._times[point] = time = self._times.get(point, 0) + 1
        for visit in self.case.company.visits:
            if (visit.at, visit.time) == (point, time):
                self._visits.append(visiting := asyncio.ensure_future(self._make(visit.edits)))
                # An agent that loses patience stops waiting; whoever writes goes on.
                await asyncio.shield(visiting)

    async def _make(self, edits: tuple[Edit, ...]) -> None:
        for edit in edits:
            try:
                await self._edit(edit, Author.MCP)
            except LookupError:
                # Without a guard even a neighbour's rows may be gone, which the score tells.
                if not self.case.company.spares:
                    raise
            else:
                self._visited.append(edit)

    async def _edit(self, edit: Edit, author: Author) -> None:
        store = BusStore(self.world.agent)
        rows = await store.snapshot(self.owner)
        asked = RunOperations(
            owner=self.owner, operation_id=uuid7(), author=author, operations=operations_of(edit, rows)
        )
        done = await Operations(store, Cycle(store)).run(asked)
        if done.outcome is not Outcome.CONFIRMED:
            raise RunFailedError(f"an edit of the company ended {done.outcome}: {edit}")


@dataclass
class Shift:
    """The workers that a job comes to in one case, one after the other or at once."""

    run: Run
    model: ModelServer
    job: Job

    async def work(self) -> None:
        """Take the job to its end."""
        case = self.run.case
        match case.worker:
            case Worker.FINE | Worker.STARTED_TWICE:
                await self._deliver(self.run.link(case.link), 1)
            case Worker.DELIVERED_AGAIN:
                await self._deliver(self.run.link(), 1)
                await self._deliver(self.run.link(), 2)
            case Worker.DIES_BEFORE_APPLY | Worker.DIES_AFTER_APPLY | Worker.DIES_BEFORE_COMPLETED:
                await self._dying(case.worker)
            case _:
                await self._late(case.worker)

    async def _deliver(self, link: FaultyLink, deliveries: int) -> None:
        with contextlib.suppress(LetGo):
            await self.run.turns(self.model, link).handle(replace(self.job, deliveries=deliveries))

    async def _dying(self, worker: Worker) -> None:
        link = self.run.link()

        async def die() -> None:
            raise WorkerDiedError

        point = {
            Worker.DIES_BEFORE_APPLY: "before_apply",
            Worker.DIES_AFTER_APPLY: "after_apply",
            Worker.DIES_BEFORE_COMPLETED: "after_confirm",
        }[worker]
        before = getattr(link.hooks, point)

        async def visited_then_dead() -> None:
            await before()
            await die()

        setattr(link.hooks, point, visited_then_dead)
        with contextlib.suppress(WorkerDiedError):
            await self._deliver(link, 1)
        await self._deliver(self.run.link(), 2)

    async def _late(self, worker: Worker) -> None:
        """The first worker is held before its apply, the second takes over, and then the first goes on."""
        held, go_on = asyncio.Event(), asyncio.Event()
        first, second = self.run.link(), self.run.link()

        async def hold() -> None:
            if not held.is_set():
                held.set()
                await go_on.wait()

        async def let_go() -> None:
            go_on.set()
            with contextlib.suppress(LetGo, RetryLater):
                await asyncio.shield(slow)

        first.hooks.before_apply = hold
        slow = asyncio.ensure_future(self.run.turns(self.model, first).handle(self.job))
        try:
            waiting = asyncio.ensure_future(held.wait())
            await asyncio.wait({slow, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if worker is Worker.LATE_BEFORE_THE_OTHER:
                second.hooks.before_apply = let_go
            elif worker is Worker.LATE_BEFORE_THE_ANSWER:
                second.hooks.after_apply = let_go
            if not slow.done():
                await self._deliver(second, 2)
            await let_go()
        finally:
            slow.cancel()
