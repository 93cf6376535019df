"""A turn: PLAN with the model, then the cycle, then `completed`, exactly once however often it is delivered."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

from opentelemetry import trace
from pydantic import ValidationError

from agent.cancelling import Cancelling
from agent.cycle import OVERTAKEN, Clock, Cycle, DoubtError, Ended, FencedError, Intent, Request
from agent.drafting import Drafting
from agent.endings import cancelled, interrupted, refused_by_the_store, with_model_use
from agent.planner import Planning
from agent.progress import Progress
from agent.resolution import Ending
from agent.store import Store
from agent.telling import OUTAGE_MAX_S, Telling
from bus import tracing
from bus.errors import BusError, LetGo, RetryLater, Unprocessable
from bus.interface import Bus, Job
from bus.tracing import current_trace_id
from contracts import conventions
from contracts.store import ApplyStatus
from contracts.todo import Author
from contracts.turns import (
    Candidate,
    Outcome,
    Phase,
    Receipt,
    Timings,
    TurnStarted,
    WaitsFor,
)
from runtime.crash import crash_point
from verification.undo import NO_HISTORY

log = logging.getLogger(__name__)
_TRACER = trace.get_tracer("agent.turns")
_INVOKE_AGENT: Final = f"{conventions.INVOKE_AGENT} {conventions.AGENT_NAME}"

OUTAGE_RETRY_S: Final = 1.0
CRASHES_MAX: Final = 3
YOUNG_S: Final = 60.0
"""A start that is older may have been answered though this is its first delivery: its consumer was made anew."""


class _AnsweredError(Exception):
    """This turn has its outcome, and whoever asked was told it."""


class Turns:
    """Handles the jobs of the stream CHAT."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        model: Planning,
        cycle: Cycle,
        cancelling: Cancelling,
        *,
        outage_retry_s: float = OUTAGE_RETRY_S,
    ) -> None:
        self._bus = bus
        self._store = store
        self._cycle = cycle
        self._cancelling = cancelling
        self._drafting = Drafting(store, cycle.reader, model)
        self._telling = Telling(bus, retry_s=outage_retry_s)
        self._outage_retry_s = outage_retry_s

    async def handle(self, job: Job) -> None:
        """Take one delivered turn to its end.

        An outage is waited out here, with the lease kept alive, so that a redelivery means that a worker died; these
        are counted, and the third ends the turn. Raises LetGo when another worker has it, RetryLater after long, and
        Unprocessable for what is no turn.
        """
        try:
            started = TurnStarted.from_json(job.data)
        except ValidationError as error:
            await self._telling.take_out(job)
            raise Unprocessable("unreadable") from error
        trace.get_current_span().set_attribute(conventions.SESSION_ID, started.session)
        with (
            tracing.session(started.session),
            tracing.step(_TRACER, _INVOKE_AGENT, attributes=_agent(started)) as span,
        ):
            clock = Clock(timings=Timings(queued=_queued_ms(started)))
            work = partial(self._outlasting, started, job, clock)
            try:
                done = await self._cancelling.unless_cancelled(started.owner, started.turn_id, work)
            except _AnsweredError:
                log.info("turn had its outcome", extra={"deliveries": job.deliveries})
                return
            ended, candidates = done or (cancelled(started, clock), ())
            span.set_attribute(conventions.TODO_OUTCOME, ended.outcome.value)
            await self._telling.complete(started, ended, candidates)
        crash_point("after_completed")

    async def _outlasting(self, started: TurnStarted, job: Job, clock: Clock) -> tuple[Ended, tuple[Candidate, ...]]:
        progress = Progress(self._bus, started)
        first = True
        until = time.monotonic() + OUTAGE_MAX_S
        while True:
            try:
                return await self._attempted(started, job, clock, progress, first=first)
            except FencedError as error:
                raise LetGo("fenced") from error
            except (BusError, DoubtError) as error:
                if time.monotonic() > until:
                    raise RetryLater(error.problem.code.value, self._outage_retry_s) from error
                log.warning("waiting for the store", extra={"code": error.problem.code.value})
                await progress.waits_for(WaitsFor.STORE)
                await asyncio.sleep(self._outage_retry_s)
                first = False

    async def _attempted(
        self, started: TurnStarted, job: Job, clock: Clock, progress: Progress, *, first: bool
    ) -> tuple[Ended, tuple[Candidate, ...]]:
        """What one attempt comes to. That nothing was changed is said only where nobody else has changed anything for
        this turn, or can. Another worker may have it too: the lease ran out unnoticed, or the server was killed and
        forgot what it had delivered."""
        try:
            ended, candidates = await self._take_to_end(started, job, clock, progress, first=first)
        except BusError as error:
            if error.passing:
                raise
            # Refused as such: it would be refused again. Perhaps because another attempt was applied.
            ended, candidates = refused_by_the_store(started, clock, error), ()
        unchanged = ended.receipt.verdict is None
        if unchanged and await self._store.close(started.owner, started.turn_id):
            taken = await self._store.take_over(started.owner, started.turn_id)
            if taken.result is None:
                raise FencedError
            log.info("turn applied by another worker")
            request = _request(started)
            return await self._cycle.confirm(request, taken.result, clock, before=None, on_phase=progress.begun), ()
        return ended, candidates

    async def _take_to_end(
        self, started: TurnStarted, job: Job, clock: Clock, progress: Progress, *, first: bool
    ) -> tuple[Ended, tuple[Candidate, ...]]:
        request = _request(started)
        attempt, closed = 1, False
        again = job.deliveries > 1 or not first
        if (again or _is_old(started)) and await self._telling.was_told(started):
            # Anything done for it now would contradict what was said.
            raise _AnsweredError
        if again:
            taken = await self._store.take_over(started.owner, started.turn_id, crashed=first)
            applied = taken.result is not None and taken.result.status is ApplyStatus.APPLIED
            if taken.crashes >= CRASHES_MAX:
                return await self._telling.give_up(started, job, taken.crashes, clock, applied=applied), ()
            if taken.result is not None and applied:
                log.info("turn taken over after its effect", extra={"deliveries": job.deliveries})
                return await self._cycle.confirm(request, taken.result, clock, before=None, on_phase=progress.begun), ()
            if taken.cancelled:
                return cancelled(started, clock), ()
            attempt, closed = taken.attempt, taken.closed
        ended, candidates = await self._plan_and_carry_out(started, request, attempt, clock, progress)
        if closed and ended.outcome is Outcome.CANCELLED:
            return interrupted(started, clock), ()
        if ended.reason != OVERTAKEN:
            return ended, candidates
        # Somebody else was faster. One new plan, over the rows as they are now; a second conflict is for the user.
        taken = await self._store.take_over(started.owner, started.turn_id)
        if taken.result is not None:
            raise FencedError
        anew, candidates = await self._plan_and_carry_out(started, request, taken.attempt, clock, progress)
        return with_model_use(anew, ended.receipt.model), candidates

    async def _plan_and_carry_out(
        self, started: TurnStarted, request: Request, attempt: int, clock: Clock, progress: Progress
    ) -> tuple[Ended, tuple[Candidate, ...]]:
        await progress.begun(Phase.PLAN, attempt)
        crash_point("before_plan")
        since = time.perf_counter()
        with tracing.step(_TRACER, conventions.PLAN, attributes={conventions.TODO_ATTEMPT: attempt}):
            drafted = await self._drafting.draft(started, clock, progress)
        clock.lap("plan", since)
        resolution, before = drafted.resolution, drafted.before
        if isinstance(resolution, Ending):
            receipt = Receipt(
                request=request.text,
                understood=resolution.understood,
                revision_before=before.revision,
                revision_after=before.revision,
                attempt=attempt,
                timings=clock.total(),
                model=drafted.model,
                trace_id=current_trace_id(),
            )
            await self._drafting.learn(started, drafted, resolution.outcome)
            return Ended(resolution.outcome, resolution.text, receipt, resolution.reason), resolution.candidates
        intent = Intent(
            operations=resolution.operations,
            understood=resolution.understood,
            before=before,
            revision=before.revision,
            attempt=attempt,
            model=drafted.model,
            relied_on=resolution.relied_on,
            notes=resolution.notes,
            history=NO_HISTORY if drafted.undone is None else {drafted.undone.change_id: drafted.undone},
        )
        ended = await self._cycle.carry_out(request, intent, clock, on_phase=progress.begun)
        await self._drafting.learn(started, drafted, ended.outcome)
        return ended, ()


def _agent(started: TurnStarted) -> tracing.Attributes:
    return {
        conventions.GEN_AI_OPERATION_NAME: conventions.INVOKE_AGENT,
        conventions.GEN_AI_AGENT_NAME: conventions.AGENT_NAME,
        conventions.GEN_AI_CONVERSATION_ID: started.session,
        conventions.TODO_TURN_ID: started.turn_id,
    }


def _request(started: TurnStarted) -> Request:
    return Request(owner=started.owner, operation_id=started.turn_id, author=Author.CHAT, text=started.text)


def _queued_ms(started: TurnStarted) -> float:
    # By two clocks: the gateway's and ours.
    return max(0.0, (datetime.now(UTC) - started.accepted_at).total_seconds() * 1000)


def _is_old(started: TurnStarted) -> bool:
    return (datetime.now(UTC) - started.accepted_at).total_seconds() > YOUNG_S
