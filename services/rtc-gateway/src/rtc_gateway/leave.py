"""Until when a page may stay: its token's end, unless it brings a new one before."""

import asyncio
from datetime import UTC, datetime


class Leave:
    """`until` None: this entry does not expire."""

    def __init__(self, until: datetime | None) -> None:
        self._until = until
        self._moved = asyncio.Event()

    def extend(self, until: datetime) -> None:
        """A later end; an earlier one changes nothing, since the page has shown that it may stay longer."""
        if self._until is not None and until > self._until:
            self._until = until
            self._moved.set()

    async def ended(self) -> None:
        """Return when the time is over."""
        while True:
            self._moved.clear()
            left = None if self._until is None else (self._until - datetime.now(UTC)).total_seconds()
            if left is not None and left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    await self._moved.wait()
            except TimeoutError:
                continue
