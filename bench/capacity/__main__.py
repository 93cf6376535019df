"""`python -m bench.capacity`: sessions of one gateway process, active and idle, and their cost. Under four minutes."""

import argparse
import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
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
OPENING_MAX_S: Final = 75.0
"""As many sessions as are open by then are measured: on a slow machine fewer than asked for, and the table says so."""
A_BATCH: Final = 40
BOUND_S: Final = 240.0
FILES_A_SESSION: Final = 8
"""A socket for each local address of a peer, of ours and of the load's, one of signaling, and some to spare."""


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
    """The table, on a stack with one gateway. Raises SystemExit where a session could not be opened or was lost."""
    room_for_files(FILES_A_SESSION * idle)
    secret = secrets.token_urlsafe(48)
    mint = SharedSecrets((secret,), Expected(LOCAL_ISSUER, AUDIENCE)).mint
    tokens = (mint(f"bench-{uuid7()}", timedelta(hours=1)) for _ in count())
    with temporary_directory() as directory:
        async with (
            asyncio.timeout(BOUND_S),
            running_stack(directory, "--standin", environ=limits(WARM_UP + idle, secret)) as stack,
            AsyncExitStack() as leaving,
        ):
            gateway = gateway_of(stack.pid)
            loaders = [await leaving.enter_async_context(loader(stack.url)) for _ in range(LOADERS)]
            return await _measured(gateway, loaders, tokens, idle, active)


async def _measured(
    gateway: psutil.Process, loaders: Sequence[Loader], tokens: Iterator[str], idle: int, active: int
) -> str:
    await _open(loaders, tokens, WARM_UP)
    await asyncio.sleep(SETTLE_S)
    empty = Cost.of(gateway)

    await _open(loaders, tokens, active)
    await asyncio.sleep(SETTLE_S)
    working = Cost.of(gateway)
    order = {
        "do": "ping",
        "sessions": active // LOADERS,
        "per_s": FRAMES_A_SECOND / 2,
        "seconds": ACTIVE_S,
    }
    answers = await _all(loaders, order, ACTIVE_S + 30)
    worked = Cost.of(gateway)

    opening = Cost.of(gateway)
    opened, took_s = await _open(loaders, tokens, idle - active)
    ready = Cost.of(gateway)
    await asyncio.sleep(SETTLE_S)
    idling = Cost.of(gateway)
    await asyncio.sleep(IDLE_S)
    idled = Cost.of(gateway)
    await _expect_served(loaders, WARM_UP + active + opened)

    rows = [
        (f"{WARM_UP}, to warm up", "", "", _mebibytes(empty), "", str(empty.files)),
        _row(f"{active:,} more, active", active, worked.percent_since(working), worked, empty),
        _row(f"{active + opened:,} more, idle", active + opened, idled.percent_since(idling), idled, empty),
    ]
    columns = ("sessions", "CPU, % of a core", "each of these", "memory, MiB", "each of these, KiB", "open files")
    told = (
        f"{opened / took_s:.0f} were opened a second, from hello to board, by {LOADERS} processes beside it, for "
        f"{(ready.cpu_s - opening.cpu_s) / opened * 1000:.1f} ms of its CPU each, serving the others included.",
        _active(answers),
        "Idle: an owner of its own, whose board is followed, and a ping each way every three seconds.",
    )
    return grid("Sessions of one gateway process", columns, rows) + "\n\n" + " ".join(told)


def _row(name: str, sessions: int, percent: float, cost: Cost, empty: Cost) -> tuple[str, ...]:
    kibibytes = (cost.memory_bytes - empty.memory_bytes) / sessions / 1024
    shown = (f"{percent:.1f}", f"{percent / sessions:.3f}", _mebibytes(cost), f"{kibibytes:.0f}")
    return (name, *shown, str(cost.files))


def _active(answers: Sequence[dict[str, Any]]) -> str:
    sent = sum(answer["sent"] for answer in answers)
    rtt = sorted(sample for answer in answers for sample in answer["rtt_ms"])
    return (
        f"Active: {FRAMES_A_SECOND:g} frames a second, pings and pongs; {len(rtt):,} of {sent:,} were answered, after "
        f"{median(rtt):.1f} ms, p99 {rtt[int(len(rtt) * 0.99)]:.1f} ms."
    )


def _mebibytes(cost: Cost) -> str:
    return f"{cost.memory_bytes / 2**20:.0f}"


async def _open(loaders: Sequence[Loader], tokens: Iterator[str], wanted: int) -> tuple[int, float]:
    """Open so many sessions, as far as the time goes; how many, and seconds."""
    began = time.monotonic()
    opened = 0
    while opened < wanted and time.monotonic() - began < OPENING_MAX_S:
        batch = list(islice(tokens, min(A_BATCH, wanted - opened)))
        await _connect(loaders, batch)
        opened += len(batch)
    return opened, time.monotonic() - began


async def _connect(loaders: Sequence[Loader], tokens: Sequence[str]) -> None:
    """Open a session for each token. All must be, or the figures would be of something else."""
    shares = [tokens[place::LOADERS] for place in range(LOADERS)]
    answers = await asyncio.gather(
        *(one.ask({"do": "connect", "tokens": share}, BOUND_S) for one, share in zip(loaders, shares, strict=True))
    )
    _expect_none_failed(answers)


async def _expect_served(loaders: Sequence[Loader], sessions: int) -> None:
    answers = await _all(loaders, {"do": "look"}, BOUND_S)
    _expect_none_failed(answers)
    if (served := sum(answer["served"] for answer in answers)) != sessions:
        raise SystemExit(f"{served} sessions are served, of {sessions} that were opened")


async def _all(loaders: Sequence[Loader], order: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
    return await asyncio.gather(*(one.ask(order, timeout) for one in loaders))


def _expect_none_failed(answers: Sequence[dict[str, Any]]) -> None:
    if failed := {what: count for answer in answers for what, count in answer["failed"].items()}:
        raise SystemExit(f"sessions failed, so nothing was measured: {failed}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description="How many sessions a gateway holds.")
    parser.add_argument("--idle", type=int, default=IDLE, metavar="N", help=f"in all, at most 5000; {IDLE}")
    parser.add_argument("--active", type=int, default=ACTIVE, metavar="N", help=f"before, at most 500; {ACTIVE}")
    given = parser.parse_args()
    if not (LOADERS <= given.active <= 500 and given.active % LOADERS == 0 and given.active < given.idle <= 5_000):
        parser.error(f"--active is {LOADERS} to 500 and divisible by {LOADERS}, and --idle more, up to 5000")
    try:
        print(asyncio.run(capacity(given.idle, given.active)))
    except TimeoutError as error:
        raise SystemExit(f"it took over {BOUND_S:g} s; on a busy machine give fewer --idle") from error


if __name__ == "__main__":
    main()
