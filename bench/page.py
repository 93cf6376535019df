"""The page in Chromium over a real stack: its first paint, a request's first signs, a board with ten thousand items.

The longest task is read from the browser's own trace of its main thread: `longtask` entries begin at 50 ms, and what a
person feels begins earlier. Everything runs on one machine, so the browser shares it with the whole stack: beside the
longest task stands the most processor time that any took, which others' work does not stretch.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from playwright.async_api import Browser, Page, ViewportSize

from access.interface import Expected
from access.settings import AUDIENCE, LOCAL_ISSUER
from access.shared_secret import SharedSecrets
from bench.browser import CONNECTED, chromium
from bench.figures import Figure, table
from bench.large_owner import Owner, gateways_bus
from contracts.operations import CompleteItem
from contracts.store import SnapshotPart, SnapshotRequest
from contracts.subjects import OPS_RUN, TODO_SNAPSHOT
from contracts.todo import Author
from contracts.tokens import owner_key, uuid7
from contracts.turns import OperationsCompleted, RunOperations
from local_stack.temporary import RunningStack, running_stack, temporary_directory

LISTS: Final = 500
ITEMS_EACH: Final = 20
PAINTS: Final = 15
REQUESTS: Final = 20
LOADS: Final = 5
CHANGES: Final = 10
SCROLL_STEPS: Final = 120
SCROLL_PX: Final = 700
FRAME_MS: Final = 16
BOUND_MS: Final = 30_000
TIMEOUT_S: Final = 60.0
SIZE: Final[ViewportSize] = {"width": 1280, "height": 800}
LARGE: Final = "large"
SECRET: Final = secrets.token_urlsafe(48)
TASKS: Final = "ThreadControllerImpl::RunTask"
MICROSECONDS: Final = 1000.0

WATCH: Final = """
window.__paints = {};
const note = (type) => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (type !== 'paint' || entry.name === 'first-contentful-paint') {
    window.__paints[type] = entry.startTime;
  }
}).observe({ type, buffered: true });
note('paint');
note('largest-contentful-paint');
"""
ARE_SHOWN: Final = "(lists) => document.querySelectorAll('[data-testid=list]').length === lists"
SIGNS: Final = """
() => new Promise((resolve, reject) => {
  const box = document.querySelector('[data-testid="composer"]');
  const before = document.querySelectorAll('[data-testid="turn"]').length;
  const late = setTimeout(() => reject(new Error('no phase in time')), 30000);
  const seen = {};
  let began = 0;
  // In the frame that shows it, behind its layout.
  const drawn = (name) => requestAnimationFrame(() => setTimeout(() => {
    seen[name] = performance.now() - began;
    if (Object.keys(seen).length < 2) return;
    clearTimeout(late);
    resolve(seen);
  }));
  const asked = new Set();
  const watch = new MutationObserver(() => {
    const turn = document.querySelectorAll('[data-testid="turn"]')[before];
    if (turn === undefined) return;
    const begun = turn.querySelector('[data-testid="phase"]:is([data-state="running"], [data-state="done"])');
    for (const name of begun === null ? ['bubble'] : ['bubble', 'phase']) {
      if (!asked.has(name)) drawn(name);
      asked.add(name);
    }
    if (asked.size === 2) watch.disconnect();
  });
  watch.observe(document.body, { subtree: true, childList: true, attributes: true });
  box.addEventListener('keydown', () => { began = performance.now(); }, { capture: true, once: true });
})
"""


def _address(stack: RunningStack, owner: str) -> str:
    expected = Expected(issuer=LOCAL_ISSUER, audience=AUDIENCE)
    token = SharedSecrets((SECRET,), expected).mint(owner, timedelta(hours=1))
    return f"{stack.url}#t={token}"


async def _blank(browser: Browser) -> Page:
    """An empty tab of a browser that has nothing cached."""
    context = await browser.new_context(viewport=SIZE)
    opened = await context.new_page()
    await opened.add_init_script(WATCH)
    return opened


async def _opened(browser: Browser, address: str) -> Page:
    """The page, once its channel is open."""
    opened = await _blank(browser)
    await opened.goto(address)
    await opened.wait_for_selector(CONNECTED, timeout=BOUND_MS)
    return opened


async def _paints(browser: Browser, stack: RunningStack) -> list[Figure]:
    first: list[float] = []
    largest: list[float] = []
    for number in range(PAINTS):
        opened = await _opened(browser, _address(stack, f"painter-{number}"))
        paints: dict[str, float] = await opened.evaluate("window.__paints")
        first.append(paints["paint"])
        largest.append(paints["largest-contentful-paint"])
        await opened.context.close()
    return [
        Figure("first contentful paint, nothing cached", tuple(first)),
        Figure("largest contentful paint", tuple(largest)),
    ]


async def _signs(browser: Browser, stack: RunningStack) -> list[Figure]:
    bubble: list[float] = []
    phase: list[float] = []
    opened = await _opened(browser, _address(stack, "writer"))
    box = opened.get_by_test_id("composer")
    for number in range(REQUESTS + 1):
        # Nothing is waited for between the watch and the key: the page watches from here on.
        text = f"create a list called Errands {number}"
        await box.fill(text)
        await opened.evaluate(f"void (window.__seen = ({SIGNS})())")
        await box.press("Enter")
        seen: dict[str, float] = await opened.evaluate("window.__seen")
        last = opened.get_by_test_id("turn").last
        await last.locator('[data-testid="receipt"]').wait_for(timeout=BOUND_MS)
        if number > 0:  # the first one warms the stack up
            bubble.append(seen["bubble"])
            phase.append(seen["phase"])
    await opened.context.close()
    return [
        Figure("Enter to the own bubble, drawn", tuple(bubble)),
        Figure("Enter to the first phase, drawn", tuple(phase)),
    ]


@dataclass
class Longest:
    """The longest task of a page's main thread, each time that something was done, in milliseconds."""

    while_what: str
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def row(self) -> str:
        processor = Figure("", tuple(self.processor)).p50
        figure = Figure(f"longest task while {self.while_what}", tuple(self.wall))
        return figure.row(f"{processor:.0f} ms of processor time")


async def _trace(browser: Browser, opened: Page, longest: Longest, act: Callable[[], Awaitable[None]]) -> None:
    """Do it, and note the longest task meanwhile."""
    await browser.start_tracing(page=opened, categories=["toplevel", "__metadata"])
    try:
        await act()
    finally:
        trace = await browser.stop_tracing()
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [event for event in events if event["name"] == TASKS and (event["pid"], event["tid"]) in mains]
    if not tasks:
        raise SystemExit(f"the trace has no {TASKS} of a page's main thread: Chromium names its tasks differently now")
    longest.wall.append(max(float(event.get("dur", 0)) for event in tasks) / MICROSECONDS)
    longest.processor.append(max(float(event.get("tdur", 0)) for event in tasks) / MICROSECONDS)


async def _scroll(opened: Page) -> None:
    """Down over the board with the wheel, a step a frame, then to its end and back to its beginning."""
    board = opened.locator(".board")
    box = await board.bounding_box()
    if box is None:
        raise SystemExit("the board is not shown")
    await opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(SCROLL_STEPS):
        await opened.mouse.wheel(0, SCROLL_PX)
        await opened.wait_for_timeout(FRAME_MS)
    for place in ("board.scrollHeight", "0"):
        await board.evaluate(f"(board) => {{ board.scrollTop = {place}; }}")
        await opened.wait_for_timeout(10 * FRAME_MS)


async def _change(owner: Owner, item_id: str, done: bool) -> None:
    asked = RunOperations(
        owner=owner.owner,
        operation_id=uuid7(),
        author=Author.MCP,
        operations=(CompleteItem(item_id=item_id, done=done),),
    )
    await owner.bus.request(OPS_RUN, asked, OperationsCompleted, timeout=TIMEOUT_S)


async def _first_item(owner: Owner) -> str:
    request = SnapshotRequest(owner=owner.owner)
    first: str | None = None
    async for part in owner.bus.request_many(TODO_SNAPSHOT, request, SnapshotPart, timeout=TIMEOUT_S):
        if first is None and part.items:
            first = part.items[0].id
    if first is None:
        raise SystemExit("the large owner has no items")
    return first


async def _large(browser: Browser, stack: RunningStack) -> tuple[list[str], int, int]:
    """The rows of the table, and how many elements are in the document before and after it was scrolled."""
    shown: list[float] = []
    loading, scrolling, changing = Longest("they come"), Longest("scrolling"), Longest("others change a row")
    async with gateways_bus(stack) as bus:
        owner = Owner(bus, LARGE, owner=owner_key(LOCAL_ISSUER, LARGE))
        await owner.fill(LISTS, ITEMS_EACH)
        item = await _first_item(owner)
        nodes = most = 0
        for _ in range(LOADS):
            opened = await _blank(browser)

            async def load(opened: Page = opened) -> None:
                await opened.goto(_address(stack, LARGE))
                await opened.wait_for_function(
                    ARE_SHOWN,
                    arg=LISTS,
                    timeout=BOUND_MS,
                )
                shown.append(await opened.evaluate("performance.now()"))

            await _trace(browser, opened, loading, load)
            nodes = await opened.evaluate("document.querySelectorAll('*').length")

            async def scroll(opened: Page = opened) -> None:
                await _scroll(opened)

            await _trace(browser, opened, scrolling, scroll)
            most = max(most, await opened.evaluate("document.querySelectorAll('*').length"))

            async def change(opened: Page = opened) -> None:
                for number in range(CHANGES):
                    await _change(owner, item, number % 2 == 0)
                await opened.wait_for_timeout(20 * FRAME_MS)

            await _trace(browser, opened, changing, change)
            await opened.context.close()
    rows = [Figure("address to all lists shown", tuple(shown)).row(), loading.row(), scrolling.row(), changing.row()]
    return rows, nodes, most


async def page() -> str:
    """The tables of the page."""
    environ = {"AUTH_SECRET": SECRET}
    with temporary_directory() as directory:
        async with (
            running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2", environ=environ) as stack,
            chromium() as browser,
        ):
            figures = [*await _paints(browser, stack), *await _signs(browser, stack)]
            large, nodes, most = await _large(browser, stack)
    small = table("The page", [figure.row() for figure in figures])
    title = f"A board of {LISTS} lists with {LISTS * ITEMS_EACH:,} items"
    return f"{small}\n{table(title, large)}\n\nIn the document are {nodes:,} elements, {most:,} after it was scrolled."
