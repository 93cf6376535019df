"""From `new RTCPeerConnection` to the open channel, and a small message and its answer: all contenders in turns."""

from dataclasses import dataclass, field
from typing import Final

from playwright.async_api import Browser

from bench.figures import Figure, table
from bench.rivals.contenders import Contender
from bench.rivals.ruler import close_politely, measured_page, reading
from bench.roundtrip import A_ROUND, WARM_UP, Kind
from bench.roundtrip import ROUNDS as ECHO_ROUNDS

CONNECT_WARM_UP: Final = 2
ROUNDS: Final = 20
GATHERED_EVERY: Final = 4


@dataclass
class Samples:
    """Milliseconds to the open channel, and to the word of the client that it is connected."""

    opened: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)


async def connecting(browser: Browser, bare: Contender, pipecat: Contender, ours: Contender) -> str:
    """The table of connect times: a new page each time."""
    taken = {contender.name: Samples() for contender in (bare, pipecat, ours)}
    gathered: list[float] = []
    for number in range(CONNECT_WARM_UP + ROUNDS):
        warm = number >= CONNECT_WARM_UP
        for contender in (bare, pipecat, ours):
            samples = await _connected(browser, contender)
            if warm:
                taken[contender.name].opened += samples.opened
                taken[contender.name].told += samples.told
        if warm and number % GATHERED_EVERY == 0:
            page = await measured_page(browser, bare.url)
            gathered.append(float(await page.evaluate("connect(true)")))
            await page.close()
    at_once = Figure("bare aiortc, offer at once", tuple(taken[bare.name].opened))
    rows = [Figure("bare aiortc, its usual example (offer after gathering)", tuple(gathered)).row(), at_once.row()]
    for contender, what in ((pipecat, "its own client and server"), (ours, "page, signaling, bus, gateway")):
        samples = taken[contender.name]
        opened = Figure(f"{contender.name}: {what}", tuple(samples.opened))
        told = Figure(f"{contender.name}: until its application is told", tuple(samples.told))
        rows += [opened.row(f"{opened.p50 / at_once.p50:.2f} x of bare aiortc at once"), told.row()]
    return table("Connect, Chromium to open data channel, a new page each time", rows)


async def _connected(browser: Browser, contender: Contender) -> Samples:
    page = await contender.opened(browser)
    noted = await reading(page)
    await close_politely(page)
    samples = Samples(opened=[noted.connected_ms])
    if contender.connected is not None:
        told = next(noted.said("application", frozenset({contender.connected})))
        samples.told.append(told - noted.peers[0][0])
    return samples


async def echoes(browser: Browser, *contenders: Contender) -> str:
    """The table of round trips: one page each, a few messages of each in turns."""
    asked = [(Kind(contender.name, "", {"type": "ping"}, "pong"), await contender.opened(browser))
             for contender in contenders]  # fmt: skip
    for number in range(1 + ECHO_ROUNDS):
        for kind, page in asked:
            took = await kind.ask(page, WARM_UP if number == 0 else A_ROUND)
            if number > 0:
                kind.samples.extend(took)
    for _, page in asked:
        await close_politely(page)
    base = asked[0][0].figure()
    rows = [base.row()]
    rows += [kind.figure().row(f"{kind.figure().p50 / base.p50:.1f} x of bare aiortc") for kind, _ in asked[1:]]
    return table("A ping and its pong on the open channel, in Chromium", rows)
