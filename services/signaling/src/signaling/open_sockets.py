"""The sockets that are open in this process: at most so many, and all told when it goes."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from bus.metering import Counter
from contracts.metrics import SOCKETS

log = logging.getLogger(__name__)

_SOCKETS: Final = Counter(SOCKETS)


class Drainable(Protocol):
    async def drain(self) -> None:
        """Close soon."""


class OpenSockets:
    """At most `limit` at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: set[Drainable] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._draining = False

    @property
    def full(self) -> bool:
        return len(self._open) >= self._limit

    @property
    def draining(self) -> bool:
        return self._draining

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def holding(self, socket: Drainable) -> Iterator[None]:
        """Count `socket` as open for the length of the block."""
        self._open.add(socket)
        _SOCKETS.add(1)
        self._none_open.clear()
        try:
            yield
        finally:
            self._open.discard(socket)
            _SOCKETS.add(-1)
            if not self._open:
                self._none_open.set()

    async def drain(self, timeout: float) -> None:
        """Let no more in, tell those that are open, and wait until they are gone, at most `timeout` seconds."""
        self._draining = True
        try:
            async with asyncio.timeout(timeout):
                await asyncio.gather(*(socket.drain() for socket in tuple(self._open)))
                await self._none_open.wait()
        except TimeoutError:
            log.warning("sockets not drained", extra={"left": len(self._open)})
