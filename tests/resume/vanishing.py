"""A process with clients, to be killed: `python -m tests.resume.vanishing URL COUNT`. Says `open` when it has all."""

import asyncio
import sys
from contextlib import AsyncExitStack

from client import AgentClient


async def _stay(url: str, count: int) -> None:
    async with AsyncExitStack() as leaving:
        for _ in range(count):
            await leaving.enter_async_context(AgentClient.connect(url))
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_stay(sys.argv[1], int(sys.argv[2])))
