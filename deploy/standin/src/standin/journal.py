"""The chat completions seen so far, for tests to read and to wait on. Bounded in number and in bytes."""

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from standin.chat_request import Json

ENTRIES_MAX: Final = 200
BYTES_MAX: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: its number from 1, its body, its size, whether it bore a token, and what answered it so far."""

    number: int
    body: Json
    size: int
    authorized: bool
    answered_by: str = ""

    def to_json(self) -> Json:
        """As `GET /__standin__/requests` shows it."""
        return {
            "number": self.number,
            "authorized": self.authorized,
            "answered_by": self.answered_by,
            "body": self.body,
        }


class Journal:
    """The last requests, and how many there were in all."""

    def __init__(self) -> None:
        self.seen = 0
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._more = asyncio.Condition()

    def entries(self) -> tuple[Entry, ...]:
        """Oldest first."""
        return tuple(self._entries)

    async def note(self, body: Json, *, size: int, authorized: bool) -> int:
        """A request has come; its number."""
        async with self._more:
            self.seen += 1
            self._entries.append(Entry(self.seen, body, size, authorized))
            while sum(entry.size for entry in self._entries) > BYTES_MAX:
                self._entries.popleft()
            self._more.notify_all()
        return self.seen

    def answered(self, number: int, by: str) -> None:
        """Say what answered a request, if it is still remembered."""
        for place, entry in enumerate(self._entries):
            if entry.number == number:
                self._entries[place] = replace(entry, answered_by=by)

    async def wait(self, at_least: int, timeout: float) -> bool:
        """Until so many have been seen in all; False when `timeout` seconds pass first."""
        try:
            async with asyncio.timeout(timeout), self._more:
                await self._more.wait_for(lambda: self.seen >= at_least)
        except TimeoutError:
            return False
        return True
