"""Everything is told to stop and comes back, one process after the other, while sessions go on asking."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from local_stack.temporary import RunningStack, running_stack, temporary_directory

from ..chaos.accounts import accounts
from ..chaos.checker import Violation, check
from ..chaos.collect import collect
from ..chaos.history import Kind, Step
from ..chaos.ledger import Account
from ..chaos.sessions import Session
from ..chaos.steps import SHARED_LIST, names, script
from ..chaos.witness import Outage
from .processes import named, until_back
from .world import DRAIN_S

SERVICES = ("signaling", "rtc-gateway", "agent", "todo-store")
STACK = ("--standin", "--scale", "agent=2,rtc-gateway=2,todo-store=2", "--deaths", "1000")
STEPS_MAX = 20_000
BOUND_S = 120.0


@dataclass(frozen=True)
class Restart:
    """Of one process; from when it was told to stop until another was ready, in seconds of `time.monotonic`."""

    name: str
    began: float
    ended: float


@dataclass
class RollingReport:
    restarts: list[Restart] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    turns: int = 0
    connections: int = 0
    not_resumed: int = 0
    account: Account = field(default_factory=Account)
    violations: list[Violation] = field(default_factory=list)

    def outages_of(self, service: str) -> list[float]:
        """How long sessions were without a channel that they lost while processes of `service` were restarted."""
        times = [(one.began, one.ended) for one in self.restarts if one.name.startswith(service)]
        return [
            outage.seconds for outage in self.outages if any(began <= outage.lost_at <= ended for began, ended in times)
        ]


async def rolled(services: Sequence[str] = SERVICES, *, sessions: int = 4, seed: int = 1) -> RollingReport:
    """On a stack of its own, whose processes of these services are restarted in this order."""
    report = RollingReport()
    rng = random.Random(seed)
    words = names(rng)
    stop = asyncio.Event()

    def until_stopped(steps: list[Step]) -> Iterator[Step]:
        for step in steps:
            if stop.is_set():
                return
            yield step

    with temporary_directory() as directory:
        async with running_stack(directory, *STACK, environ={"DRAIN_S": DRAIN_S}) as stack:
            first = Session(stack.url, [Step(Kind.CREATE_LIST, SHARED_LIST)], asyncio.Semaphore())
            await first.run()
            asking = [
                Session(stack.url, until_stopped(script(rng, words, STEPS_MAX)), asyncio.Semaphore(STEPS_MAX))
                for _ in range(sessions)
            ]
            async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
                for session in asking:
                    group.create_task(session.run())
                for session in asking:
                    await session.heard.acquire()
                for service in services:
                    for name in sorted(named(stack, service)):
                        report.restarts.append(await _restarted(stack, name))
                stop.set()
            everyone = [first, *asking]
            history = await collect(directory, [asked for session in everyone for asked in session.asked])
            report.account = await accounts(directory, [session.witness for session in everyone])
    report.violations = check(history)
    report.turns = len(history.starts)
    report.outages = [outage for session in asking for outage in session.witness.outages]
    report.connections = sum(session.witness.connections for session in asking)
    report.not_resumed = sum(len(session.witness.sessions) - 1 for session in asking)
    return report


async def _restarted(stack: RunningStack, name: str) -> Restart:
    process = named(stack, name)[name]
    began = time.monotonic()
    process.terminate()
    await until_back(stack, name, process)
    return Restart(name, began, time.monotonic())
