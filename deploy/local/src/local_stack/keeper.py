"""Keeps one process running: starts it, says when it died, starts it again, gives up when it keeps dying."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from local_stack import readiness
from local_stack.child import Child, Command, describe
from local_stack.errors import GivenUpError, StackError
from local_stack.journal import Journal
from local_stack.ports import LOOPBACK, free_port
from local_stack.restarts import RestartPolicy

Say = Callable[[str], None]
"""Prints one line for the person at the terminal."""

READY_PATH: Final = "/readyz"


@dataclass(frozen=True)
class Start:
    """What differs from one start of a process to the next."""

    first: bool
    http_port: int


@dataclass(frozen=True)
class Kept:
    """A process to keep. `name` is unique in the stack, `stage` says when it is stopped.

    Without `ready_path` it is ready when it says its command's ready line. `http_port` None: a new one at each start.
    `http_host` is where it is asked whether it is ready. On `metrics_port` of the loopback it is scraped, as a target
    of `job`.
    """

    name: str
    stage: int
    command: Callable[[Start], Command]
    ready_path: str | None = READY_PATH
    http_port: int | None = None
    http_host: str = LOOPBACK
    metrics_port: int | None = None
    job: str = ""


class Keeper:
    """Runs one `Kept`. `run` ends only by GivenUpError or StackError; `retire` makes later deaths expected."""

    def __init__(self, kept: Kept, journal: Journal, say: Say, policy: RestartPolicy) -> None:
        self.kept = kept
        self.child: Child | None = None
        self.http_port = 0
        self._journal = journal
        self._say = say
        self._policy = policy
        self._ready = asyncio.Event()
        self._retired = False

    async def run(self) -> None:
        died_at: list[float] = []
        while not self._retired:
            child = await self._start(first=not died_at)
            probe = asyncio.create_task(self._probe(child), name=f"readiness of {self.kept.name}")
            try:
                status = await child.wait()
            finally:
                probe.cancel()
            if not self._retired:
                died_at.append(time.monotonic())
                await self._after_death(child, status, died_at)

    async def ready(self, *, timeout: float) -> None:
        """Wait until it is ready for the first time. Raises StackError with what is missing."""
        try:
            await asyncio.wait_for(self._ready.wait(), timeout)
        except TimeoutError as error:
            path = self.kept.ready_path
            missing = await readiness.missing(self.kept.http_host, self.http_port, path) if path else "its ready line"
            words = self.child.last_words() if self.child else ""
            raise StackError(f"{self.kept.name} is not ready after {timeout:g} s ({missing}):\n{words}") from error

    def retire(self) -> None:
        """From now on its end is wanted."""
        self._retired = True

    async def _start(self, *, first: bool) -> Child:
        self.http_port = self.kept.http_port or free_port()
        command = self.kept.command(Start(first=first, http_port=self.http_port))
        self.child = await Child.start(self.kept.name, command, self._journal)
        if not first:
            self._say(f"{self.kept.name} runs again (pid {self.child.pid})")
        return self.child

    async def _probe(self, child: Child) -> None:
        path = self.kept.ready_path
        if path is None:
            await child.said_ready()
        else:
            await readiness.until_ready(self.kept.http_host, self.http_port, path)
        self._ready.set()

    async def _after_death(self, child: Child, status: int, died_at: list[float]) -> None:
        now = died_at[-1]
        who = f"{self.kept.name} (pid {child.pid})"
        how = f"was killed by {describe(status)}" if status < 0 else f"ended with {describe(status)}"
        wait_s = self._policy.wait_after(died_at, now)
        if wait_s is None:
            raise GivenUpError(
                f"{who} {how}, and died {self._policy.recent(died_at, now)} times within {self._policy.window_s:g} s; "
                f"its last words:\n{child.last_words()}"
            )
        self._say(f"{who} {how}; it is started again in {wait_s:g} s")
        await asyncio.sleep(wait_s)
