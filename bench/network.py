"""Connect times by path, in Chromium: our page beside bare aiortc and pipecat behind the same coturn, in one run.

From `new RTCPeerConnection` to the open channel, a new page each time, in the laboratory of `bench.lab`: needs root and
Linux. But for `host`, the gateway's machine has no link to the client's network, so TURN is the only way to it. Pages
and signaling come through a forwarder of this process, beside the network. All offer at once; ours and
pipecat's client send their candidates after the offer, bare aiortc's page sends none.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from playwright.async_api import Page

from bench.browser import CONNECTED, bare_server
from bench.figures import Figure, table
from bench.lab.chromium import KEEP_PEERS, Pair, pair_of
from bench.lab.forwarder import forwarded
from bench.lab.laboratory import Lab, running_ground, running_lab
from bench.lab.missing import why_not
from bench.lab.rules import Door, Passes, Way
from bench.lab.rules import Mapping as AddressMapping
from bench.lab.servers import STUN_URL, TURN_TCP, TURN_UDP, credentials, ice_settings, signaling_beside
from bench.rivals import ruler
from bench.rivals.contenders import pipecat_command, running_server

WARM_UP: Final = 2
ROUNDS: Final = 20
BOUND_MS: Final = 30_000
BOUND_S: Final = 420.0


@dataclass(frozen=True)
class Route:
    """One situation, with the TURN addresses that are given in it. `local` and `relay` are what it is to end in."""

    name: str
    way: Way
    turn_urls: tuple[str, ...]
    local: frozenset[str]
    relay: str | None = None

    def is_taken_by(self, pair: Pair | None) -> bool:
        return pair is not None and pair.local in self.local and pair.relay == self.relay


DIRECT: Final = frozenset({"host", "srflx", "prflx"})
RELAY: Final = frozenset({"relay"})
ROUTES: Final = (
    Route("host", Way(mapping=AddressMapping.NONE, door=Door.OPEN), (TURN_UDP, TURN_TCP), DIRECT),
    Route("relay over UDP", Way(), (TURN_UDP,), RELAY, "udp"),
    Route("relay over TCP", Way(), (TURN_TCP,), RELAY, "tcp"),
    Route("UDP blocked, both addresses given", Way(passes=Passes.TCP), (TURN_UDP, TURN_TCP), RELAY, "tcp"),
)


class Contender(Protocol):
    """Somebody whose page can connect."""

    @property
    def name(self) -> str:
        """In the table."""
        ...

    def url(self, route: Route) -> str:
        """Where its page is, for the client's machine."""
        ...

    async def connect(self, page: Page, route: Route) -> float:
        """Connect, and stay; the milliseconds."""
        ...

    async def leave(self, page: Page) -> None:
        """Give back what TURN holds for the page."""
        ...


@dataclass(frozen=True)
class Ours:
    """Our page, which connects by itself and leaves when it is closed. `urls` by the TURN addresses of a signaling."""

    urls: Mapping[tuple[str, ...], str]
    name: str = "todo-agent: page, signaling, bus, gateway"

    def url(self, route: Route) -> str:
        return self.urls[route.turn_urls]

    async def connect(self, page: Page, route: Route) -> float:
        await page.locator(CONNECTED).wait_for(timeout=BOUND_MS)
        return float(await page.evaluate("window.__todoAgent.connectMs"))

    async def leave(self, page: Page) -> None:
        await page.goto("about:blank")


@dataclass(frozen=True)
class Bare:
    """aiortc alone. Its page is given what our signaling would tell ours."""

    address: str
    secret: str = field(repr=False)
    name: str = "bare aiortc, offer at once"

    def url(self, route: Route) -> str:
        return self.address

    async def connect(self, page: Page, route: Route) -> float:
        return float(await page.evaluate("given => arrive(false, given)", ice_servers(self.secret, "bare", route)))

    async def leave(self, page: Page) -> None:
        await page.evaluate("leave()")


@dataclass(frozen=True)
class Pipecat:
    """pipecat's SmallWebRTC with its own client, which is given the same."""

    address: str
    secret: str = field(repr=False)
    name: str = "pipecat SmallWebRTC: its own client and server"

    def url(self, route: Route) -> str:
        return self.address

    async def connect(self, page: Page, route: Route) -> float:
        await page.evaluate(ruler.SCRIPT)
        await page.evaluate("given => void connectPipecat(given)", ice_servers(self.secret, "pipecat", route))
        await ruler.until_open(page)
        return (await ruler.reading(page)).connected_ms

    async def leave(self, page: Page) -> None:
        await page.evaluate("window.__ruler.hangUp()")


def ice_servers(secret: str, user: str, route: Route) -> list[dict[str, Any]]:
    """What our signaling would tell a page, as a browser takes it."""
    username, password = credentials(secret, user)
    turn = {"urls": list(route.turn_urls), "username": username, "credential": password}
    return [{"urls": [STUN_URL]}, turn]


async def network() -> str:
    """The tables; where this machine cannot hold the laboratory, why not. Raises NotInstalledError."""
    reason = why_not()
    if reason is not None:
        return f"\nConnect by path was not measured: {reason}."
    async with (
        asyncio.timeout(BOUND_S),
        running_ground() as ground,
        running_lab(ground) as lab,
        _contenders(lab) as contenders,
    ):
        return "\n".join([await _measured(lab, route, contenders) for route in ROUTES])


@asynccontextmanager
async def _contenders(lab: Lab) -> AsyncIterator[tuple[Contender, ...]]:
    """Whoever is measured, the one that the others are compared with first."""
    secret = lab.ground.shared.now
    async with AsyncExitStack() as standing:
        server, client = lab.network.server, lab.network.client
        bare = await standing.enter_async_context(bare_server(server.command()))
        port = int(bare.rstrip("/").rpartition(":")[2])
        await standing.enter_async_context(forwarded(client, server, port))
        program = server.command(*await pipecat_command())
        rivals_port, _ = await standing.enter_async_context(running_server(*program, note=lambda _: None))
        await standing.enter_async_context(forwarded(client, server, rivals_port))
        urls = {
            given: await standing.enter_async_context(
                signaling_beside(lab.network, lab.stack, ice_settings(secret, given))
            )
            for given in {route.turn_urls for route in ROUTES}
        }
        yield Bare(bare, secret), Pipecat(f"http://127.0.0.1:{rivals_port}/", secret), Ours(urls)


async def _measured(lab: Lab, route: Route, contenders: tuple[Contender, ...]) -> str:
    lab.network.set_up(route.way)
    samples: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(WARM_UP + ROUNDS):
        for contender in contenders:
            took = await _once(lab, route, contender)
            if number >= WARM_UP:
                samples[contender.name].append(took)
    base, *others = (Figure(name, tuple(of_one)) for name, of_one in samples.items())
    rows = [base.row(), *(figure.row(f"{figure.p50 / base.p50:.2f} x the first") for figure in others)]
    return table(f"Connect, Chromium to open data channel: {route.name}", rows)


async def _once(lab: Lab, route: Route, contender: Contender) -> float:
    """A new page's first connection. Raises SystemExit where it went another way than it should have."""
    page = await lab.browser.new_page()
    try:
        await page.add_init_script(KEEP_PEERS)
        await page.goto(contender.url(route))
        took = await contender.connect(page, route)
        pair = await pair_of(page)
        if not route.is_taken_by(pair):
            raise SystemExit(f"{contender.name} went by {pair} where it was to be: {route.name}")
        await contender.leave(page)
        return took
    finally:
        await page.close()


if __name__ == "__main__":
    sys.stdout.write(asyncio.run(network()) + "\n")
