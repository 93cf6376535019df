"""Pings of the gateway: they measure the round trip, and notice a page that is gone."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

from contracts.channel import Ping

UNANSWERED_MAX: Final = 4


class Heartbeat:
    """Of one page. Seconds throughout; `now` is the loop's clock."""

    def __init__(self, *, every_s: float, silent_max_s: float, now: Callable[[], float]) -> None:
        self._every_s = every_s
        self._silent_max_s = silent_max_s
        self._now = now
        self._heard_at = now()
        self._sent_at: dict[str, float] = {}

    def heard(self) -> None:
        """Anything at all came from the page."""
        self._heard_at = self._now()

    def answered(self, ping_id: str) -> float | None:
        """A pong came: the round trip in seconds; None if it answers no ping of ours, or an old one."""
        sent_at = self._sent_at.pop(ping_id, None)
        return None if sent_at is None else self._now() - sent_at

    async def run(self, send: Callable[[Ping], None]) -> None:
        """Ping until nothing has been heard for `silent_max_s`; returns then. ICE itself takes half a minute."""
        while (silent := self._now() - self._heard_at) < self._silent_max_s:
            await asyncio.sleep(min(self._every_s, self._silent_max_s - silent))
            ping = Ping(id=secrets.token_hex(4))
            while len(self._sent_at) >= UNANSWERED_MAX:
                del self._sent_at[next(iter(self._sent_at))]
            self._sent_at[ping.id] = self._now()
            send(ping)
