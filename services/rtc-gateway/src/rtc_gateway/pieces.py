"""Joins pieces of free prose: a packet each costs many times as much as the same words in a few."""

import asyncio
from collections.abc import Callable
from typing import Final

from contracts.channel import TurnDeltaEvent

HOLD_S: Final = 0.02
JOINED_MAX_CHARS: Final = 4096


class Pieces:
    """Holds the pieces of one turn for at most HOLD_S seconds, or until they are JOINED_MAX_CHARS long."""

    def __init__(self, tell: Callable[[TurnDeltaEvent], None]) -> None:
        self._tell = tell
        self._held: TurnDeltaEvent | None = None
        self._due: asyncio.TimerHandle | None = None

    def add(self, piece: TurnDeltaEvent) -> None:
        """Take the next piece. One that does not follow what is held lets that go first."""
        joined = None if self._held is None else _joined(self._held, piece)
        if joined is None:
            self.flush()
            joined = piece
        self._held = joined
        if len(joined.text) >= JOINED_MAX_CHARS:
            self.flush()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(HOLD_S, self.flush)

    def flush(self) -> None:
        """Tell what is held: before anything else is told, and at the end."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        held, self._held = self._held, None
        if held is not None:
            self._tell(held)


def _joined(first: TurnDeltaEvent, second: TurnDeltaEvent) -> TurnDeltaEvent | None:
    """Both as one; None where the second does not begin where the first ends."""
    follows = (second.turn_id, second.attempt, second.offset) == (
        first.turn_id,
        first.attempt,
        first.offset + len(first.text),
    )
    return first.model_copy(update={"text": first.text + second.text}) if follows else None
