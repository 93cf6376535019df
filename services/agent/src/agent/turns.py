"""A turn: PLAN with the model, then the cycle, then `completed`, exactly once however often it is delivered."""

import logging
import time
from datetime import UTC, datetime
from typing import Final

from opentelemetry import trace

from agent import prompt
from agent.board import board_of
from agent.cycle import Clock, Cycle, Ended, FencedError, Intent, OnPhase, Request
from agent.dates import day_of, zone_named
from agent.model import ModelError, ModelFault, Planned, PlanningModel
from agent.resolution import Ending, Resolution
from agent.resolve import resolve, wants_undo
from agent.store import Store
from agent.words import NOTHING_CHANGED
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
)
from runtime.crash import crash_point
from verification.state import state_of
from verification.undo import NO_HISTORY

log = logging.getLogger(__name__)
_TRACER = trace.get_tracer("agent.turns")

OUTAGE_RETRY_S: Final = 1.0
CRASHES_MAX: Final = 3
UNDOABLE: Final = (Author.CHAT, Author.BOARD)
"""Whose changes a person means who says "undo that": their own, not those of a program."""

_MODEL_SENTENCES: Final = {
    ModelFault.UNREACHABLE: "The language model does not answer. Start LM Studio's server and ask again.",
    ModelFault.TIMEOUT: "The language model took too long.",
    ModelFault.NOT_LOADED: "LM Studio has no model loaded. Load one and ask again.",
    ModelFault.BAD_ENDPOINT: "The model's address is wrong: what answers there is not LM Studio's /v1.",
    ModelFault.TRUNCATED: "The language model's plan was cut off. Try a shorter request.",
}
_MODEL_SENTENCE: Final = "The language model gave no plan that can be used. Try again, or put it differently."


class Turns:
    """Handles the jobs of the stream CHAT."""

    def __init__(self, bus: Bus, store: Store, model: PlanningModel, cycle: Cycle) -> None:
        self._bus = bus
        self._store = store
        self._model = model
        self._cycle = cycle

    async def handle(self, job: Job) -> None:
        """Take one delivered turn to its end. Raises RetryLater in an outage, LetGo when another worker has it."""
        started = TurnStarted.from_json(job.data)
        with _TRACER.start_as_current_span("invoke_agent todo", record_exception=False) as span:
            span.set_attribute("gen_ai.conversation.id", started.session)
            try:
                ended, candidates = await self._take_to_end(started, job)
            except BusError as error:
                raise RetryLater(error.problem.code.value, OUTAGE_RETRY_S) from error
            except FencedError as error:
                raise LetGo("fenced") from error
            span.set_attribute("todo.outcome", ended.outcome.value)
            await self._complete(started, ended, candidates)
        crash_point("after_completed")

    async def _take_to_end(self, started: TurnStarted, job: Job) -> tuple[Ended, tuple[Candidate, ...]]:
        request = Request(owner=started.owner, operation_id=started.turn_id, author=Author.CHAT, text=started.text)
        clock = Clock()
        on_phase = self._phases(started)
        attempt = 1
        if job.deliveries > 1:
            taken = await self._store.take_over(started.owner, started.turn_id)
            if taken.result is not None and taken.result.status is ApplyStatus.APPLIED:
                log.info("turn taken over after its effect", extra={"deliveries": job.deliveries})
                return await self._cycle.confirm(request, taken.result, clock, before=None, on_phase=on_phase), ()
            if taken.crashes >= CRASHES_MAX:
                return await self._give_up(started, job, taken.crashes, clock), ()
            attempt = taken.attempt
        await on_phase(Phase.PLAN, attempt)
        crash_point("before_plan")
        return await self._plan_and_carry_out(started, request, attempt, clock, on_phase)

    async def _plan_and_carry_out(
        self, started: TurnStarted, request: Request, attempt: int, clock: Clock, on_phase: OnPhase
    ) -> tuple[Ended, tuple[Candidate, ...]]:
        since = time.perf_counter()
        with _TRACER.start_as_current_span("PLAN", record_exception=False):
            snapshot = await self._store.snapshot(started.owner)
            resolution, use, newest = await self._plan(started, snapshot, clock)
            if newest is not None and newest.revision > snapshot.revision:
                # Somebody made it while the model planned.
                snapshot = await self._store.snapshot(started.owner)
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
            return Ended(resolution.outcome, resolution.text, receipt, resolution.reason), resolution.candidates
        intent = Intent(
            operations=resolution.operations,
            understood=resolution.understood,
            before=state_of(snapshot),
            revision=snapshot.revision,
            attempt=attempt,
            model=use,
            history=NO_HISTORY if newest is None else {newest.change_id: newest},
        )
        notes = " ".join(resolution.already)
        return await self._cycle.carry_out(request, intent, clock, on_phase=on_phase, notes=notes), ()

    async def _plan(
        self, started: TurnStarted, snapshot: Snapshot, clock: Clock
    ) -> tuple[Resolution, ModelUse | None, JournalEntry | None]:
        """What the plan comes to, what it cost, and the change that it takes back, if it takes back any."""
        board = board_of(snapshot)
        today = day_of(started.accepted_at, zone_named(started.time_zone))
        since = time.perf_counter()
        try:
            planned: Planned = await self._model.plan(prompt.messages(board, started.text, today), prompt.TOOLS)
        except ModelError as error:
            return _model_failed(error), None, None
        finally:
            clock.lap("model", since)
        use = ModelUse(
            name=planned.model,
            calls=1,
            prompt_tokens=planned.prompt_tokens,
            completion_tokens=planned.completion_tokens,
        )
        newest = await self._store.newest_change(started.owner, UNDOABLE) if wants_undo(planned.plan) else None
        return resolve(planned.plan, board, started.text, today, newest), use, newest

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
            text=ended.text,
            reason=ended.reason,
            candidates=candidates,
            receipt=ended.receipt,
            completed_at=datetime.now(UTC),
        )
        crash_point("before_completed")
        try:
            await self._bus.store(subjects.turn_completed(started.session, started.turn_id), completed)
        except BusError as error:
            raise RetryLater(error.problem.code.value, OUTAGE_RETRY_S) from error

    async def _give_up(self, started: TurnStarted, job: Job, crashes: int, clock: Clock) -> Ended:
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
        receipt = Receipt(request=started.text, timings=clock.total(), trace_id=current_trace_id())
        text = f"This request ended the agent {crashes} times, so it was given up. {NOTHING_CHANGED}"
        return Ended(Outcome.FAILED, text, receipt, reason="poison")


def _model_failed(error: ModelError) -> Ending:
    log.warning("model failed", extra={"fault": error.fault.value, "status": error.status})
    text = f"{_MODEL_SENTENCES.get(error.fault, _MODEL_SENTENCE)} {NOTHING_CHANGED}"
    return Ending(Outcome.FAILED, text, reason=error.fault.value)
