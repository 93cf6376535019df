"""Ends processes of a running stack at random times, by seed: killed, told to stop, or stopped for a while."""

import asyncio
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psutil

NATS: Final = "nats"
POSTGRES: Final = "postgres"
SERVICES: Final = ("signaling", "rtc-gateway", "agent", "todo-store", NATS, POSTGRES)
ALIVE_WITHIN_S: Final = 10.0
NEAR_S: Final = 0.12
"""A turn takes about half of this, so a blow that falls this soon after some were sent meets them anywhere."""


class How(StrEnum):
    KILL = "SIGKILL"
    TERMINATE = "told to stop"
    FREEZE = "SIGSTOP, SIGCONT later"


@dataclass(frozen=True)
class Blow:
    """What is done to one process of `service`, `after_s` seconds after the blow before. `frozen_s` is for FREEZE."""

    after_s: float
    service: str
    how: How
    frozen_s: float = 0.0


def blows(rng: random.Random, pace_s: tuple[float, float]) -> Iterator[Blow]:
    """Without end; the first ones kill one process of every service."""
    first = list(SERVICES)
    rng.shuffle(first)
    for service in first:
        yield Blow(rng.uniform(*pace_s), service, How.KILL)
    while True:
        how = rng.choices(list(How), weights=(7, 2, 1))[0]
        # Sometimes longer than an agent's lease, so that another one takes its turn while it still lives.
        frozen_s = rng.choice((1.0, 3.0, 13.0)) if how is How.FREEZE else 0.0
        yield Blow(rng.uniform(*pace_s), rng.choice(SERVICES), how, frozen_s)


@dataclass(frozen=True)
class Struck:
    """One blow that was dealt. `at_s` since the killer began."""

    at_s: float
    name: str
    service: str
    pid: int
    how: How


class Killer:
    """Of the children of the supervisor `pid`. `announce` is called shortly before each blow."""

    def __init__(self, pid: int, rng: random.Random, pace_s: tuple[float, float], announce: Callable[[], None]) -> None:
        self.struck: list[Struck] = []
        self._supervisor = psutil.Process(pid)
        self._rng = rng
        self._pace_s = pace_s
        self._announce = announce

    async def run(self, enough: asyncio.Event, *, most: int | None = None) -> None:
        """Until `enough` is set, or `most` blows are dealt. What it froze goes on when it returns."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        thawing: set[asyncio.Task[None]] = set()
        frozen: set[psutil.Process] = set()
        try:
            for blow in blows(self._rng, self._pace_s):
                if most is not None and len(self.struck) >= most:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(enough.wait(), blow.after_s)
                if enough.is_set():
                    return
                found = await self._one_of(blow.service)
                if found is None:
                    continue
                name, process = found
                self._announce()
                await asyncio.sleep(self._rng.uniform(0, NEAR_S))
                with suppress(psutil.NoSuchProcess):
                    _strike(process, blow)
                    self.struck.append(Struck(loop.time() - begun, name, blow.service, process.pid, blow.how))
                if blow.how is How.FREEZE:
                    frozen.add(process)
                    thawing.add(asyncio.create_task(_thaw(process, blow.frozen_s)))
        finally:
            for task in thawing:
                task.cancel()
            for process in frozen:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    async def _one_of(self, service: str) -> tuple[str, psutil.Process] | None:
        """A live process of a service; it may have to be started again first."""
        deadline = asyncio.get_running_loop().time() + ALIVE_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            alive = [(name, process) for name, process in children(self._supervisor) if _service(name) == service]
            if alive:
                return self._rng.choice(sorted(alive, key=lambda one: one[0]))
            await asyncio.sleep(0.05)
        return None


def children(supervisor: psutil.Process) -> list[tuple[str, psutil.Process]]:
    """The stack's processes with their names in it: `agent-1`, `nats`. Found by their parent, never by a pattern."""
    found: list[tuple[str, psutil.Process]] = []
    for process in supervisor.children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, IndexError):
            program = process.cmdline()[0].rsplit("/", 1)[-1]
            if program == "nats-server":
                found.append((NATS, process))
            elif program == POSTGRES:
                found.append((POSTGRES, process))
            elif process.cmdline()[1:2] == ["-m"] and "INSTANCE" in (environment := process.environ()):
                found.append((environment["INSTANCE"], process))
    return found


def _service(name: str) -> str:
    head, dash, number = name.rpartition("-")
    return head if dash and number.isdigit() else name


def _strike(process: psutil.Process, blow: Blow) -> None:
    match blow.how:
        case How.KILL:
            process.kill()
        case How.FREEZE:
            process.suspend()
        case How.TERMINATE:
            # PostgreSQL's SIGTERM waits until its clients have left, and they do not.
            process.send_signal(signal.SIGINT if blow.service == POSTGRES else signal.SIGTERM)


async def _thaw(process: psutil.Process, after_s: float) -> None:
    await asyncio.sleep(after_s)
    with suppress(psutil.NoSuchProcess):
        process.resume()
