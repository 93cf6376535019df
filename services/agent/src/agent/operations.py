"""`rpc.ops.v1.run`: operations without a model, through the same checks, apply, confirmation and receipt as a turn."""

import logging
import time
from dataclasses import replace
from typing import Final

from opentelemetry import trace

from agent import counting
from agent.cycle import Clock, Cycle, DoubtError, Ended, FencedError, Intent, Request
from agent.receipts import fitted, fitted_text
from agent.store import Store
from agent.words import NOTHING_CHANGED, operation_in_words
from bus import tracing
from bus.errors import BusError, Refusal
from bus.tracing import current_trace_id
from contracts import conventions
from contracts.message import ErrorCode, Problem
from contracts.operations import UndoChange
from contracts.store import ApplyResult, ApplyStatus
from contracts.turns import OperationsCompleted, Outcome, Receipt, RunOperations, Verdict
from verification.undo import NO_HISTORY, History

log = logging.getLogger(__name__)
_TRACER: Final = trace.get_tracer("agent.operations")

ATTEMPTS_MAX: Final = 3


class Operations:
    """Handles RunOperations. A repeat of an id gets what the first run came to."""

    def __init__(self, store: Store, cycle: Cycle) -> None:
        self._store = store
        self._cycle = cycle

    async def run(self, asked: RunOperations) -> OperationsCompleted:
        """Raises Refusal where nothing was done and the caller should know why."""
        request = Request(owner=asked.owner, operation_id=asked.operation_id, author=asked.author)
        clock = Clock()
        span = trace.get_current_span()
        span.set_attribute(conventions.TODO_TURN_ID, asked.operation_id)
        try:
            ended = await self._run(asked, request, clock)
        except (Refusal, BusError) as error:
            counting.operation_refused(asked.author, error.problem.code)
            raise
        span.set_attribute(conventions.TODO_OUTCOME, ended.outcome.value)
        counting.operation_ended(asked.author, ended)
        return OperationsCompleted(
            operation_id=asked.operation_id,
            outcome=ended.outcome,
            text=fitted_text(ended.text),
            reason=ended.reason,
            receipt=fitted(ended.receipt),
        )

    async def _run(self, asked: RunOperations, request: Request, clock: Clock) -> Ended:
        attempt = 1
        for _ in range(ATTEMPTS_MAX):
            try:
                return await self._attempt(asked, request, clock, attempt)
            except FencedError:
                # Sealed before: by a repeat of this id, or by a run of it that had no answer. What did come of it?
                taken = await self._store.take_over(request.owner, request.operation_id)
                if taken.result is not None and taken.result.status is ApplyStatus.APPLIED:
                    return await self._confirmed(asked, request, taken.result, clock)
                attempt = taken.attempt
            except DoubtError as doubt:
                return _unknown(asked, clock, doubt)
        problem = Problem(code=ErrorCode.FENCED, detail="the same operation is under way elsewhere; ask again")
        raise Refusal(problem)

    async def _attempt(self, asked: RunOperations, request: Request, clock: Clock, attempt: int) -> Ended:
        since = time.perf_counter()
        # Before the rows: what they show is then at least as new as the changes.
        with tracing.step(_TRACER, conventions.PLAN, attributes={conventions.TODO_ATTEMPT: attempt}):
            history = await self._changes_to_undo(asked)
            before = (await self._cycle.reader.read(asked.owner)).state
        clock.lap("plan", since)
        if asked.expected_revision is not None and asked.expected_revision != before.revision:
            receipt = Receipt(
                operations=asked.operations,
                revision_before=before.revision,
                timings=clock.total(),
                trace_id=current_trace_id(),
            )
            text = f"The state has changed since you looked: it is at revision {before.revision}. {NOTHING_CHANGED}"
            stale = Ended(Outcome.CONFLICT, text, receipt, reason="stale_view")
            return await self._unless_done_before(asked, request, clock, stale)
        intent = Intent(
            operations=asked.operations,
            understood=tuple(
                operation_in_words(operation, before, history, asked.operations[:place])
                for place, operation in enumerate(asked.operations)
            ),
            before=before,
            revision=before.revision,
            attempt=attempt,
            history=history,
        )
        ended = await self._cycle.carry_out(request, intent, clock)
        return (
            ended if ended.receipt.verdict is not None else await self._unless_done_before(asked, request, clock, ended)
        )

    async def _changes_to_undo(self, asked: RunOperations) -> History:
        if len(asked.operations) > 1:
            # Refused without them, if there are any: changes are taken back alone.
            return NO_HISTORY
        wanted = [operation.change_id for operation in asked.operations if isinstance(operation, UndoChange)]
        found = [await self._store.change(asked.owner, change_id) for change_id in wanted]
        return {entry.change_id: entry for entry in found if entry is not None}

    async def _unless_done_before(self, asked: RunOperations, request: Request, clock: Clock, ended: Ended) -> Ended:
        """A repeat of an operation that was applied can look impossible or needless, because it was applied."""
        taken = await self._store.take_over(request.owner, request.operation_id)
        if taken.result is None or taken.result.status is not ApplyStatus.APPLIED:
            return ended
        return await self._confirmed(asked, request, taken.result, clock)

    async def _confirmed(self, asked: RunOperations, request: Request, result: ApplyResult, clock: Clock) -> Ended:
        if result.operations != asked.operations:
            # What was done under this id says nothing of what is asked for now.
            detail = "was used for other operations; mint a new one"
            raise Refusal(Problem(code=ErrorCode.CONFLICT, field="operation_id", detail=detail))
        return replace(await self._cycle.confirm(request, result, clock, before=None), repeated=True)


def _unknown(asked: RunOperations, clock: Clock, doubt: DoubtError) -> Ended:
    """Applied or not, it could not be read. Never folded into "failed"."""
    log.error("outcome unknown", extra={"code": doubt.problem.code.value})
    receipt = Receipt(
        operations=asked.operations, verdict=Verdict.UNKNOWN, timings=clock.total(), trace_id=current_trace_id()
    )
    text = "Whether this was done could not be read. Ask again with the same id to find out."
    return Ended(Outcome.UNKNOWN, text, receipt, reason="no_answer")
