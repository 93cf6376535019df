"""A server has gone, and what its page notices: the browser, the client, and the application on top of the client."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Browser

from bench.figures import grid
from bench.rivals.contenders import Contender, now_ms, send_signal, waited
from bench.rivals.ruler import Reading, reading

PAGES: Final = 3
NOTICED_MAX_S: Final = 30.0
DISCONNECTED: Final = frozenset({"disconnected", "failed"})


@dataclass(frozen=True)
class Noticed:
    """What the pages of one contender noted after its server got a signal."""

    contender: Contender
    readings: Sequence[Reading]
    since_ms: float

    def row(self, how: str) -> tuple[str, ...]:
        said = [next(one.said("browser", DISCONNECTED, self.since_ms), None) for one in self.readings]
        anew = [one.made_after(self.since_ms) for one in self.readings]
        # Once a client has begun anew, it may have closed the connection that the browser would have said it of.
        browser = [at for at, begun in zip(said, anew, strict=True) if at is not None or begun is None]
        name = f"{self.contender.name}, {how}"
        if self.contender.connected is None:  # it has no client: what the browser says is all there is
            return name, self._after(browser), "", ""
        told = [next(one.said("application", self.contender.lost, self.since_ms), None) for one in self.readings]
        return name, self._after(browser), self._after(anew), self._after(told)

    def _after(self, times: Sequence[float | None]) -> str:
        if not times:
            return ""
        seconds = [NOTICED_MAX_S if at is None else (at - self.since_ms) / 1000 for at in times]
        return waited(seconds, NOTICED_MAX_S)


async def server_gone(browser: Browser, number: signal.Signals, *contenders: Contender) -> list[Noticed]:
    """Open pages, send the signal to all servers at once, and read what the pages have noted NOTICED_MAX_S later."""
    opened = [(contender, await contender.opened(browser)) for contender in contenders for _ in range(PAGES)]
    pids = [contender.pid for contender in contenders]
    since_ms = now_ms()
    send_signal(pids, number)
    try:
        await asyncio.sleep(NOTICED_MAX_S)
        noted = [(contender, await reading(page)) for contender, page in opened]
    finally:
        if number == signal.SIGSTOP:
            send_signal(pids, signal.SIGCONT)
    for _, page in opened:
        await page.close()
    return [
        Noticed(contender, [one for other, one in noted if other is contender], since_ms) for contender in contenders
    ]


def gone_servers(stopped: Sequence[Noticed], killed: Sequence[Noticed]) -> str:
    """The table of both ways to go."""
    rows = [noticed.row("stopped (SIGSTOP)") for noticed in stopped]
    rows += [noticed.row("killed (SIGKILL)") for noticed in killed]
    columns = ("", "the browser says `disconnected`", "a new connection is begun", "the application is told")
    return grid(f"A server has gone: seconds until its page notices, median (longest) of {PAGES}", columns, rows)
