"""The turns whose outcome a page waits for. One whose event never came is read from where it is stored.

The feed of events finds what it knows to be lost. What nobody tells of, as between the servers of a cluster, whose
copies of a stream may be behind, is found here.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from bus import tracing
from bus.errors import BusError
from contracts.channel import TurnCompletedEvent
from rtc_gateway.patience import Patience

log = logging.getLogger(__name__)

AWAITED_MAX: Final = 256  # a page has 32 under way


class AwaitedTurns:
    """Looks every `look_every_s` seconds while a turn is awaited."""

    def __init__(
        self,
        read: Callable[[str], Awaitable[TurnCompletedEvent | None]],
        tell: Callable[[TurnCompletedEvent], None],
        look_every_s: float,
    ) -> None:
        self._read = read
        self._tell = tell
        self._patience = Patience(look_every_s)
        self._turns: dict[str, str] = {}  # with the message that asked, in the order in which they were accepted

    def add(self, turn_id: str, ref: str) -> None:
        """It was accepted, as `ref`. Beyond AWAITED_MAX the oldest is not looked for any more; its event may still
        come."""
        self._turns[turn_id] = ref
        if len(self._turns) > AWAITED_MAX:
            del self._turns[next(iter(self._turns))]

    def done(self, turn_id: str) -> None:
        """The page was told its outcome."""
        self._turns.pop(turn_id, None)

    async def run(self) -> None:
        """Look, again and again."""
        while True:
            await self._patience.wait()
            await self._look()

    async def _look(self) -> None:
        left = list(self._turns)
        while left:
            turn_id = left[0]
            try:
                with tracing.unrecorded():  # again and again, mostly to find nothing yet
                    outcome = await self._read(turn_id) if turn_id in self._turns else None
            except BusError as error:
                log.warning("outcome not read", extra={"turn": turn_id, "code": error.problem.code.value})
                await self._patience.after_failure()
                continue
            self._patience.succeeded()
            left.pop(0)
            # It may have come meanwhile.
            ref = self._turns.get(turn_id)
            if outcome is not None and ref is not None:
                # Not in its place among the events, so it says nothing about those before it.
                self._tell(outcome.model_copy(update={"ref": ref}))
