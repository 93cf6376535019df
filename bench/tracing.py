"""What tracing costs a turn: two stacks side by side, of which one exports its spans, and a turn on each by turns.

Both do the same at the same time on the same machine, so what else happens there happens to both.
"""

import asyncio
import statistics
import sys
import time
import timeit
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import psutil

from bench.environments import ROOT
from bench.figures import Figure, keep_to, table
from bus import tracing
from client import AgentClient
from contracts import subjects
from contracts.turns import Outcome
from local_stack.temporary import running_stack, temporary_directory
from runtime.telemetry import UnrecordedTraces

WARM_UP: Final = 20
ROUNDS: Final = 300
BOUND_MS: Final = 2.0
FLUSHED_WITHIN_S: Final = 20.0
SCALE: Final = ("--standin", "--scale", "agent=2,rtc-gateway=2")
_FIRST: Final = "create a list called Bench"


@dataclass(frozen=True)
class Sink:
    """A process of `bench.otlp_sink`."""

    process: asyncio.subprocess.Process
    url: str

    async def spans(self) -> int:
        """How many have come."""
        return int(await _said(self.process, ask=True))


async def tracing_cost() -> str:
    """The table of turns with and without. Raises OverBoundError where tracing costs more than BOUND_MS."""
    async with sink() as taking, AsyncExitStack() as both:
        off = await both.enter_async_context(_client({}))
        on = await both.enter_async_context(_client({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{taking.url}/v1/traces"}))
        for stack in (off, on):
            await _turn(stack.client, _FIRST)
        samples: dict[Traced, list[float]] = {off: [], on: []}
        for number in range(WARM_UP):
            for stack in (off, on):
                await _turn(stack.client, f"add first {number} to Bench")
        before = {stack: stack.cpu_ms() for stack in (off, on)}
        for number in range(ROUNDS):
            # Neither always goes first.
            for stack in (off, on) if number % 2 else (on, off):
                samples[stack].append(await _turn(stack.client, f"add thing {number} to Bench"))
        cpu = {stack: (stack.cpu_ms() - before[stack]) / ROUNDS for stack in (off, on)}
        await both.aclose()
        spans = await taking.spans()
    without, with_spans = Figure("a turn, not traced", tuple(samples[off])), Figure("traced", tuple(samples[on]))
    costs = [one - other for one, other in zip(samples[on], samples[off], strict=True)]
    a_turn = spans / (WARM_UP + ROUNDS + 1)
    rows = [
        without.row("client to client, the stand-in's answer included"),
        with_spans.row(f"{a_turn:.0f} spans a turn, to a process of their own"),
        Figure("what it costs, pair by pair", tuple(costs)).row(_verdict(statistics.median(costs))),
        Figure("processor time of all processes, not traced", (cpu[off],)).row("a turn, with what they do beside it"),
        Figure("traced", (cpu[on],)).row("with the sending of spans, which no turn waits for"),
        Figure("what those spans cost where nobody records them", (a_turn * _unrecorded_ms(),)).row("in all processes"),
    ]
    return keep_to(BOUND_MS, statistics.median(costs), table("Tracing a turn", rows))


def _verdict(cost_ms: float) -> str:
    return (
        f"at most {BOUND_MS:g} is promised" if cost_ms <= BOUND_MS else f"**over the {BOUND_MS:g} that are promised**"
    )


def _unrecorded_ms() -> float:
    """What one span of the bus costs, with its headers, in a process that exports nothing."""
    tracer = UnrecordedTraces().get_tracer("bench")
    times = 20_000

    def one() -> None:
        with tracing.step(tracer, "outer"), tracing.asking(subjects.TODO_APPLY):
            tracing.inject({})

    return timeit.timeit(one, number=times) / times / 2 * 1000


async def _turn(client: AgentClient, text: str) -> float:
    started = time.perf_counter()
    completed = await client.ask(text)
    took = (time.perf_counter() - started) * 1000
    if completed.outcome is not Outcome.CONFIRMED:
        raise SystemExit(f"a turn of the bench ended as {completed.outcome}: {completed.text}")
    return took


@dataclass(frozen=True)
class Traced:
    """A stack, and a client of it."""

    client: AgentClient
    supervisor: psutil.Process

    def cpu_ms(self) -> float:
        """What its processes have used of the processor since they were started."""
        return sum(_cpu_ms(process) for process in self.supervisor.children(recursive=True))


def _cpu_ms(process: psutil.Process) -> float:
    times = process.cpu_times()
    return (times.user + times.system) * 1000


@asynccontextmanager
async def _client(environ: dict[str, str]) -> AsyncIterator[Traced]:
    with temporary_directory() as directory:
        async with (
            running_stack(directory, *SCALE, environ=environ) as stack,
            AgentClient.connect(stack.url) as client,
        ):
            yield Traced(client, psutil.Process(stack.pid))


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """Somewhere to export to, for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.otlp_sink"), cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Sink(process, await _said(process))
    finally:
        if process.stdin is not None:
            process.stdin.close()  # it ends with that
        await process.communicate()


async def _said(process: asyncio.subprocess.Process, *, ask: bool = False) -> str:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipe to the sink")
    if ask:
        process.stdin.write(b"\n")
        await process.stdin.drain()
    return (await asyncio.wait_for(process.stdout.readline(), FLUSHED_WITHIN_S)).decode().strip()
