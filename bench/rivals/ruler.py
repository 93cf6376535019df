"""One ruler for every contender's page: a script that is there first, and notes what happens to its connections.

Times are milliseconds since 1970, so that they can be set beside what happened outside of the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Browser, Page

BOUND_MS: Final = 30_000

SCRIPT: Final = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const waiting = new Set();
  const connections = [];
  const note = (by, what) => {
    ruler.told.push({ at: now(), by, what });
    for (const look of waiting) look();
  };
  const ruler = {
    peers: [],
    told: [],
    tell: (what) => note('application', what),
    hangUp: () => connections.forEach((connection) => connection.close()),
    until: (holds, boundMs) => new Promise((resolve, reject) => {
      const look = () => { if (holds(ruler)) { waiting.delete(look); clearTimeout(late); resolve(); } };
      const late = setTimeout(() => reject(new Error(`not within ${boundMs} ms: ${JSON.stringify(ruler)}`)), boundMs);
      waiting.add(look);
      look();
    }),
  };
  window.__ruler = ruler;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      const peer = { made: now(), opened: null };
      super(...given);
      ruler.peers.push(peer);
      connections.push(this);
      this.addEventListener('connectionstatechange', () => note('browser', this.connectionState));
      this.createDataChannel = (...of) => {
        window.__channel = super.createDataChannel(...of);
        window.__channel.addEventListener('open', () => { peer.opened = now(); note('browser', 'channel open'); });
        return window.__channel;
      };
    }
  };
  // What our page shows of its connection; other pages have nothing like it.
  let shown = null;
  new MutationObserver(() => {
    const pill = document.querySelector('[data-testid="connection"]');
    if (pill === null) return;
    const what = pill.dataset.degraded === 'true' ? 'degraded' : pill.dataset.state;
    if (what !== shown) ruler.tell(what);
    shown = what;
  }).observe(document, { subtree: true, childList: true, attributes: true });
})();
"""


@dataclass(frozen=True)
class Told:
    """Something that was said in the page: by the browser to whoever listens, or by the client to its application."""

    at_ms: float
    by: str
    what: str


@dataclass(frozen=True)
class Reading:
    """What the ruler noted: when each peer connection was made and its channel open, and what was told."""

    peers: tuple[tuple[float, float | None], ...]
    told: tuple[Told, ...]

    @property
    def connected_ms(self) -> float:
        """From the making of the first peer connection to its open channel. Raises ValueError if it did not open."""
        made, opened = self.peers[0]
        if opened is None:
            raise ValueError("the channel of the first peer connection did not open")
        return opened - made

    def said(self, by: str, words: frozenset[str], after_ms: float = 0) -> Iterator[float]:
        """When one of these words was said, beyond a time, in order."""
        return (told.at_ms for told in self.told if told.at_ms > after_ms and told.by == by and told.what in words)

    def made_after(self, at_ms: float) -> float | None:
        """When the first peer connection beyond a time was made."""
        return next((made for made, _ in self.peers if made > at_ms), None)


async def measured_page(browser: Browser, url: str) -> Page:
    """A new page at `url` with the ruler in it. Its renderer has made no peer connection before."""
    page = await browser.new_page()
    page.set_default_timeout(BOUND_MS)
    await page.add_init_script(SCRIPT)
    await page.goto(url)
    return page


async def until_open(page: Page) -> None:
    """Until its newest channel is open."""
    await page.evaluate(f"window.__ruler.until(({{ peers }}) => peers.at(-1)?.opened, {BOUND_MS})")


async def until_told(page: Page, what: str) -> None:
    """Until the client has said so to its application."""
    holds = "({ told }) => told.some((one) => one.by === 'application' && one.what === what)"
    await page.evaluate(f"(what) => window.__ruler.until({holds}, {BOUND_MS})", what)


async def close_politely(page: Page) -> None:
    """Close its connections first: a server is then told, whoever it is, and holds nothing of this page any more."""
    await page.evaluate("window.__ruler.hangUp()")
    await page.close()


async def reading(page: Page) -> Reading:
    noted = await page.evaluate("({ peers: window.__ruler.peers, told: window.__ruler.told })")
    return Reading(
        peers=tuple((peer["made"], peer["opened"]) for peer in noted["peers"]),
        told=tuple(Told(one["at"], one["by"], one["what"]) for one in noted["told"]),
    )
