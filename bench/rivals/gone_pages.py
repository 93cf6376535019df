"""A page has gone, and how long its server takes it for alive: for as long as it holds the peer's UDP sockets."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import psutil
from playwright.async_api import Browser, Page

from bench.browser import chromium
from bench.figures import grid
from bench.rivals.contenders import Contender, now_ms, send_signal, waited

PAGES: Final = 3
HELD_MAX_S: Final = 60.0
LOOK_EVERY_S: Final = 0.05
KINDS: Final = {
    "closed": "its tab is closed",
    "killed": "its browser is killed (SIGKILL)",
    "stopped": "its browser is stopped (SIGSTOP)",
}


@dataclass
class Gone:
    """Pages of one contender that go in one way, and the sockets that the server has for each."""

    contender: Contender
    kind: str
    browser: Browser
    pages: list[Page] = field(default_factory=list)
    sockets: list[frozenset[tuple[str, int]]] = field(default_factory=list)
    held_s: list[float] = field(default_factory=list)

    async def connect(self) -> None:
        for _ in range(PAGES):
            before = self.contender.sockets()
            self.pages.append(await self.contender.opened(self.browser))
            self.sockets.append(self.contender.sockets() - before)
        if not all(self.sockets):
            raise RuntimeError(f"{self.contender.name} made no socket for a peer that is connected")

    async def go(self) -> float:
        """Have the pages gone; the time at which they began to go."""
        pids = await _processes(self.browser)
        at = now_ms()
        if self.kind == "closed":
            await asyncio.gather(*(page.close() for page in self.pages))
        else:
            send_signal(pids, signal.SIGKILL if self.kind == "killed" else signal.SIGSTOP)
        return at

    async def watch(self, gone_at: float) -> None:
        """Note for each page when the server has let go of it, or HELD_MAX_S."""
        left = list(self.sockets)
        while left:
            now = self.contender.sockets()
            seconds = (now_ms() - gone_at) / 1000
            freed = [sockets for sockets in left if seconds > HELD_MAX_S or not sockets & now]
            self.held_s += [min(seconds, HELD_MAX_S)] * len(freed)
            left = [sockets for sockets in left if sockets not in freed]
            await asyncio.sleep(LOOK_EVERY_S)


async def gone_pages(*contenders: Contender) -> str:
    """The table of how long each server holds each kind of dead page. All at once: they hardly work meanwhile."""
    async with AsyncExitStack() as browsers:
        cells = [
            Gone(contender, kind, await browsers.enter_async_context(_mortal()))
            for contender in contenders
            for kind in KINDS
        ]
        for cell in cells:
            await cell.connect()
        begun = now_ms()
        times = await asyncio.gather(*(cell.go() for cell in cells))
        await asyncio.gather(*(cell.watch(at) for cell, at in zip(cells, times, strict=True)))
    rows = [
        (
            contender.name,
            *(waited(cell.held_s, HELD_MAX_S) for cell in cells if cell.contender is contender),
            _said_by(contender, begun),
        )
        for contender in contenders
    ]
    title = f"A page has gone: seconds for which its server holds the peer, median (longest) of {PAGES}"
    return grid(title, ("", *KINDS.values(), ""), rows)


def _said_by(contender: Contender, begun_ms: float) -> str:
    """When a server's own measure of liveness said so, where it has one that is not seen in its sockets."""
    times = [at - begun_ms / 1000 for at, event in contender.events if event == "is_connected() is false"]
    times = [seconds for seconds in times if seconds > 0]
    return f"its `is_connected()` is false after {median(times):.1f}" if times else ""


@asynccontextmanager
async def _mortal() -> AsyncIterator[Browser]:
    """A Chromium that may be killed or stopped: whatever is left of it ends with the block."""
    async with chromium() as browser:
        pids = await _processes(browser)
        try:
            yield browser
        finally:
            # One that is stopped answers nothing, and would be waited for.
            send_signal([*pids, *_children(pids[0])], signal.SIGKILL)


async def _processes(browser: Browser) -> list[int]:
    """The browser's process, and all of its children."""
    session = await browser.new_browser_cdp_session()
    found = await session.send("SystemInfo.getProcessInfo")
    await session.detach()
    (main,) = [int(one["id"]) for one in found["processInfo"] if one["type"] == "browser"]
    return [main, *_children(main)]


def _children(pid: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []
