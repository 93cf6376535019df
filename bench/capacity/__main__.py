"""`python -m bench.capacity`: sessions of one gateway process, active and idle, and their cost. Under four minutes."""

import argparse
import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, islice
from statistics import median
from typing import Any, Final

import psutil

from access.interface import Expected
from access.settings import AUDIENCE, LOCAL_ISSUER
from access.shared_secret import SharedSecrets
from bench.figures import grid
from bench.processes import Cost, Loader, gateway_of, loader, room_for_files
from contracts.tokens import uuid7
from local_stack.temporary import running_stack, temporary_directory

IDLE: Final = 1_000
ACTIVE: Final = 100
FRAMES_A_SECOND: Final = 20.0
"""Half of them pings of the client, half the pongs of the gateway."""
LOADERS: Final = 2
WARM_UP: Final = 4
IDLE_S: Final = 30.0
ACTIVE_S: Final = 20.0
SETTLE_S: Final = 3.0
OPENING_MAX_S: Final = 60.0
"""As many sessions as are open by then are measured: on a slow machine fewer than asked for, and the table says so."""
A_BATCH: Final = 40
BOUND_S: Final = 240.0
FILES_A_SESSION: Final = 8
"""A socket for each local address of a peer, of ours and of the load's, one of signaling, and some to spare."""


@dataclass(frozen=True)
class Opened:
    """How many sessions were opened in how many seconds, and what failed, by what was said of it."""

    count: int
    seconds: float
    failed: Counter[str]
    wanted: int

    @property
    def ended_because(self) -> str:
        """Why fewer were opened than wanted; empty where all were."""
        if self.count == self.wanted:
            return ""
        why = "; ".join(f"{count} x {what}" for what, count in self.failed.items())
        return f" **{self.count:,} of {self.wanted:,}**: {why or f'no more were ready after {OPENING_MAX_S:g} s'}."


def limits(sessions: int, secret: str) -> dict[str, str]:
    """The stack's settings: everybody is somebody else and comes from one address, which is not what limits are for."""
    many = str(2 * sessions)
    return {
        "AUTH_SECRET": secret,
        "SESSIONS_MAX": many,
        "MAX_SOCKETS": many,
        "MAX_SOCKETS_PER_ADDRESS": many,
        "HELLOS_PER_ADDRESS": many,
    }


async def capacity(idle: int = IDLE, active: int = ACTIVE) -> str:
    """The table, on a stack with one gateway, and what was not held, if anything. Ends the program at BOUND_S."""
    try:
        async with asyncio.timeout(BOUND_S):
            return await _on_a_stack(idle, active)
    except TimeoutError as error:
        raise SystemExit(f"it took over {BOUND_S:g} s; on a busy machine give fewer --idle") from error


async def _on_a_stack(idle: int, active: int) -> str:
    room_for_files(FILES_A_SESSION * idle)
    secret = secrets.token_urlsafe(48)
    mint = SharedSecrets((secret,), Expected(LOCAL_ISSUER, AUDIENCE)).mint
    tokens = (mint(f"bench-{uuid7()}", timedelta(hours=1)) for _ in count())
    with temporary_directory() as directory:
        async with (
            running_stack(directory, "--standin", environ=limits(WARM_UP + idle, secret)) as stack,
            AsyncExitStack() as leaving,
        ):
            loaders = [await leaving.enter_async_context(loader(stack.url)) for _ in range(LOADERS)]
            return await Run(gateway_of(stack.pid), loaders, tokens).table(idle, active)


@dataclass
class Run:
    """One gateway, the processes that load it, and a token for each session to come."""

    gateway: psutil.Process
    loaders: Sequence[Loader]
    tokens: Iterator[str]
    opened: int = 0

    async def table(self, idle: int, active: int) -> str:
        await self.open(WARM_UP)
        await asyncio.sleep(SETTLE_S)
        empty = Cost.of(self.gateway)
        rows: list[tuple[str, ...]] = [(f"{WARM_UP}, to warm up", "", "", "", _mebibytes(empty), "", str(empty.files))]
        if (opened := await self.open(active)).failed:
            raise SystemExit(f"there is nothing to measure:{opened.ended_because}")
        await asyncio.sleep(SETTLE_S)
        pinged = await self.active(active, rows, empty)
        opening = Cost.of(self.gateway)
        opened = await self.open(idle - active)
        spent_s = Cost.of(self.gateway).cpu_s - opening.cpu_s
        await asyncio.sleep(SETTLE_S)
        idled = await self.idle(rows, empty)
        told = (
            f"{opened.count / opened.seconds:.0f} were opened a second, from hello to board, by {LOADERS} processes "
            f"beside it, for {spent_s / max(opened.count, 1) * 1000:.1f} ms of its CPU each, serving the others "
            f"included.{opened.ended_because}"
        )
        columns = (
            "sessions",
            "served at the end",
            "CPU, % of a core",
            "a session",
            "memory, MiB",
            "a session, KiB",
            "files",
        )
        return f"{grid('Sessions of one gateway process', columns, rows)}\n\n{told} {pinged} {idled}"

    async def active(self, sessions: int, rows: list[tuple[str, ...]], empty: Cost) -> str:
        """Have so many send pings; adds a row, and returns what came of the pings."""
        before = Cost.of(self.gateway)
        order = {"do": "ping", "sessions": sessions // LOADERS, "per_s": FRAMES_A_SECOND / 2, "seconds": ACTIVE_S}
        answers = await self.all(order, ACTIVE_S + 30)
        rows.append(await self.row("active", before, Cost.of(self.gateway), empty))
        sent = sum(answer["sent"] for answer in answers)
        rtt = sorted(sample for answer in answers for sample in answer["rtt_ms"])
        if not rtt:
            raise SystemExit(f"none of {sent} pings was answered")
        return (
            f"Active: {FRAMES_A_SECOND:g} frames a second, pings and pongs; {len(rtt):,} of {sent:,} were answered, "
            f"after {median(rtt):.1f} ms, p99 {rtt[int(len(rtt) * 0.99)]:.1f} ms."
        )

    async def idle(self, rows: list[tuple[str, ...]], empty: Cost) -> str:
        """Wait for IDLE_S; adds a row, and returns how busy the machine was."""
        before = Cost.of(self.gateway)
        psutil.cpu_percent()
        await asyncio.sleep(IDLE_S)
        busy = psutil.cpu_percent()
        rows.append(await self.row("idle", before, Cost.of(self.gateway), empty))
        return (
            "Idle: an owner of its own, whose board is followed, and a ping each way every three seconds; all cores "
            f"were {busy:.0f} % busy then."
        )

    async def row(self, what: str, before: Cost, after: Cost, empty: Cost) -> tuple[str, ...]:
        """What the sessions that are open cost between two moments, and how many of them are told their board now."""
        served = sum(answer["served"] for answer in await self.all({"do": "look"}, BOUND_S))
        sessions, percent = self.opened - WARM_UP, after.percent_since(before)
        return (
            f"{sessions:,} more, {what}",
            f"{served:,} of {self.opened:,}",
            f"{percent:.1f}",
            f"{percent / sessions:.3f}",
            _mebibytes(after),
            f"{(after.memory_bytes - empty.memory_bytes) / sessions / 1024:.0f}",
            str(after.files),
        )

    async def open(self, wanted: int) -> Opened:
        """Open so many sessions, as far as the time goes, or until one fails."""
        began = time.monotonic()
        count, failed = 0, Counter[str]()
        while count < wanted and not failed and time.monotonic() - began < OPENING_MAX_S:
            batch = list(islice(self.tokens, min(A_BATCH, wanted - count)))
            orders = [{"do": "connect", "tokens": batch[place::LOADERS]} for place in range(LOADERS)]
            asked = (one.ask(order, BOUND_S) for one, order in zip(self.loaders, orders, strict=True))
            for answer in await asyncio.gather(*asked):
                failed.update(answer["failed"])
            count += len(batch) - failed.total()
        self.opened += count
        return Opened(count, time.monotonic() - began, failed, wanted)

    async def all(self, order: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        return await asyncio.gather(*(one.ask(order, timeout) for one in self.loaders))


def _mebibytes(cost: Cost) -> str:
    return f"{cost.memory_bytes / 2**20:.0f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description="How many sessions a gateway holds.")
    parser.add_argument("--idle", type=int, default=IDLE, metavar="N", help=f"in all, at most 5000; {IDLE}")
    parser.add_argument("--active", type=int, default=ACTIVE, metavar="N", help=f"before, at most 500; {ACTIVE}")
    given = parser.parse_args()
    if not (LOADERS <= given.active <= 500 and given.active % LOADERS == 0 and given.active < given.idle <= 5_000):
        parser.error(f"--active is {LOADERS} to 500 and divisible by {LOADERS}, and --idle more, up to 5000")
    print(asyncio.run(capacity(given.idle, given.active)))


if __name__ == "__main__":
    main()
