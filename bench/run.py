"""Every figure of the README, in one run on one machine. Ratios count; milliseconds depend on the machine."""

import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable

from bench.connect import connect
from bench.startup import startup
from bench.turns import turns
from local_stack.temporary import running_stack, temporary_directory


async def main(wanted: list[str]) -> None:
    """Run the benches named, or all of them."""
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    on_stack: dict[str, Callable[[str], Awaitable[str]]] = {"connect": connect, "turns": turns}
    names = wanted or [*on_stack, "startup"]
    if any(name in on_stack for name in names):
        with temporary_directory() as directory:
            async with running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2") as stack:
                for name in names:
                    if name in on_stack:
                        print(await on_stack[name](stack.url), flush=True)
    if "startup" in names:
        print(await startup(), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
