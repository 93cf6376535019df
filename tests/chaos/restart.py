"""Everything ends at once in the middle of a run, supervisor, NATS and PostgreSQL too, and is started again."""

import asyncio
import time
from contextlib import suppress

import psutil

from local_stack.ports import free_port
from local_stack.temporary import running_stack, temporary_directory

from .accounts import accounts
from .checker import check
from .collect import collect
from .run import PEACE_S, STACK, Form, Report, prepared, sessions_of

_MIDDLE = 0.3


async def restarted(form: Form) -> Report:
    """A run without a killer, but for the one blow that meets everybody when a third of the turns are through."""
    port = ("--port", str(free_port()))
    with temporary_directory() as directory:
        async with running_stack(directory, *STACK, *port) as stack:
            first = await prepared(stack.url)
            sessions = sessions_of(form, stack.url, asyncio.Semaphore(form.turns))
            heard = asyncio.Semaphore(0)
            for session in sessions:
                session.heard = heard
            begun = time.monotonic()
            asking = asyncio.gather(*(session.run() for session in sessions))
            try:
                async with asyncio.timeout(PEACE_S):
                    for _ in range(int(form.turns * _MIDDLE)):
                        await heard.acquire()
                assert not asking.done()
                kill_everything(stack.pid)
                await stack.process.wait()
            except BaseException:
                asking.cancel()
                raise
        async with running_stack(directory, *STACK, *port):
            await asyncio.wait({asking}, timeout=PEACE_S)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            everyone = [first, *sessions]
            duration_s = time.monotonic() - begun
            history = await collect(directory, [asked for session in everyone for asked in session.asked])
            account = await accounts(directory, [session.witness for session in everyone])
    connections = sum(session.witness.connections for session in everyone)
    return Report(form, history, check(history), duration_s, connections, account, [])


def kill_everything(supervisor: int) -> None:
    """SIGKILL the supervisor and all that descends from it, which it has no chance to start again meanwhile."""
    parent = psutil.Process(supervisor)
    parent.suspend()
    for process in parent.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    parent.kill()
