"""Many connections, one after the other: what a gateway holds stays flat."""

import psutil
import pytest

from client import AgentClient
from contracts.turns import Outcome
from local_stack.temporary import RunningStack

WARM_UP = 30
ROUNDS = 300
GROWTH_MAX = 1.25


def gateways(stack: RunningStack) -> list[psutil.Process]:
    children = psutil.Process(stack.pid).children(recursive=True)
    found = [child for child in children if "rtc_gateway" in " ".join(child.cmdline())]
    assert len(found) == 2
    return found


async def connect_and_ask(stack: RunningStack, times: int) -> None:
    for _ in range(times):
        async with AgentClient.connect(stack.url) as client:
            assert (await client.ask("what are my lists?")).outcome is Outcome.ANSWERED


@pytest.mark.long
async def test_three_hundred_connections_leave_memory_and_files_flat(stack: RunningStack) -> None:
    await connect_and_ask(stack, WARM_UP)
    before = [(process.memory_info().rss, process.num_fds()) for process in gateways(stack)]
    await connect_and_ask(stack, ROUNDS)
    after = [(process.memory_info().rss, process.num_fds()) for process in gateways(stack)]
    for (memory, files), (memory_now, files_now) in zip(before, after, strict=True):
        assert memory_now < memory * GROWTH_MAX, (memory, memory_now)
        assert files_now <= files + 8, (files, files_now)
