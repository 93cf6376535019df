"""A small message from Chromium and its answer, through our gateway and the bus, beside bare aiortc's echo.

All in one browser, a few messages of each kind in turns. Our messages go through the page's own data channel.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import Browser, Page

from bench.browser import CONNECTED, bare_server, chromium
from bench.figures import Figure, table
from contracts.tokens import uuid7
from local_stack.temporary import RunningStack

ROUNDS: Final = 20
A_ROUND: Final = 6
WARM_UP: Final = 10
BOUND_MS: Final = 30_000
# A gateway reads 50 frames a second from one page in the long run.
PAUSE_MS: Final = 30

KEEP_THE_CHANNEL: Final = """
const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
  window.__channel = create.apply(this, given);
  return window.__channel;
};
"""
ASK: Final = """
async ({ message, answer, end, fresh, count, pauseMs, boundMs }) => {
  const samples = [];
  for (let number = 0; number < count; number += 1) {
    const sent = { ...message, id: crypto.randomUUID() };
    if (fresh !== null) sent[fresh] = crypto.randomUUID();
    const text = JSON.stringify(sent);
    let started = 0;
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${answer} within ${boundMs} ms`)), boundMs);
      const take = (event) => {
        const arrived = performance.now();
        const { type, ref } = JSON.parse(event.data);
        if (type === answer && ref === sent.id) samples.push(arrived - started);
        if (type !== (end ?? answer) || (end === null && ref !== sent.id)) return;
        clearTimeout(late);
        window.__channel.removeEventListener('message', take);
        resolve();
      };
      window.__channel.addEventListener('message', take);
      started = performance.now();
      window.__channel.send(text);
    });
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return samples;
}
"""


@dataclass(frozen=True)
class Kind:
    """One message and what is waited for: `answer` is measured, `end` comes after it and is waited for too.

    `fresh` is a field that gets a new id each time.
    """

    name: str
    note: str
    message: Mapping[str, str]
    answer: str
    end: str | None = None
    fresh: str | None = None
    samples: list[float] = field(default_factory=list)

    async def ask(self, page: Page, count: int) -> list[float]:
        """Send `count` of them, one after another, and return how many milliseconds each took."""
        given: dict[str, Any] = {
            "message": dict(self.message),
            "answer": self.answer,
            "end": self.end,
            "fresh": self.fresh,
            "count": count,
            "pauseMs": PAUSE_MS,
            "boundMs": BOUND_MS,
        }
        took: list[float] = await page.evaluate(ASK, given)
        return took

    def figure(self) -> Figure:
        return Figure(self.name, tuple(self.samples))


QUESTION: Final = {"type": "turn.start", "text": "what lists are there?"}


async def roundtrip(stack: RunningStack) -> str:
    """The table of round trips."""
    async with chromium() as browser, bare_server() as bare_url:
        async with asyncio.timeout(300):
            return await _measured(browser, stack.url, bare_url)


async def _measured(browser: Browser, stack_url: str, bare_url: str) -> str:
    known = {**QUESTION, "turn_id": uuid7()}
    bare = await browser.new_page()
    await bare.goto(bare_url)
    await bare.evaluate("echoing()")
    ours = await browser.new_page()
    await ours.add_init_script(KEEP_THE_CHANNEL)
    await ours.goto(stack_url)
    await ours.locator(CONNECTED).wait_for(timeout=BOUND_MS)

    echo = Kind("bare aiortc's echo", "", {"type": "ping"}, "pong")
    gateway = Kind("ping and pong: the gateway alone", "the bus has no part in it", {"type": "ping"}, "pong")
    bus = Kind(
        "browser, gateway, bus, gateway, browser", "a turn.start sent again", known, "turn.accepted", "turn.completed"
    )
    disk = Kind("the same, on disk before its answer", "a new turn.start", QUESTION, "turn.accepted", "turn.completed",
                "turn_id")  # fmt: skip
    store = Kind("and through a service with its database", "state.get", {"type": "state.get"}, "state.list")
    asked = ((echo, bare), (gateway, ours), (bus, ours), (disk, ours), (store, ours))
    await bus.ask(ours, 1)  # stored from here on
    for number in range(1 + ROUNDS):
        for kind, page in asked:
            took = await kind.ask(page, WARM_UP if number == 0 else A_ROUND)
            if number > 0:
                kind.samples.extend(took)
    base = echo.figure()
    rows = [base.row()]
    for kind, _ in asked[1:]:
        figure = kind.figure()
        rows.append(figure.row(f"{figure.p50 / base.p50:.1f} x the echo; {kind.note}"))
    return table("A small message and its answer, in Chromium", rows)
