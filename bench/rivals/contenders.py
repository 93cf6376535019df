"""Who is compared: each serves a page and peers from processes of its own, and all are up at the same time."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import psutil
from playwright.async_api import Browser, Page

from bench.browser import BARE
from bench.processes import gateway_of
from bench.rivals.environment import HERE, PACKAGES, client_script
from bench.rivals.ruler import measured_page, until_open, until_told
from local_stack.temporary import RunningStack

START_TIMEOUT_S: Final = 60.0
MDNS_PORT: Final = 5353  # one socket a process, whoever comes and goes


@dataclass(frozen=True)
class Contender:
    """`pid` is the process that holds the peers; `begin` is what its page is told, where loading it is not enough.

    The other words are those by which a page's application hears of its connection; a page of bare aiortc has none.
    """

    name: str
    url: str
    pid: int
    begin: str | None = None
    connected: str | None = None
    lost: frozenset[str] = frozenset()
    events: list[tuple[float, str]] = field(default_factory=list)
    """What the server said of its own connections, and when, in seconds since 1970."""

    async def opened(self, browser: Browser) -> Page:
        """A new page with an open channel, whose client has told its application."""
        page = await measured_page(browser, self.url)
        if self.begin is not None:
            await page.evaluate(self.begin)
        await until_open(page)
        if self.connected is not None:
            await until_told(page, self.connected)
        return page

    def sockets(self) -> frozenset[tuple[str, int]]:
        """The process's UDP sockets, which is where its peers are."""
        found = psutil.Process(self.pid).net_connections("udp")
        return frozenset((one.laddr.ip, one.laddr.port) for one in found if one.laddr.port != MDNS_PORT)


@asynccontextmanager
async def contenders(stack: RunningStack) -> AsyncIterator[tuple[Contender, Contender, Contender]]:
    """Bare aiortc, pipecat and ours, in this order. `stack` has one gateway. Raises NotInstalledError."""
    pipecat = await pipecat_command()
    events: list[tuple[float, str]] = []

    def note(line: str) -> None:
        said = json.loads(line)
        events.append((said["at"], said["event"]))

    async with (
        running_server(sys.executable, str(BARE), note=note) as (bare_port, bare_pid),
        running_server(*pipecat, note=note) as (pipecat_port, pipecat_pid),
    ):
        yield (
            Contender("bare aiortc", f"http://127.0.0.1:{bare_port}/", bare_pid, begin="echoing()"),
            Contender(
                "pipecat SmallWebRTC",
                f"http://127.0.0.1:{pipecat_port}/",
                pipecat_pid,
                begin="void connectPipecat()",
                connected="connected",
                lost=frozenset({"disconnected", "error", "onDisconnected", "onBotDisconnected"}),
                events=events,
            ),
            Contender(
                "todo-agent",
                stack.url,
                gateway_of(stack.pid).pid,
                connected="connected",
                lost=frozenset({"degraded", "reconnecting", "failed"}),
            ),
        )


async def pipecat_command() -> tuple[str, ...]:
    """What runs pipecat's server; it is installed first where it is not. Raises NotInstalledError."""
    python, script = await asyncio.to_thread(lambda: (PACKAGES.installed(), client_script()))
    return str(python), str(HERE / "pipecat_server.py"), str(script)


@asynccontextmanager
async def running_server(*command: str, note: Callable[[str], None]) -> AsyncIterator[tuple[int, int]]:
    """A server that prints its port and then its events, for the length of the block: its port and its pid."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**os.environ, "LOGURU_LEVEL": "WARNING"})
    reading: asyncio.Task[None] | None = None
    try:
        line = await asyncio.wait_for(_output(process).readline(), START_TIMEOUT_S)
        reading = asyncio.get_running_loop().create_task(_read(process, note))
        yield int(line), process.pid
    finally:
        with suppress(ProcessLookupError):  # the bench may have killed it
            process.kill()
        if reading is not None:
            await reading
        await process.wait()


async def _read(process: Process, note: Callable[[str], None]) -> None:
    async for line in _output(process):
        note(line.decode())


def _output(process: Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise RuntimeError("no output to read from")
    return process.stdout


def now_ms() -> float:
    """The clock of the pages."""
    return time.time() * 1000


def send_signal(pids: Sequence[int], number: signal.Signals) -> None:
    """To each of them that still is."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def waited(seconds: Sequence[float], bound: float) -> str:
    """Median and longest; what reached the bound is said to be longer than that."""
    words = [f"over {bound:.0f}" if value >= bound else f"{value:.1f}" for value in (median(seconds), max(seconds))]
    return f"{words[0]} ({words[1]})"
