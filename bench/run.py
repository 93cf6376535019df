"""Every figure of the README, in one run on one machine. Ratios count; milliseconds depend on the machine.

`python -m bench.run` prints all of them, `python -m bench.run roundtrip` one; `--readme` puts them into the README too.
"""

import argparse
import asyncio
import os
import platform
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from bench.capacity.__main__ import capacity
from bench.environments import NotInstalledError
from bench.figures import OverBoundError
from bench.large_owner import large_owner
from bench.mcp_stdio import mcp_stdio
from bench.network import network
from bench.operations import operations
from bench.page import page
from bench.peers.__main__ import peers
from bench.rivals.__main__ import rivals
from bench.roundtrip import roundtrip
from bench.startup import startup
from bench.tracing import tracing_cost
from bench.turns import turns
from local_stack.temporary import RunningStack, running_stack, temporary_directory

README: Final = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
ON_A_STACK: Final[dict[str, Callable[[RunningStack], Awaitable[str]]]] = {
    "roundtrip": roundtrip,
    "turns": turns,
    "large": large_owner,
    "operations": operations,
    "mcp": mcp_stdio,
}
SCALE: Final = "agent=2,rtc-gateway=2,todo-store=2"
BY_THEMSELVES: Final[dict[str, Callable[[], Awaitable[str]]]] = {
    "rivals": rivals,
    "network": network,
    "capacity": capacity,
    "startup": startup,
    "tracing": tracing_cost,
    "page": page,
}
"""On stacks of their own."""
PEERS: Final = "peers"


async def measure(names: list[str]) -> tuple[str, list[str]]:
    """Run the benches named, and print and return their tables, and the names of those over their bounds."""
    over: list[str] = []
    shown = [f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}."]
    print(shown[0], flush=True)
    on_a_stack = [name for name in names if name in ON_A_STACK]
    if on_a_stack:
        with temporary_directory() as directory:
            async with running_stack(directory, "--standin", "--scale", SCALE) as stack:
                for name in on_a_stack:
                    shown.append(await ON_A_STACK[name](stack))
                    print(shown[-1], flush=True)
    for name in names:
        if name in BY_THEMSELVES:
            try:
                shown.append(await BY_THEMSELVES[name]())
            except OverBoundError as error:
                over.append(name)
                shown.append(error.figures)
            print(shown[-1], flush=True)
    if PEERS in names:
        await peers()
    return "\n".join(shown), over


def main() -> None:
    """The command line."""
    every = [*ON_A_STACK, *BY_THEMSELVES, PEERS]
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure what the README claims.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}; all where none is given")
    parser.add_argument("--readme", action="store_true", help="put the figures into the README")
    parser.add_argument("--any-cost", action="store_true", help="do not fail for a figure that is over its bound")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(every):
        parser.error(f"{', '.join(sorted(unknown))}: there is only {', '.join(every)}")
    in_the_readme = [name for name in every if name != PEERS]  # whose table stands elsewhere
    if arguments.readme and arguments.names and not set(in_the_readme) <= set(arguments.names):
        parser.error(f"--readme replaces all figures: give no names, or {' '.join(in_the_readme)}")
    try:
        figures, over = asyncio.run(measure(arguments.names or every))
    except NotInstalledError as error:
        raise SystemExit(str(error)) from error
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        README.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", encoding="utf-8")
    if over and not arguments.any_cost:
        raise SystemExit(f"over the bound: {', '.join(over)}; --any-cost lets it pass, as on a machine that is busy")


if __name__ == "__main__":
    main()
