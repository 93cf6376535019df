"""A turn: PLAN with the model, then the cycle, then `completed`, exactly once however often it is delivered."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Final

from opentelemetry import trace

from agent import prompt
from agent.board import board_of, refreshed
from agent.conversation import Asked, Conversation, called_in, said_before
from agent.cycle import Clock, Cycle, DoubtError, Ended, FencedError, Intent, OnPhase, Request
from agent.dates import day_of, zone_named
from agent.faults import ModelError, sentence
from agent.planner import Planned, Planning
from agent.receipts import fitted, fitted_text
from agent.resolution import Context, Ending, Resolution
from agent.resolve import resolve
from agent.store import Store
from agent.undoing import wants_undo
from agent.words import NOTHING_CHANGED, refusal
from bus import tracing
from bus.errors import BusError, LetGo, RetryLater
from bus.interface import Bus, Job
from bus.tracing import current_trace_id
from contracts import subjects
from contracts.store import ApplyStatus, Snapshot
from contracts.todo import Author, JournalEntry
from contracts.turns import (
    Candidate,
    DeadTurn,
    ModelUse,
    Outcome,
    Phase,
    Receipt,
    TurnCompleted,
    TurnPhase,
    TurnStarted,
    Verdict,
)
from runtime.crash import crash_point
from verification.state import state_of
from verification.undo import NO_HISTORY

log = logging.getLogger(__name__)
_TRACER = trace.get_tracer("agent.turns")

OUTAGE_RETRY_S: Final = 1.0
OUTAGE_MAX_S: Final = 600.0
CRASHES_MAX: Final = 3
UNDOABLE: Final = (Author.CHAT, Author.BOARD)
"""Whose changes a person means who says "undo that": their own, not those of a program."""


class Turns:
    """Handles the jobs of the stream CHAT."""

    def __init__(
        self, bus: Bus, store: Store, model: Planning, cycle: Cycle, *, outage_retry_s: float = OUTAGE_RETRY_S
    ) -> None:
        self._bus = bus
        self._store = store
        self._model = model
        self._cycle = cycle
        self._conversation = Conversation(store)
        self._outage_retry_s = outage_retry_s

    async def handle(self, job: Job) -> None:
        """Take one delivered turn to its end.

        An outage is waited out here, with the lease kept alive, so that a redelivery means that a worker died; these
        are counted, and the third ends the turn. Raises LetGo when another worker has it, RetryLater after long.
        """
        started = TurnStarted.from_json(job.data)
        with tracing.step(_TRACER, "invoke_agent todo") as span:
            span.set_attribute("gen_ai.conversation.id", started.session)
            ended, candidates = await self._outlasting(started, job)
            span.set_attribute("todo.outcome", ended.outcome.value)
            await self._complete(started, ended, candidates)
        crash_point("after_completed")

    async def _outlasting(self, started: TurnStarted, job: Job) -> tuple[Ended, tuple[Candidate, ...]]:
        clock = Clock()
        first = True
        until = time.monotonic() + OUTAGE_MAX_S
        while True:
            try:
                return await self._take_to_end(started, job, clock, first=first)
            except FencedError as error:
                raise LetGo("fenced") from error
            except (BusError, DoubtError) as error:
                if isinstance(error, BusError) and not error.passing:
                    # Refused as such: it would be refused again, and nothing was applied.
                    return _refused_by_the_store(started, clock, error), ()
                if time.monotonic() > until:
                    raise RetryLater(error.problem.code.value, self._outage_retry_s) from error
                log.warning("waiting for the store", extra={"code": error.problem.code.value})
                await asyncio.sleep(self._outage_retry_s)
                first = False

    async def _take_to_end(
        self, started: TurnStarted, job: Job, clock: Clock, *, first: bool
    ) -> tuple[Ended, tuple[Candidate, ...]]:
        request = Request(owner=started.owner, operation_id=started.turn_id, author=Author.CHAT, text=started.text)
        on_phase = self._phases(started)
        attempt = 1
        if job.deliveries > 1 or not first:
            taken = await self._store.take_over(started.owner, started.turn_id, crashed=first)
            applied = taken.result is not None and taken.result.status is ApplyStatus.APPLIED
            if taken.crashes >= CRASHES_MAX:
                return await self._give_up(started, job, taken.crashes, clock, applied=applied), ()
            if taken.result is not None and applied:
                log.info("turn taken over after its effect", extra={"deliveries": job.deliveries})
                return await self._cycle.confirm(request, taken.result, clock, before=None, on_phase=on_phase), ()
            attempt = taken.attempt
        await on_phase(Phase.PLAN, attempt)
        crash_point("before_plan")
        return await self._plan_and_carry_out(started, request, attempt, clock, on_phase)

    async def _plan_and_carry_out(
        self, started: TurnStarted, request: Request, attempt: int, clock: Clock, on_phase: OnPhase
    ) -> tuple[Ended, tuple[Candidate, ...]]:
        since = time.perf_counter()
        with tracing.step(_TRACER, "PLAN"):
            resolution, snapshot, use, newest, asked = await self._plan(started, clock)
        clock.lap("plan", since)
        if isinstance(resolution, Ending):
            receipt = Receipt(
                request=request.text,
                understood=resolution.understood,
                revision_before=snapshot.revision,
                revision_after=snapshot.revision,
                attempt=attempt,
                timings=clock.total(),
                model=use,
                trace_id=current_trace_id(),
            )
            await self._conversation.learn(started, asked, resolution.outcome)
            return Ended(resolution.outcome, resolution.text, receipt, resolution.reason), resolution.candidates
        intent = Intent(
            operations=resolution.operations,
            understood=resolution.understood,
            before=state_of(snapshot),
            revision=snapshot.revision,
            attempt=attempt,
            model=use,
            relied_on=resolution.relied_on,
            notes=resolution.notes,
            history=NO_HISTORY if newest is None else {newest.change_id: newest},
        )
        ended = await self._cycle.carry_out(request, intent, clock, on_phase=on_phase)
        await self._conversation.learn(started, asked, ended.outcome)
        return ended, ()

    async def _plan(
        self, started: TurnStarted, clock: Clock
    ) -> tuple[Resolution, Snapshot, ModelUse | None, JournalEntry | None, Asked | None]:
        """What the plan comes to, over which rows, what it cost, the change that it takes back, if any, and what was
        asked for, in this turn or in one whose question this one answers."""
        seen = await self._store.snapshot(started.owner, dialogue=started.session)
        board = board_of(seen)
        today = day_of(started.accepted_at, zone_named(started.time_zone))
        since = time.perf_counter()
        asked = await self._conversation.hear(started, seen, board)
        if isinstance(asked, Ending):
            return asked, seen, None, None, None
        if asked is not None:
            resolution = resolve(asked.plan, board, asked.request, asked.today, context=asked.context)
            resolution = said_before(resolution, asked.prelude)
            await self._conversation.ask(started, asked, board, resolution)
            return resolution, seen, None, None, asked
        called = called_in(started.text, seen.aliases)
        try:
            planned: Planned = await self._model.plan(
                prompt.messages(board, started.text, today, called), lists=board.list_aliases, items=board.item_aliases
            )
        except ModelError as error:
            return _model_failed(error), seen, None, None, None
        finally:
            clock.lap("model", since)
        use = ModelUse(
            name=planned.model,
            calls=planned.calls,
            prompt_tokens=planned.prompt_tokens,
            completion_tokens=planned.completion_tokens,
        )
        newest = await self._store.newest_change(started.owner, UNDOABLE) if wants_undo(planned.plan) else None
        # A model may take a minute, in which others go on: what is resolved, said and relied on is read after it, and
        # after the newest change, so that the rows are at least as new.
        fresh = await self._store.snapshot(started.owner)
        board = refreshed(board, fresh)
        asked = Asked(planned.plan, started.text, today, Context(aliases=seen.aliases))
        resolution = resolve(planned.plan, board, started.text, today, newest, context=asked.context)
        await self._conversation.ask(started, asked, board, resolution)
        return resolution, fresh, use, newest, asked

    def _phases(self, started: TurnStarted) -> OnPhase:
        async def begun(phase: Phase, attempt: int) -> None:
            elapsed = max(0.0, (datetime.now(UTC) - started.accepted_at).total_seconds() * 1000)
            event = TurnPhase(
                session=started.session, turn_id=started.turn_id, phase=phase, attempt=attempt, elapsed_ms=elapsed
            )
            # Without waiting for the stream's ack: a phase is progress, not a promise.
            await self._bus.publish(subjects.turn_phase(started.session, started.turn_id, phase), event)

        return begun

    async def _complete(self, started: TurnStarted, ended: Ended, candidates: tuple[Candidate, ...]) -> None:
        completed = TurnCompleted(
            session=started.session,
            turn_id=started.turn_id,
            outcome=ended.outcome,
            text=fitted_text(ended.text),
            reason=ended.reason,
            candidates=candidates,
            receipt=fitted(ended.receipt),
            completed_at=datetime.now(UTC),
        )
        crash_point("before_completed")
        until = time.monotonic() + OUTAGE_MAX_S
        while True:
            try:
                await self._bus.store(subjects.turn_completed(started.session, started.turn_id), completed)
            except BusError as error:
                if not error.passing or time.monotonic() > until:
                    raise RetryLater(error.problem.code.value, self._outage_retry_s) from error
                log.warning("waiting for the stream", extra={"code": error.problem.code.value})
                await asyncio.sleep(self._outage_retry_s)
            else:
                return

    async def _give_up(self, started: TurnStarted, job: Job, crashes: int, clock: Clock, *, applied: bool) -> Ended:
        dead = DeadTurn(
            session=started.session,
            turn_id=started.turn_id,
            owner=started.owner,
            crashes=crashes,
            stream_sequence=job.sequence,
            at=datetime.now(UTC),
        )
        await self._bus.store(subjects.dead_turn(started.session, started.turn_id), dead)
        log.error("turn given up", extra={"crashes": crashes, "stream_sequence": job.sequence})
        verdict = Verdict.UNKNOWN if applied else None
        receipt = Receipt(request=started.text, verdict=verdict, timings=clock.total(), trace_id=current_trace_id())
        if applied:
            text = "This was applied, but what the database holds now could not be shown. Please look at your lists."
            return Ended(Outcome.UNKNOWN, text, receipt, reason="poison")
        text = f"The agent could not get through this request in {crashes} tries and gave it up. {NOTHING_CHANGED}"
        return Ended(Outcome.FAILED, text, receipt, reason="poison")


def _refused_by_the_store(started: TurnStarted, clock: Clock, error: BusError) -> Ended:
    log.warning("store refused", extra={"code": error.problem.code.value})
    receipt = Receipt(request=started.text, timings=clock.total(), trace_id=current_trace_id())
    text = f"{refusal(error.problem.code.value)} {NOTHING_CHANGED}"
    return Ended(Outcome.REFUSED, text, receipt, reason=error.problem.code.value)


def _model_failed(error: ModelError) -> Ending:
    log.warning("model failed", extra={"fault": error.fault.value, "status": error.status})
    return Ending(Outcome.FAILED, f"{sentence(error.fault)} {NOTHING_CHANGED}", reason=error.fault.value)
