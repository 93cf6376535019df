"""The last word on a turn: its `completed`, kept by the stream once, and the copy for operators of one given up."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Final

from agent import counting
from agent.cycle import Clock, Ended
from agent.receipts import fitted, fitted_text
from agent.words import NOTHING_CHANGED
from bus.errors import BusError, RetryLater
from bus.interface import Bus, Job, Stored
from bus.tracing import current_trace_id
from contracts import streams, subjects
from contracts.message import Message
from contracts.turns import Candidate, DeadTurn, Outcome, Receipt, TurnCompleted, TurnStarted, Verdict
from runtime.crash import crash_point

log = logging.getLogger(__name__)

OUTAGE_MAX_S: Final = 600.0
"""For so long an outage is waited out in place."""


class Telling:
    """Stores what became of turns, waiting out the stream's outages. Raises RetryLater after OUTAGE_MAX_S."""

    def __init__(self, bus: Bus, *, retry_s: float) -> None:
        self._bus = bus
        self._retry_s = retry_s

    async def was_told(self, started: TurnStarted) -> bool:
        """Whether the turn has its outcome. Raises BusError."""
        return (
            await self._bus.stored(streams.CHAT, subjects.turn_completed(started.session, started.turn_id)) is not None
        )

    async def complete(self, started: TurnStarted, ended: Ended, candidates: tuple[Candidate, ...]) -> None:
        """Tell what a turn came to, and count it. If it has an outcome already, that one stays."""
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
        stored = await self._until_stored(subjects.turn_completed(started.session, started.turn_id), completed)
        if not stored.repeated:
            counting.turn_ended(started, ended)

    async def take_out(self, job: Job) -> None:
        """A start that cannot be read, of another release perhaps: it would hold up its partition for ever."""
        session, turn_id = subjects.turn_of_job(job.subject)
        now = datetime.now(UTC)
        await self._until_stored(
            subjects.dead_turn(session, turn_id),
            DeadTurn(
                session=session, turn_id=turn_id, crashes=job.deliveries - 1, stream_sequence=job.sequence, at=now
            ),
        )
        completed = TurnCompleted(
            session=session,
            turn_id=turn_id,
            outcome=Outcome.FAILED,
            text=f"The agent could not read this request. Send it again. {NOTHING_CHANGED}",
            reason="unreadable",
            receipt=Receipt(trace_id=current_trace_id()),
            completed_at=now,
        )
        stored = await self._until_stored(subjects.turn_completed(session, turn_id), completed)
        if not stored.repeated:
            counting.unreadable_ended(completed.outcome)

    async def give_up(self, started: TurnStarted, job: Job, crashes: int, clock: Clock, *, applied: bool) -> Ended:
        """What is said of a turn after its last crash, with a copy for operators. Raises BusError."""
        dead = DeadTurn(
            session=started.session,
            turn_id=started.turn_id,
            owner=started.owner,
            crashes=crashes,
            stream_sequence=job.sequence,
            at=datetime.now(UTC),
        )
        stored = await self._bus.store(subjects.dead_turn(started.session, started.turn_id), dead)
        if not stored.repeated:  # by a worker that died, or lost the stream, before it told the outcome
            counting.poison_kept()
        log.error("turn given up", extra={"crashes": crashes, "stream_sequence": job.sequence})
        verdict = Verdict.UNKNOWN if applied else None
        receipt = Receipt(request=started.text, verdict=verdict, timings=clock.total(), trace_id=current_trace_id())
        if applied:
            text = "This was applied, but what the database holds now could not be shown. Please look at your lists."
            return Ended(Outcome.UNKNOWN, text, receipt, reason="poison")
        text = f"The agent could not get through this request in {crashes} tries and gave it up. {NOTHING_CHANGED}"
        return Ended(Outcome.FAILED, text, receipt, reason="poison")

    async def _until_stored(self, subject: str, message: Message) -> Stored:
        until = time.monotonic() + OUTAGE_MAX_S
        while True:
            try:
                return await self._bus.store(subject, message)
            except BusError as error:
                if not error.passing or time.monotonic() > until:
                    raise RetryLater(error.problem.code.value, self._retry_s) from error
                log.warning("waiting for the stream", extra={"code": error.problem.code.value})
                await asyncio.sleep(self._retry_s)
