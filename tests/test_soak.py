"""Many connections, some of which end without a word: what gateways hold stays flat."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from client import AgentClient
from contracts.turns import Outcome
from local_stack.temporary import RunningStack

from .resume.processes import named

WARM_UP = 700
"""A gateway alone grew by 6 MB over its first 320 connections, and by 2 kB a connection from 400 to 960."""
ROUNDS = 1000
AT_ONCE = 4
VANISHING = 10
VANISHED_ROUNDS = 4
BOUND_S = 60.0
GONE_WITHIN_S = 10.0
"""Eight of silence, one in which its gateway lets it take what it was handed, and one for a busy machine."""
LOOK_EVERY_S = 0.1
LEAK_MAX = 10_000
"""Bytes a connection, of the second half of them, that are put down to chance: a leak of twice as much fails."""
FILES_MORE = 8


def gateways(stack: RunningStack) -> list[psutil.Process]:
    found = named(stack, "rtc-gateway")
    return [found[name] for name in sorted(found)]


def files(stack: RunningStack) -> int:
    """Open in all gateways. A peer has a socket for each local address."""
    return sum(process.num_fds() for process in gateways(stack))


async def until_files(stack: RunningStack, most: int) -> float:
    """Until no more are open, which nobody tells of; how long that took, in seconds."""
    began = time.monotonic()
    async with asyncio.timeout(BOUND_S):
        while True:
            if files(stack) <= most:
                return time.monotonic() - began
            await asyncio.sleep(LOOK_EVERY_S)


async def connect_and_ask(stack: RunningStack, times: int) -> None:
    left = iter(range(times))

    async def one_after_the_other() -> None:
        for _ in left:
            async with AgentClient.connect(stack.url) as client:
                assert (await client.ask("what are my lists?", timeout=BOUND_S)).outcome is Outcome.ANSWERED

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())


@asynccontextmanager
async def connected_elsewhere(stack: RunningStack, count: int) -> AsyncIterator[None]:
    """So many clients of another process, which is killed when the block is left."""
    command = (sys.executable, "-m", "tests.resume.vanishing", stack.url, str(count))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=Path(__file__).parent.parent)
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), BOUND_S) == b"open\n"
        yield
    finally:
        process.kill()
        await process.communicate()


async def vanish(stack: RunningStack) -> float:
    """Clients die without a word; how long it took until nothing of them was left, in seconds."""
    before = files(stack)
    async with connected_elsewhere(stack, VANISHING):
        assert files(stack) >= before + VANISHING
    return await until_files(stack, before)


def memory(stack: RunningStack) -> int:
    """Resident in all gateways, in bytes."""
    return sum(process.memory_info().rss for process in gateways(stack))


@pytest.mark.long
async def test_a_thousand_connections_leave_memory_and_files_flat(stack: RunningStack) -> None:
    await connect_and_ask(stack, WARM_UP)
    await vanish(stack)
    open_files = files(stack)
    held = [memory(stack)]
    for _ in range(VANISHED_ROUNDS):
        await connect_and_ask(stack, ROUNDS // VANISHED_ROUNDS - VANISHING)
        assert await vanish(stack) <= GONE_WITHIN_S
        held.append(memory(stack))
    assert await until_files(stack, open_files + FILES_MORE) <= GONE_WITHIN_S
    # What a process sets up once, it has set up by the middle; a leak goes on as it began.
    middle = VANISHED_ROUNDS // 2
    grown = held[-1] - held[middle]
    assert grown <= LEAK_MAX * ROUNDS * (VANISHED_ROUNDS - middle) // VANISHED_ROUNDS, (grown, held)
