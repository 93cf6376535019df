"""What the agent counts of turns, operations and its model. Labels are names of ours; nothing that anybody wrote."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from agent.cycle import Ended
from agent.faults import ModelError
from bus.metering import Counter, Histogram
from contracts import metrics
from contracts.message import ErrorCode
from contracts.metric_labels import GEN_AI
from contracts.todo import Author
from contracts.turns import Outcome, Phase, TurnStarted

_TURNS: Final = Counter(metrics.TURNS)
_TURN_DURATION: Final = Histogram(metrics.TURN_DURATION)
_PHASES: Final = Histogram(metrics.PHASE_DURATION)
_OPERATIONS: Final = Counter(metrics.OPERATIONS)
_OPERATIONS_REFUSED: Final = Counter(metrics.OPERATIONS_REFUSED)
_OPERATION_DURATION: Final = Histogram(metrics.OPERATION_DURATION)
_VERDICTS: Final = Counter(metrics.VERDICTS)
_DEAD_LETTERS: Final = Counter(metrics.DEAD_LETTERS)
_MODEL_DURATION: Final = Histogram(metrics.MODEL_DURATION)
_MODEL_TOKENS: Final = Histogram(metrics.MODEL_TOKENS)
_CHAT: Final = {name: value for label in GEN_AI for name, value in ((label.name, next(iter(label.values))),)}


def turn_ended(started: TurnStarted, ended: Ended) -> None:
    """Its outcome is stored, and there was none before. Once for each turn, whoever had it."""
    waited_s = max(0.0, (datetime.now(UTC) - started.accepted_at).total_seconds())
    outcome = {"outcome": ended.outcome.value}
    _TURNS.add(1, outcome)
    _TURN_DURATION.record(waited_s, outcome)
    # Until a worker had it. What comes later, as waiting for the store or the stream, is no queue.
    if (queued_ms := ended.receipt.timings.queued) is not None:
        _PHASES.record(queued_ms / 1000, {"phase": "queued", "door": Author.CHAT.value})
    _phases(ended, Author.CHAT)
    _verdict(ended, Author.CHAT)  # also of what another worker did for it: that one has not counted the turn


def operation_ended(door: Author, ended: Ended) -> None:
    """A click or a tool call is answered; a repeat of one counts again, and the verdict on what it did does not."""
    _OPERATIONS.add(1, {"door": door.value, "outcome": ended.outcome.value})
    _OPERATION_DURATION.record((ended.receipt.timings.total or 0.0) / 1000, {"door": door.value})
    _phases(ended, door)
    if not ended.repeated:
        _verdict(ended, door)


def operation_refused(door: Author, code: ErrorCode) -> None:
    """A click or a tool call is answered with a code, and has no outcome."""
    _OPERATIONS_REFUSED.add(1, {"door": door.value, "code": code.value})


def poison_kept() -> None:
    """A turn is given up after its last crash, and a copy of it in DLQ. Its outcome is counted when that is stored."""
    _DEAD_LETTERS.add(1, {"reason": "poison"})


def unreadable_ended(outcome: Outcome) -> None:
    """A start that nobody can read has its outcome, and a copy in DLQ."""
    _DEAD_LETTERS.add(1, {"reason": "unreadable"})
    _TURNS.add(1, {"outcome": outcome.value})


@contextmanager
def asking_the_model() -> Iterator[None]:
    """Around one question."""
    started = time.perf_counter()
    try:
        yield
    except ModelError as error:
        _MODEL_DURATION.record(time.perf_counter() - started, _CHAT | {"error.type": error.fault.value})
        raise
    _MODEL_DURATION.record(time.perf_counter() - started, _CHAT)


def tokens_used(prompt: int | None, completion: int | None) -> None:
    """As the server counts them; None where it does not."""
    for kind, count in (("input", prompt), ("output", completion)):
        if count is not None:
            _MODEL_TOKENS.record(count, _CHAT | {"gen_ai.token.type": kind})


def _phases(ended: Ended, door: Author) -> None:
    timings = ended.receipt.timings
    for phase, took_ms in (
        (Phase.PLAN, timings.plan),
        (Phase.EXECUTE, timings.execute),
        (Phase.CONFIRM, timings.confirm),
    ):
        if took_ms is not None:
            _PHASES.record(took_ms / 1000, {"phase": phase.value, "door": door.value})


def _verdict(ended: Ended, door: Author) -> None:
    if (verdict := ended.receipt.verdict) is not None:
        _VERDICTS.add(1, {"verdict": verdict.value, "door": door.value})
