"""`python -m bench.loss`: what 0, 2 and 10 % loss each way cost a message from the gateway, by SCTP's timers.

Takes about five minutes and needs root, for the network namespaces.
"""

import argparse
import asyncio
import os
from contextlib import AsyncExitStack
from typing import Final

from bench.loss.child import child
from bench.loss.measuring import LOSSES, Cells, Openings, measure_messages, measure_opening
from bench.loss.network import cable
from bench.loss.pages import aiortc_pages, chromium_pages
from bench.loss.report import message_table, opening_table

CLIENTS: Final = {"Chromium": chromium_pages, "bare aiortc": aiortc_pages}
SECONDS: Final = 25.0
OPENINGS: Final = 10


async def loss(clients: list[str], seconds: float, openings: int) -> str:
    """The tables, one client after the other. Raises SystemExit where it cannot be measured."""
    shown: list[str] = []
    async with cable() as laid:
        for name in clients:
            async with AsyncExitStack() as running:
                gateway = await running.enter_async_context(child(laid.gateway, "bench.loss.gateway"))
                pages = await running.enter_async_context(CLIENTS[name](laid.page))
                cells: Cells = await measure_messages(laid, gateway, pages, seconds)
                shown.append(message_table(name, cells))
                print(shown[-1], flush=True)
                opened: Openings = {}
                for percent in LOSSES if openings else ():
                    opened |= await measure_opening(laid, gateway, pages, percent, openings)
                if opened:
                    shown.append(opening_table(name, opened))
                    print(shown[-1], flush=True)
    return "\n".join(shown)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.loss", description=__doc__)
    parser.add_argument("--client", choices=list(CLIENTS), action="append", help="only this one")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of sending, at each loss")
    parser.add_argument("--openings", type=int, default=OPENINGS, help="connections of each timer, at each loss")
    given = parser.parse_args()
    # With other work going on beside it, milliseconds say little, and how much there was should be seen.
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}.", flush=True)
    asyncio.run(loss(given.client or list(CLIENTS), given.seconds, given.openings))


if __name__ == "__main__":
    main()
