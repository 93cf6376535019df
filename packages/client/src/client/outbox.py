"""What was asked for and has no outcome yet, across connections: what to send when, and what a refusal means. Pure.

Everything goes out under an id that the server knows it by, so that sending it again never does it twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from client.backoff import full_jitter_s
from client.errors import is_certain
from contracts.channel import RunOperation, TurnStart
from contracts.message import ErrorCode, Problem

ROOM: Final = 256  # so many outcomes a gateway looks after
WINDOW: Final = 8  # a gateway serves 16 requests of a session at once, and refuses the rest
ANSWER_S: Final = 15.0  # as the page waits
RETRY_LEAST_S: Final = 0.1
PASSING: Final = frozenset({ErrorCode.TIMEOUT, ErrorCode.RATE, ErrorCode.OVERLOADED, ErrorCode.UNAVAILABLE})

Request = TurnStart | RunOperation
"""Its message id is that of the turn or the operations, so a refusal finds it by its `ref`."""


class _State(Enum):
    WAITING = auto()  # to be sent on this channel
    SENT = auto()  # and not answered yet
    HELD = auto()  # accepted: its outcome will come by itself


@dataclass
class _Entry:
    request: Request
    state: _State = _State.WAITING
    refusals: int = 0  # or silences, in a row
    not_before: float = 0.0
    sent_at: float = 0.0
    doubtful: bool = False  # one that was sent may have been, or will be, carried out
    refusal: Problem | None = None


class Outbox:
    """Requests in the order in which they were made. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def add(self, request: Request) -> bool:
        """False where ROOM requests wait already."""
        if len(self._entries) >= ROOM:
            return False
        self._entries[request.id] = _Entry(request)
        return True

    def remove(self, request_id: str) -> None:
        """It has its outcome, or nobody waits for it any more."""
        self._entries.pop(request_id, None)

    def reopened(self) -> None:
        """There is another channel: everything is to be sent again, since nobody knows what arrived on the last one."""
        for entry in self._entries.values():
            entry.doubtful = entry.doubtful or entry.state is _State.SENT
            entry.state, entry.refusals, entry.not_before = _State.WAITING, 0, 0.0

    def due(self, now: float) -> Iterator[Request]:
        """What is to be sent now, counted as sent when it is taken. At most WINDOW wait for an answer at once."""
        room = WINDOW - sum(1 for entry in self._entries.values() if entry.state is _State.SENT)
        for entry in list(self._entries.values()):
            if room > 0 and entry.state is _State.WAITING and entry.not_before <= now:
                room -= 1
                entry.state, entry.sent_at = _State.SENT, now
                yield entry.request

    def next_at(self, now: float) -> float | None:
        """When something more will be due by itself."""
        times = (_next_at(entry) for entry in self._entries.values() if entry.state is not _State.HELD)
        return min((time for time in times if time > now), default=None)

    def give_up(self, now: float, chance: float) -> None:
        """Whatever was not answered within ANSWER_S is to be sent again, and leaves its room to others meanwhile."""
        for entry in self._entries.values():
            if entry.state is _State.SENT and _next_at(entry) <= now:
                entry.doubtful = True
                _wait(entry, now, chance)

    def accepted(self, request_id: str) -> None:
        """It is stored, and its outcome will be told."""
        entry = self._entries.get(request_id)
        if entry is not None:
            entry.state, entry.refusals, entry.doubtful = _State.HELD, 0, True

    def refused(self, problem: Problem, *, now: float, chance: float, retry_after_s: float = 0.0) -> bool:
        """Take the refusal of `problem.ref`. True if that is its end: nothing was done, and nothing will be.

        One that passes, or that leaves open whether anything was done, is waited out; `chance`, from 0 to below 1, says
        how long. One of a request that was sent before says nothing of the time before: that may have been carried out,
        and its outcome be on its way.
        """
        entry = self._entries.get(problem.ref or "")
        if entry is None or entry.state is not _State.SENT:
            return False
        entry.refusal = problem
        certain = is_certain(problem)
        entry.doubtful = entry.doubtful or not certain
        if problem.code in PASSING or not certain:
            _wait(entry, now, chance, retry_after_s)
            return False
        entry.state = _State.HELD
        return not entry.doubtful

    def refusal_of(self, request_id: str) -> Problem | None:
        """Why nothing was done of it, where that is certain."""
        entry = self._entries.get(request_id)
        if entry is None or entry.doubtful or entry.state is _State.SENT:
            return None
        return entry.refusal


def _next_at(entry: _Entry) -> float:
    return entry.sent_at + ANSWER_S if entry.state is _State.SENT else entry.not_before


def _wait(entry: _Entry, now: float, chance: float, least_s: float = 0.0) -> None:
    """To be sent again, but not at once: what refuses or says nothing is busy, or its neighbours are away."""
    entry.refusals += 1
    entry.state = _State.WAITING
    entry.not_before = now + max(least_s, RETRY_LEAST_S, full_jitter_s(entry.refusals, chance))
