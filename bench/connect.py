"""From `new RTCPeerConnection` to the open channel, in Chromium: our page beside bare aiortc, in turns, in one run."""

from playwright.async_api import Browser, Page

from bench.browser import CONNECTED, bare_server, chromium
from bench.figures import Figure, table
from local_stack.temporary import RunningStack

WARM_UP = 3
ROUNDS = 20
BOUND_MS = 30_000


async def connect(stack: RunningStack) -> str:
    """The table of connect times."""
    async with chromium() as browser, bare_server() as bare_url:
        return await _measured(browser, stack.url, bare_url)


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
