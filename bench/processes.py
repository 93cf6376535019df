"""What one process of ours costs, read from the system, and the processes that put a load on it."""

import asyncio
import json
import resource
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import psutil

from bench.environments import ROOT

ANSWER_MAX_BYTES: Final = 2**24
LEAVE_S: Final = 20.0


@dataclass(frozen=True)
class Cost:
    """Of a process, at one moment."""

    at_s: float
    cpu_s: float
    memory_bytes: int
    files: int

    @classmethod
    def of(cls, process: psutil.Process) -> Self:
        with process.oneshot():
            times = process.cpu_times()
            return cls(time.monotonic(), times.user + times.system, process.memory_info().rss, process.num_fds())

    def percent_since(self, earlier: "Cost") -> float:
        """How much of a core it used in between; two cores are 200."""
        return 100 * (self.cpu_s - earlier.cpu_s) / (self.at_s - earlier.at_s)


def gateway_of(supervisor: int) -> psutil.Process:
    """The stack's one gateway. Raises RuntimeError where there is another number of them."""
    children = psutil.Process(supervisor).children(recursive=True)
    found = [child for child in children if child.cmdline()[1:3] == ["-m", "rtc_gateway"]]
    if len(found) != 1:
        raise RuntimeError(f"one gateway is expected, and {len(found)} are there")
    return found[0]


def room_for_files(wanted: int) -> None:
    """Have us, and whatever we start, open so many files. Raises SystemExit where the system does not let us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{wanted} open files are needed and {hard} allowed: ulimit -Hn, or fewer --idle")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@dataclass(frozen=True)
class Loader:
    """A process of `bench.capacity.load`."""

    process: Process

    async def ask(self, order: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Give an order and wait for what came of it. Raises RuntimeError if it ended instead."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipe to the load")
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        await self.process.stdin.drain()
        line = await asyncio.wait_for(self.process.stdout.readline(), timeout)
        if not line:
            raise RuntimeError("a process of the load has ended; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def loader(url: str) -> AsyncIterator[Loader]:
    """One for the length of the block; its sessions leave with it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.capacity.load", url), cwd=ROOT, stdin=PIPE, stdout=PIPE, limit=ANSWER_MAX_BYTES
    )
    try:
        yield Loader(process)
        if process.stdin is not None:
            process.stdin.close()  # it leaves at the end of its orders
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), LEAVE_S)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
