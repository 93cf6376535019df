"""How turns end without a change: cancelled, refused by the store, without a plan; and what two plans cost."""

import logging
from dataclasses import replace

from agent.cycle import Clock, Ended
from agent.faults import ModelError, sentence
from agent.resolution import Ending
from agent.words import CANCELLED, NOTHING_CHANGED, refusal
from bus.errors import BusError
from bus.tracing import current_trace_id
from contracts.turns import ModelUse, Outcome, Receipt, TurnStarted

log = logging.getLogger(__name__)


def cancelled(started: TurnStarted, clock: Clock) -> Ended:
    receipt = Receipt(request=started.text, timings=clock.total(), trace_id=current_trace_id())
    return Ended(Outcome.CANCELLED, CANCELLED, receipt)


def interrupted(started: TurnStarted, clock: Clock) -> Ended:
    """Closed by a worker that then died, and would be applied now."""
    receipt = Receipt(request=started.text, timings=clock.total(), trace_id=current_trace_id())
    text = f"The agent was interrupted before it could answer. {NOTHING_CHANGED} Please ask again."
    return Ended(Outcome.FAILED, text, receipt, reason="interrupted")


def refused_by_the_store(started: TurnStarted, clock: Clock, error: BusError) -> Ended:
    log.warning("store refused", extra={"code": error.problem.code.value})
    receipt = Receipt(request=started.text, timings=clock.total(), trace_id=current_trace_id())
    text = f"{refusal(error.problem.code.value)} {NOTHING_CHANGED}"
    return Ended(Outcome.REFUSED, text, receipt, reason=error.problem.code.value)


def model_failed(error: ModelError) -> Ending:
    log.warning("model failed", extra={"fault": error.fault.value, "status": error.status})
    return Ending(Outcome.FAILED, f"{sentence(error.fault)} {NOTHING_CHANGED}", reason=error.fault.value)


def with_model_use(ended: Ended, earlier: ModelUse | None) -> Ended:
    """The receipt of a turn that was planned twice counts both plans."""
    use = ended.receipt.model
    if use is None or earlier is None:
        return replace(ended, receipt=ended.receipt.model_copy(update={"model": use or earlier}))
    both = use.model_copy(
        update={
            "calls": earlier.calls + use.calls,
            "prompt_tokens": _sum(earlier.prompt_tokens, use.prompt_tokens),
            "completion_tokens": _sum(earlier.completion_tokens, use.completion_tokens),
        }
    )
    return replace(ended, receipt=ended.receipt.model_copy(update={"model": both}))


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)
