"""The page's end: bare aiortc, or Chromium. Both note when each message came, and answer those that ask for it."""

import shlex
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from playwright.async_api import Page, async_playwright

from bench.browser import FLAGS
from bench.loss.child import Child, child

SCRIPT = Path(__file__).parent / "page.js"
Arrivals = dict[str, dict[str, float]]
"""By connection and message number: seconds since the epoch."""


class Pages(Protocol):
    """Many connections of one client."""

    async def offer(self, names: Sequence[str]) -> dict[str, str]: ...

    async def take_answers(self, answers: dict[str, str]) -> None: ...

    async def arrived(self) -> Arrivals:
        """Since the last call."""

    async def close(self, names: Sequence[str]) -> None: ...


class AiortcPages:
    """In a process of their own."""

    def __init__(self, process: Child) -> None:
        self._process = process

    async def offer(self, names: Sequence[str]) -> dict[str, str]:
        offers: dict[str, str] = await self._process.ask("offer", names=list(names))
        return offers

    async def take_answers(self, answers: dict[str, str]) -> None:
        await self._process.ask("take_answers", answers=answers)

    async def arrived(self) -> Arrivals:
        arrivals: Arrivals = await self._process.ask("arrived")
        return arrivals

    async def close(self, names: Sequence[str]) -> None:
        await self._process.ask("close", names=list(names))


class ChromiumPages:
    """All in one page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def offer(self, names: Sequence[str]) -> dict[str, str]:
        offers: dict[str, str] = await self._page.evaluate("(names) => offer(names)", list(names))
        return offers

    async def take_answers(self, answers: dict[str, str]) -> None:
        await self._page.evaluate("(answers) => takeAnswers(answers)", answers)

    async def arrived(self) -> Arrivals:
        arrivals: Arrivals = await self._page.evaluate("arrived()")
        return arrivals

    async def close(self, names: Sequence[str]) -> None:
        await self._page.evaluate("(names) => closeAll(names)", list(names))


@asynccontextmanager
async def aiortc_pages(namespace: str) -> AsyncIterator[Pages]:
    async with child(namespace, "bench.loss.aiortc_page") as process:
        yield AiortcPages(process)


@asynccontextmanager
async def chromium_pages(namespace: str) -> AsyncIterator[Pages]:
    """Raises SystemExit where there is no Chromium."""
    executable = shutil.which("chromium")
    if executable is None:
        raise SystemExit("this bench needs Chromium: sudo apt-get install chromium")
    with TemporaryDirectory(prefix="loss-") as directory:
        # playwright starts one program, and speaks to it by pipes that a namespace leaves alone.
        started = Path(directory) / "chromium"
        started.write_text(f'#!/bin/sh\nexec ip netns exec {shlex.quote(namespace)} {shlex.quote(executable)} "$@"\n')
        started.chmod(0o700)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=str(started), args=list(FLAGS))
            try:
                page = await browser.new_page()
                await page.add_script_tag(path=SCRIPT)
                yield ChromiumPages(page)
            finally:
                await browser.close()
