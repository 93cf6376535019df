"""Verify-Execute-Verify: apply what was planned, read again, and say only what the second read shows."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from opentelemetry import trace

from agent import words
from agent.reading import Reader, Reading
from agent.since import done_since
from agent.store import Store
from agent.words import NOTHING_CHANGED
from bus import tracing
from bus.errors import BusError
from bus.tracing import current_trace_id
from contracts import conventions
from contracts.message import ErrorCode
from contracts.operations import Operation
from contracts.store import ApplyRequest, ApplyResult, ApplyStatus, Plan
from contracts.todo import Author, Diff
from contracts.turns import ModelUse, Outcome, Phase, Receipt, Timings, Verdict
from runtime.crash import crash_point
from verification.errors import ChangedSinceError, ModelError, VerificationError
from verification.expect import expect, versions_relied_on
from verification.history import rewind
from verification.judge import Judgement, judge
from verification.observe import Observed, observe
from verification.state import State
from verification.undo import History

log = logging.getLogger(__name__)
_TRACER = trace.get_tracer("agent.cycle")

OnPhase = Callable[[Phase, int], Awaitable[None]]

OVERTAKEN: Final = "conflict"
"""The reason of an apply that found a row changed since PLAN: nothing was applied, and a new plan may fare better."""


class FencedError(Exception):
    """A later attempt has taken this turn over; whoever has it will answer."""


class DoubtError(Exception):
    """The operations may have been applied, and what became of them could not be read now. Take over and see."""

    def __init__(self, error: BusError) -> None:
        super().__init__(error.problem.code)
        self.problem = error.problem


@dataclass(frozen=True)
class Request:
    """Who wants it, under which id, through which door."""

    owner: str
    operation_id: str
    author: Author
    text: str | None = None


@dataclass
class Clock:
    """The timings of one attempt, in milliseconds."""

    started: float = field(default_factory=time.perf_counter)
    timings: Timings = field(default_factory=Timings)

    def lap(self, name: str, since: float) -> float:
        """Note how long `name` took since `since`, and return now. What is done once more takes the time of both."""
        now = time.perf_counter()
        before: float = getattr(self.timings, name) or 0.0
        self.timings = self.timings.model_copy(update={name: before + (now - since) * 1000})
        return now

    def total(self) -> Timings:
        return self.timings.model_copy(update={"total": (time.perf_counter() - self.started) * 1000})


@dataclass(frozen=True)
class Ended:
    """How a request ended, for whichever door it came through."""

    outcome: Outcome
    text: str
    receipt: Receipt
    reason: str | None = None
    repeated: bool = False  # of operations: an earlier run of the same id did it


@dataclass(frozen=True)
class Intent:
    """Operations that PLAN decided on, over the rows that it read."""

    operations: tuple[Operation, ...]
    understood: tuple[str, ...]
    before: State
    revision: int
    attempt: int = 1
    model: ModelUse | None = None
    relied_on: tuple[str, ...] = ()  # rows that sentences beside the plan rest on
    notes: tuple[str, ...] = ()
    history: History = field(default_factory=dict)  # the entries of changes that are to be taken back


async def _no_phase(_: Phase, __: int) -> None:
    return


class Cycle:
    """EXECUTE and CONFIRM, the same for turns and for operations without a model."""

    def __init__(self, store: Store, reader: Reader | None = None) -> None:
        self._store = store
        self.reader = reader or Reader(store)
        """How this process reads rows; PLAN has to read through it, too, so that CONFIRM's read is a small one."""

    async def carry_out(
        self, request: Request, intent: Intent, clock: Clock, *, on_phase: OnPhase = _no_phase
    ) -> Ended:
        """Apply and confirm.

        Raises BusError where nothing was applied because the store could not be asked or will not, DoubtError where
        that is not known or the rows could not be read again, and FencedError.
        """
        try:
            expected = expect(intent.before, intent.operations, intent.history)
        except ModelError as error:
            return self._impossible(request, intent, clock, error)
        if not expected.changes:
            receipt = _receipt(request, intent, clock)
            return Ended(Outcome.ALREADY_SO, f"It is so already. {NOTHING_CHANGED}", receipt)
        await on_phase(Phase.EXECUTE, intent.attempt)
        started = time.perf_counter()
        with tracing.step(_TRACER, conventions.EXECUTE, attributes={conventions.TODO_ATTEMPT: intent.attempt}):
            result, repeated = await self._apply(request, intent, expected)
        clock.lap("execute", started)
        crash_point("after_apply")
        if result.status is not ApplyStatus.APPLIED:
            return _not_applied(request, replace(intent, attempt=result.attempt), expected, result, clock)
        # A repeat's change is in the rows that PLAN read already; they say nothing of what was there before it.
        before = None if result.repeated else intent.before
        ended = await self.confirm(
            request, result, clock, before=before, on_phase=on_phase, model=intent.model, notes=intent.notes
        )
        return replace(ended, repeated=repeated)

    async def _apply(self, request: Request, intent: Intent, expected: Diff) -> tuple[ApplyResult, bool]:
        """What became of it, and whether that is what another run of the same id did."""
        asked = ApplyRequest(
            owner=request.owner,
            operation_id=request.operation_id,
            attempt=intent.attempt,
            author=request.author,
            operations=intent.operations,
            relies_on=versions_relied_on(intent.before, intent.operations, intent.history) | _versions(intent),
            plan=Plan(understood=intent.understood, revision=intent.revision, expected=expected),
        )
        crash_point("before_apply")
        try:
            result = await self._store.apply(asked)
            return result, result.repeated
        except BusError as error:
            if error.problem.code is not ErrorCode.TIMEOUT:
                raise
        # Whether it was applied is not known. Sealing tells, and keeps what may still be under way from happening.
        try:
            taken = await self._store.take_over(request.owner, request.operation_id)
            if taken.result is not None:
                return taken.result, False  # recorded by the call that had no answer
            log.warning("apply had no answer; sealed and repeated", extra={"attempt": taken.attempt})
            result = await self._store.apply(asked.model_copy(update={"attempt": taken.attempt}))
            return result, result.repeated
        except BusError as error:
            raise DoubtError(error) from error

    async def confirm(
        self,
        request: Request,
        result: ApplyResult,
        clock: Clock,
        *,
        before: State | None,
        on_phase: OnPhase = _no_phase,
        model: ModelUse | None = None,
        notes: tuple[str, ...] = (),
    ) -> Ended:
        """Read again and compare with the plan that was recorded with the change.

        `before` are PLAN's rows; None after a crash, when they are rebuilt from the journal. Raises DoubtError.
        """
        plan = result.plan
        if plan is None or result.change_id is None:
            raise ValueError("an applied result carries its plan and its change")
        await on_phase(Phase.CONFIRM, result.attempt)
        started = time.perf_counter()
        attempt = {conventions.TODO_ATTEMPT: result.attempt}
        with tracing.step(_TRACER, conventions.CONFIRM, attributes=attempt) as span:
            try:
                after = await self.reader.read(request.owner, journal_since=plan.revision)
                observed = _observe(before, after, result.change_id, plan)
                judgement = judge(plan.expected, observed.ours)
            except BusError as error:
                raise DoubtError(error) from error
            except VerificationError as error:
                # Rows and journal that do not belong together tell nothing; that is not the same as a refutation.
                log.error("not judged", extra={"error_type": type(error).__qualname__, "change_id": result.change_id})
                observed, judgement = Observed(Diff(), Diff()), Judgement(Verdict.UNKNOWN, ())
            span.set_attribute(conventions.TODO_VERDICT, judgement.verdict.value)
        clock.lap("confirm", started)
        crash_point("after_confirm")
        receipt = Receipt(
            request=request.text,
            understood=plan.understood,
            operations=result.operations,
            expected=plan.expected,
            observed=observed.ours,
            others=observed.others,
            verdict=judgement.verdict,
            revision_before=result.revision_before,
            revision_after=result.revision_after,
            change_id=result.change_id,
            attempt=result.attempt,
            timings=clock.total(),
            model=model,
            trace_id=current_trace_id(),
        )
        if judgement.verdict is Verdict.UNKNOWN:
            text = "This was applied, but what the database holds now could not be read."
            return Ended(Outcome.UNKNOWN, text, receipt, reason="not_judged")
        if judgement.verdict is Verdict.CONFIRMED:
            done = words.change_sentences(observed.ours, result.operations)
            sentences = [*done, *notes, *done_since(observed, result, after.journal)]
            return Ended(Outcome.CONFIRMED, " ".join(sentences), receipt)
        kinds = [mismatch.kind.value for mismatch in judgement.mismatches]
        log.error("refuted", extra={"change_id": result.change_id, "mismatches": kinds})
        seen = " ".join(words.change_sentences(observed.ours, result.operations)) or "Nothing of it is there."
        text = f"The database does not show what was planned. What it shows: {seen}"
        return Ended(Outcome.REFUTED, text, receipt, reason="refuted")

    def _impossible(self, request: Request, intent: Intent, clock: Clock, error: ModelError) -> Ended:
        receipt = _receipt(request, intent, clock)
        if isinstance(error, ChangedSinceError):
            text = f"What this change left has been changed since, so it cannot be taken back. {NOTHING_CHANGED}"
            return Ended(Outcome.CONFLICT, text, receipt, reason=error.reason)
        if error.code is ErrorCode.NOT_FOUND:
            text = f"What it is about does not exist (any more). {NOTHING_CHANGED}"
            return Ended(Outcome.NOT_FOUND, text, receipt, reason=error.reason)
        text = f"{words.refusal(error.reason)} {NOTHING_CHANGED}"
        return Ended(Outcome.REFUSED, text, receipt, reason=error.reason)


def _versions(intent: Intent) -> dict[str, int]:
    rows = (intent.before.row(row_id) for row_id in intent.relied_on)
    return {row.id: row.version for row in rows if row is not None}


def _observe(before: State | None, after: Reading, change_id: str, plan: Plan) -> Observed:
    if before is None:
        before = rewind(after.state, after.journal, plan.revision)
    return observe(before, after.state, after.journal, change_id, plan.expected)


def _receipt(request: Request, intent: Intent, clock: Clock, expected: Diff | None = None) -> Receipt:
    return Receipt(
        request=request.text,
        understood=intent.understood,
        operations=intent.operations,
        expected=expected or Diff(),
        revision_before=intent.revision,
        attempt=intent.attempt,
        timings=clock.total(),
        model=intent.model,
        trace_id=current_trace_id(),
    )


def _not_applied(request: Request, intent: Intent, expected: Diff, result: ApplyResult, clock: Clock) -> Ended:
    receipt = _receipt(request, intent, clock, expected)
    match result.status:
        case ApplyStatus.FENCED:
            raise FencedError
        case ApplyStatus.CANCELLED:
            return Ended(Outcome.CANCELLED, words.CANCELLED, receipt)
        case ApplyStatus.CONFLICT:
            text = f"Somebody else changed the same thing just now. {NOTHING_CHANGED} Please look and ask again."
            return Ended(Outcome.CONFLICT, text, receipt, reason=OVERTAKEN)
        case _:
            reason = result.reason or "refused"
            return Ended(Outcome.REFUSED, f"{words.refusal(reason)} {NOTHING_CHANGED}", receipt, reason=reason)
