"""Connections under each of the timers, side by side, at one loss after the other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from bench.loss.child import Child
from bench.loss.network import Cable
from bench.loss.pages import Pages
from bench.loss.variants import TIMERS, TRAFFIC, Traffic

LOSSES: Final = (0, 2, 10)


@dataclass
class Cell:
    """What one kind of traffic under one set of timers came to: milliseconds, and packets."""

    late_ms: list[float] = field(default_factory=list)  # behind the fastest message of the same client
    answered_ms: list[float] = field(default_factory=list)
    rtt_ms: list[float] = field(default_factory=list)  # as SCTP has it at the end, one of each connection
    missing: int = 0
    packets: int = 0
    repeated: int = 0


Cells = dict[tuple[int, Traffic, str], Cell]
Openings = dict[tuple[int, str], list[float | None]]


async def measure_messages(cable: Cable, gateway: Child, pages: Pages, seconds: float) -> Cells:
    """The connections are made without loss; then all of them send at once."""
    lines = {
        f"{number}/{timers}/{traffic.name}": (traffic, timers)
        for traffic, timers in product(TRAFFIC, TIMERS)
        for number in range(traffic.connections)
    }
    await connect(gateway, pages, {name: timers for name, (_, timers) in lines.items()})
    sending = {
        name: {"every_ms": traffic.every_ms, "answered": traffic.answered} for name, (traffic, _) in lines.items()
    }
    cells: Cells = defaultdict(Cell)
    for loss in LOSSES:
        await cable.lose(loss)
        counted = await gateway.ask("send", traffic=sending, seconds=seconds)
        arrivals = await pages.arrived()
        # The two clocks are one machine's, but a browser's may be some milliseconds off.
        taken = {
            name: [arrivals[name][number] - sent_at for number, sent_at in sent["sent_at"].items()
                   if number in arrivals[name]]
            for name, sent in counted.items()
        }  # fmt: skip
        fastest = min(min(times) for times in taken.values() if times)
        for name, sent in counted.items():
            traffic, timers = lines[name]
            cell = cells[loss, traffic, timers]
            cell.late_ms += [(seconds_taken - fastest) * 1000 for seconds_taken in taken[name]]
            cell.answered_ms += sent["answered_ms"]
            cell.missing += len(sent["sent_at"]) - len(taken[name])
            cell.rtt_ms += [] if sent["rtt_ms"] is None else [sent["rtt_ms"]]
            cell.packets += sent["packets"]
            cell.repeated += sent["repeated"]
    await cable.lose(0)
    await pages.close(list(lines))
    await gateway.ask("close", names=list(lines))
    return dict(cells)


async def measure_opening(cable: Cable, gateway: Child, pages: Pages, loss: int, connections: int) -> Openings:
    """How long connections take to open while packets are lost, from the answer on."""
    lines = {f"{number}/{timers}/{loss}": timers for number in range(connections) for timers in TIMERS}
    await cable.lose(loss)
    opened = await connect(gateway, pages, lines)
    await cable.lose(0)
    await pages.close(list(lines))
    await gateway.ask("close", names=list(lines))
    openings: Openings = defaultdict(list)
    for name, milliseconds in opened.items():
        openings[loss, lines[name]].append(milliseconds)
    return dict(openings)


async def connect(gateway: Child, pages: Pages, timers_of: dict[str, str]) -> dict[str, float | None]:
    """All of them, by name; how many milliseconds each took from the answer on, None where it did not open."""
    opened: dict[str, float | None] = {}
    for some in _batches(list(timers_of), 10):
        offers = await pages.offer(some)
        answers = await gateway.ask(
            "accept", offers={name: {"timers": timers_of[name], "sdp": sdp} for name, sdp in offers.items()}
        )
        await pages.take_answers(answers)
        opened |= await gateway.ask("opened", names=some)
    return opened


def _batches(names: Sequence[str], size: int) -> list[list[str]]:
    return [list(names[first : first + size]) for first in range(0, len(names), size)]
