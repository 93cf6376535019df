"""A bounded line of messages to one reader."""

import asyncio
from collections import deque
from typing import Final, Generic, Self, TypeVar

from client.errors import ClientError, Missed
from contracts.todo import JournalEntry

UNREAD_MAX: Final = 1000
ItemT = TypeVar("ItemT")


class Feed(Generic[ItemT]):
    """Iterates over everything from the moment it was made, without end; raises ClientError when the connection is
    lost, Missed when the reader is UNREAD_MAX items behind. For one reader."""

    def __init__(self, end: ClientError | None = None) -> None:
        self._items: deque[ItemT] = deque()
        self._end = end
        self._wake = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        while not self._items:
            if self._end is not None:
                raise self._end
            self._wake.clear()
            await self._wake.wait()
        return self._items.popleft()

    def put(self, item: ItemT) -> None:
        """Add an item; without effect once ended."""
        if self._end is not None:
            return
        if len(self._items) >= UNREAD_MAX:
            self.end(Missed(f"{UNREAD_MAX} messages were left unread; read faster, or ask for the lists again"))
            return
        self._items.append(item)
        self._wake.set()

    def end(self, reason: ClientError) -> None:
        """What is unread stays readable; then `reason` is raised."""
        if self._end is None:
            self._end = reason
        self._wake.set()


class Changes(Feed[JournalEntry]):
    """Journal entries, each once and each the one after the other; ends with Missed where one is missing."""

    def __init__(self, end: ClientError | None = None) -> None:
        super().__init__(end)
        self._last: int | None = None

    def put(self, item: JournalEntry) -> None:
        if self._last is not None and item.revision <= self._last:
            return  # told again
        if self._last is not None and item.revision > self._last + 1:
            self.end(Missed("a change is missing; read the lists again and follow from there"))
            return
        self._last = item.revision
        super().put(item)
