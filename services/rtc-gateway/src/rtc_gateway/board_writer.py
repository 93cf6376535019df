"""Writes an owner's board to one page, as fast as it reads: while it does not, nothing is queued but one place."""

from collections.abc import Iterator
from typing import Final

from contracts.channel import GatewayMessage, StateStale
from rtc_gateway.board_feed import PageBoard
from rtc_gateway.boards import OwnerBoard
from rtc_gateway.measures import Measures
from rtc_gateway.outbox import Outbox

PORTION: Final = 32
"""So many changes go out before other long messages have their turn."""


class BoardWriter:
    """From the moment it was made, or from where the page's last `state.get` was."""

    def __init__(self, board: OwnerBoard, outbox: Outbox, measures: Measures) -> None:
        self._board = board
        self._page = PageBoard(board.feed)
        self._outbox = outbox
        self._measures = measures
        self._queued = False

    def loaded(self, revision: int) -> None:
        """The rows as of `revision` go to the page next."""
        self._page.loaded(revision)
        self._board.moved()

    def moved(self) -> None:
        """There may be something to tell."""
        if self._page.waiting and not self._queued:
            self._queued = True
            self._outbox.begin(self._portion())

    def _portion(self) -> Iterator[GatewayMessage]:
        for _ in range(PORTION):
            message = self._page.next()
            if message is None:
                break
            if isinstance(message, StateStale):
                self._measures.boards_stale.add(1)
            yield message
        self._queued = False
        self.moved()
