"""From `new RTCPeerConnection` to the open channel, in Chromium: our page beside bare aiortc, in turns, in one run."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from bench.figures import Figure, table

WARM_UP = 3
ROUNDS = 20
BOUND_MS = 30_000
CONNECTED = '[data-testid="connection"][data-state="connected"]'
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
BARE = Path(__file__).parent / "bare_aiortc.py"


@asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    """Bare aiortc in a process of its own, as our gateway is."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(BARE), stdout=PIPE)
    if process.stdout is None:
        raise RuntimeError("no output to read the port from")
    try:
        port = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        await process.communicate()


async def connect(stack_url: str) -> str:
    """The table of connect times."""
    executable = shutil.which("chromium")
    if executable is None:
        raise SystemExit("the connect bench needs Chromium: sudo apt-get install chromium")
    async with async_playwright() as playwright, bare_server() as bare_url:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            return await _measured(browser, stack_url, bare_url)
        finally:
            await browser.close()


async def _measured(browser: Browser, stack_url: str, bare_url: str) -> str:
    samples: dict[str, list[float]] = {"ours": [], "at once": [], "gathered": []}
    for number in range(WARM_UP + ROUNDS):
        took = {
            "at once": await _on_a_new_page(browser, bare_url, "connect(false)"),
            "ours": await _on_a_new_page(browser, stack_url, "window.__todoAgent.connectMs", until=CONNECTED),
        }
        if number % 4 == 0:
            took["gathered"] = await _on_a_new_page(browser, bare_url, "connect(true)")
        if number >= WARM_UP:
            for name, milliseconds in took.items():
                samples[name].append(milliseconds)
    ours = Figure("todo-agent: page, signaling, bus, gateway", tuple(samples["ours"]))
    at_once = Figure("bare aiortc, offer at once", tuple(samples["at once"]))
    gathered = Figure("bare aiortc, its usual example (offer after gathering)", tuple(samples["gathered"]))
    rows = [gathered.row(), at_once.row(), ours.row(f"{ours.p50 / at_once.p50:.2f} x of the one above")]
    return table("Connect, Chromium to open data channel, a new page each time", rows)


async def _on_a_new_page(browser: Browser, url: str, expression: str, *, until: str | None = None) -> float:
    """A page's first connection: its renderer has made no peer connection before, whoever serves it."""
    page: Page = await browser.new_page()
    try:
        await page.goto(url)
        if until is not None:
            await page.locator(until).wait_for(timeout=BOUND_MS)
        return float(await page.evaluate(expression))
    finally:
        await page.close()
