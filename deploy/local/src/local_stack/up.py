"""`todo-agent up`: checks what can be checked before anything starts, runs the stack, obeys signals."""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from local_stack.account import unprivileged
from local_stack.directory import DataDirectory, default_directory, locked, prepare
from local_stack.errors import StackError
from local_stack.ports import require_free
from local_stack.signing_in import require_hidden
from local_stack.stack import Options, Stack

# The terminal gives Ctrl-C to all of a group, and a launcher in it may hand the same one on.
SAME_KEYSTROKE_S: Final = 0.3
EXIT_FORCED: Final = 128 + signal.SIGINT
CANCEL_AGAIN_S: Final = 3.0
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def up(options: Options, data: Path | None) -> int:
    """Run a stack until it is told to stop; the exit status. Raises StackError with what was wrong."""
    require_hidden(options.listen, options.sign_in, os.environ)
    account = unprivileged()
    directory = prepare(data or default_directory(os.environ, root=account is not None), account)
    with locked(directory):
        require_free(options.port, options.listen)
        return asyncio.run(_run(options, directory))


async def _run(options: Options, directory: DataDirectory) -> int:
    told, force = _stop_signals()
    stack = Stack(options, directory, os.environ, say)
    running = asyncio.create_task(stack.run(lambda: _say_ready(options)), name="stack")
    stopping = asyncio.create_task(told.wait(), name="signals")
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            say("stopping")
    finally:
        stopping.cancel()
        await _cancelled(running)
        await stack.shut_down(force)
        _ignore_signals()
    return EXIT_FORCED if force.is_set() else _status(running)


async def _cancelled(running: "asyncio.Task[None]") -> None:
    """Cancel until it has ended. Once may not do: before Python 3.12, asyncio.wait_for, by which nats-py waits,
    swallows a cancellation that comes together with what is waited for, and the stack would go on starting."""
    while not running.done():
        running.cancel()
        await asyncio.wait({running}, timeout=CANCEL_AGAIN_S)


def say(line: str) -> None:
    """One line for the person at the terminal."""
    # A terminal that has gone must not stop the services.
    with suppress(OSError):
        sys.stderr.write(f"todo-agent: {line}\n")
        sys.stderr.flush()


def _say_ready(options: Options) -> None:
    if options.address != options.url:
        say(f"others reach it at {options.address}")
    if options.sign_in is not None and options.sign_in.by != "provider":
        say("it asks who you are: 'todo-agent token --owner NAME' makes an address that signs a browser in")
    sys.stdout.write(f"ready {options.url}\n")
    sys.stdout.flush()


def _status(running: "asyncio.Task[None]") -> int:
    if running.cancelled():
        return 0
    error = running.exception()
    if error is None:
        return 0
    raise _first_cause(error)


def _first_cause(error: BaseException) -> BaseException:
    """What ended the stack: the first StackError of a group; anything else is a fault of ours and shown whole."""
    if isinstance(error, BaseExceptionGroup):
        expected, unexpected = error.split(StackError)
        if expected is not None and unexpected is None:
            return _first_cause(expected.exceptions[0])
    return error


def _stop_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Set by the first and by a second SIGINT, SIGTERM or SIGHUP."""
    told, force = asyncio.Event(), asyncio.Event()
    first_at: list[float] = []

    def stop() -> None:
        now = time.monotonic()
        if not told.is_set():
            first_at.append(now)
            told.set()
        elif now - first_at[0] > SAME_KEYSTROKE_S:
            force.set()

    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        # nohup has it ignored, so that the stack outlives the terminal.
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    return told, force


def _ignore_signals() -> None:
    """From here to our exit everything is done: one signal more would only hide how it went."""
    loop = asyncio.get_running_loop()
    # Held back, since removing a handler brings the default one back for a moment, and that ends us.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    for number in _STOP_SIGNALS:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
