"""What is told of a turn on its way: phases that begin, and what holds one up. Progress, not a promise."""

import contextlib
from datetime import UTC, datetime

from bus.errors import BusError
from bus.interface import Bus
from contracts import subjects
from contracts.turns import Phase, TurnPhase, TurnStarted, WaitsFor


class Progress:
    """Of one delivered turn."""

    def __init__(self, bus: Bus, started: TurnStarted) -> None:
        self._bus = bus
        self._started = started
        self._phase = Phase.PLAN
        self._attempt = 1

    async def begun(self, phase: Phase, attempt: int) -> None:
        """A phase begins. Raises BusError: a turn that cannot be told of is not begun."""
        self._phase, self._attempt = phase, attempt
        await self._publish(None)

    async def waits_for(self, what: WaitsFor) -> None:
        """The phase takes long, because of this."""
        # What is waited for may be the bus itself.
        with contextlib.suppress(BusError):
            await self._publish(what)

    async def _publish(self, what: WaitsFor | None) -> None:
        started = self._started
        elapsed = max(0.0, (datetime.now(UTC) - started.accepted_at).total_seconds() * 1000)
        event = TurnPhase(
            session=started.session,
            turn_id=started.turn_id,
            phase=self._phase,
            attempt=self._attempt,
            elapsed_ms=elapsed,
            waits_for=what,
        )
        # Without waiting for the stream's ack.
        await self._bus.publish(subjects.turn_phase(started.session, started.turn_id, self._phase), event)
