"""One process under our supervision: started bound to us, read, signalled, waited for."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

from local_stack.account import Account
from local_stack.death import bound_to_us
from local_stack.errors import StackError
from local_stack.journal import Journal

READ_BYTES: Final = 64 * 1024
OUTPUT_GRACE_S: Final = 1.0


@dataclass(frozen=True)
class Command:
    """What to run, and how it is told to go.

    `ready_line` is in the line with which the process says that it serves, where it says so. `stop_signal` asks for an
    orderly end; `quit_signal` for one at once, which is also what the kernel sends when we die.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    account: Account | None = None
    ready_line: bytes | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    quit_signal: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class _Pipe:
    """What a process writes into and we read. asyncio's own would make its wait() wait for every copy to be closed."""

    reader: asyncio.StreamReader
    transport: asyncio.BaseTransport
    writing: int

    @classmethod
    async def open(cls) -> Self:
        reading, writing = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
        )
        return cls(reader, transport, writing)


class Child:
    """A running process. Its output goes to its journal."""

    def __init__(self, name: str, command: Command, process: Process, output: _Pipe, journal: Journal) -> None:
        self.name = name
        self._command = command
        self._process = process
        self._output = output
        self._journal = journal
        self._serving = asyncio.Event()
        self._reading = asyncio.create_task(self._read(), name=f"output of {name}")
        self._ending = asyncio.create_task(self._end(), name=f"end of {name}")

    @classmethod
    async def start(cls, name: str, command: Command, journal: Journal) -> Self:
        """Start it. Raises StackError when there is no such program, or it may not be run."""
        output = await _Pipe.open()
        try:
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                env=dict(command.env),
                cwd="/",
                stdin=DEVNULL,
                stdout=output.writing,
                stderr=STDOUT,
                # Ctrl-C reaches us alone, and we stop them in order.
                start_new_session=True,
                preexec_fn=bound_to_us(command.quit_signal),
                **(command.account.credentials if command.account else {}),
            )
        except OSError as error:
            output.transport.close()
            raise StackError(f"{name} cannot be started: {command.argv[0]}: {os.strerror(error.errno or 0)}") from error
        finally:
            os.close(output.writing)
        return cls(name, command, process, output, journal)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._ending.done()

    def last_words(self) -> str:
        return self._journal.last_words()

    async def wait(self) -> int:
        """Wait for its end; the exit status, or the negated number of the signal that ended it."""
        return await asyncio.shield(self._ending)

    async def said_ready(self) -> None:
        """Wait for its ready line. Bounded by the caller."""
        await self._serving.wait()

    async def serving(self, *, timeout: float) -> None:
        """Wait for its ready line. Raises StackError, with its last words, when it ends or says nothing in time."""
        said = asyncio.create_task(self.said_ready())
        try:
            await asyncio.wait({said, self._ending}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            said.cancel()
        if not self._serving.is_set():
            what = f"ended ({describe(self._process.returncode)})" if self.ended else f"did not serve in {timeout:g} s"
            raise StackError(f"{self.name} {what}:\n{self.last_words()}")

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._signal(self._command.stop_signal)

    def quit(self) -> None:
        """Ask for an end at once; for most processes that is SIGKILL."""
        self._signal(self._command.quit_signal)

    def kill(self) -> None:
        """SIGKILL. Its descendants get it as soon as it has ended."""
        self._signal(signal.SIGKILL)

    async def ended_within(self, seconds: float) -> bool:
        """Wait for its end for at most `seconds`."""
        await asyncio.wait({self._ending}, timeout=max(0.0, seconds))
        return self.ended

    def _signal(self, number: signal.Signals) -> None:
        if not self.ended:
            # It may just have ended by itself.
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _end(self) -> int:
        status = await self._process.wait()
        # It led a group of its own. Now, while nobody else can have got its number; mostly nobody is left in it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await asyncio.wait({self._reading}, timeout=OUTPUT_GRACE_S)
        self._reading.cancel()
        self._output.transport.close()
        return status

    async def _read(self) -> None:
        marker = self._command.ready_line
        while data := await self._output.reader.read(READ_BYTES):
            lines = self._journal.take(data)
            if marker is not None and any(marker in line for line in lines):
                self._serving.set()


def describe(status: int | None) -> str:
    """A return code in words: `status 1`, `SIGKILL`."""
    if status is None:
        return "still running"
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


async def run_to_end(name: str, command: Command, journal: Journal, *, timeout: float) -> None:
    """Run something that ends by itself. Raises StackError, with its last words, unless it ends with status 0."""
    child = await Child.start(name, command, journal)
    try:
        if not await child.ended_within(timeout):
            raise StackError(f"{name} did not end within {timeout:g} s:\n{child.last_words()}")
        status = await child.wait()
    finally:
        child.kill()
        await child.wait()
    if status != 0:
        raise StackError(f"{name} failed ({describe(status)}):\n{child.last_words()}")
