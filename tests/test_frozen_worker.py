"""An agent is frozen in the middle of a turn, which others give up meanwhile; when it wakes up it changes nothing."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from contracts.turns import Outcome
from local_stack.ports import free_port
from local_stack.temporary import running_stack, temporary_directory

from .chaos.checker import check, given_up
from .chaos.collect import collect
from .chaos.history import Kind, Step
from .chaos.killer import children
from .chaos.sessions import Session

BOUND_S = 120.0
THINKING_MS = 3000
LOOK_S = 0.05
UNWATCHED = {"MODEL_LOOK_EVERY_S": "300"}  # an agent that only looks at the model's list is none that asks


@asynccontextmanager
async def slow_model() -> AsyncIterator[int]:
    """The stand-in with time to think, on the port given."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "standin", "--port", str(port), "--delay-ms", str(THINKING_MS)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield port
    finally:
        process.terminate()
        await process.communicate()


async def agent_that_asks(supervisor: int, port: int, *, but: int | None = None) -> psutil.Process:
    """The agent that waits for the model's answer."""
    while True:
        for name, process in children(psutil.Process(supervisor)):
            if name.startswith("agent-") and process.pid != but:
                with suppress(psutil.NoSuchProcess):
                    if any(peer.raddr and peer.raddr.port == port for peer in process.net_connections()):
                        return process
        # The kernel tells nobody when a connection is made.
        await asyncio.sleep(LOOK_S)


@pytest.mark.long
async def test_an_agent_that_wakes_up_after_its_turn_was_given_up_changes_nothing() -> None:
    step = Step(Kind.CREATE_LIST, "Once")
    with temporary_directory() as directory:
        async with slow_model() as port:
            model = ("--model-url", f"http://127.0.0.1:{port}")
            async with (
                running_stack(directory, *model, "--scale", "agent=2,rtc-gateway=2", environ=UNWATCHED) as stack,
                asyncio.timeout(BOUND_S),
            ):
                session = Session(stack.url, [step], asyncio.Semaphore(1))
                asking = asyncio.create_task(session.run())
                frozen = await agent_that_asks(stack.pid, port)
                frozen.suspend()
                for _ in range(2):
                    (await agent_that_asks(stack.pid, port, but=frozen.pid)).kill()
                await asking
                frozen.resume()
                # It finishes what it has in hand before it ends.
                frozen.terminate()
                await asyncio.to_thread(frozen.wait, BOUND_S)
                history = await collect(directory, session.asked)
    assert [end.turn.outcome for end in history.ends] == [Outcome.FAILED]
    assert given_up(history.ends[0].turn)
    assert history.dead == (session.asked[0].turn_id,)
    assert check(history) == []
    assert history.changes == ()
