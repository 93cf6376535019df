"""NATS is killed before it has written an ack down, and gives the turn out again; its answer stays the last word."""

import asyncio

import psutil
import pytest

from contracts.turns import Outcome
from local_stack.temporary import running_stack, temporary_directory

from .chaos.checker import check
from .chaos.collect import collect
from .chaos.history import Kind, Step
from .chaos.killer import NATS, children
from .chaos.sessions import Session

BOUND_S = 60.0


@pytest.mark.long
async def test_nothing_is_done_for_a_turn_after_it_was_answered_that_there_is_nothing_to_do() -> None:
    make, add = Step(Kind.CREATE_LIST, "Once"), Step(Kind.ADD, "Once", "milutero")
    tick, count = Step(Kind.COMPLETE, "Once", "milutero"), Step(Kind.COUNT, "Once")
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as stack, asyncio.timeout(BOUND_S):
            gate, told = asyncio.Semaphore(2), asyncio.Semaphore(0)
            # The item that it wants to tick is not there yet.
            early = Session(stack.url, [make, tick, count], gate, heard=told)
            asking = asyncio.create_task(early.run())
            for _ in range(2):
                await told.acquire()
            nats = next(process for name, process in children(psutil.Process(stack.pid)) if name == NATS)
            nats.kill()
            other = Session(stack.url, [add], asyncio.Semaphore(1))
            await other.run()
            # The session's next turn comes only after the one that is given out again.
            gate.release()
            await asking
            history = await collect(directory, [*early.asked, *other.asked])
    outcomes = [asked.told[0].turn.outcome for asked in early.asked]
    assert outcomes == [Outcome.CONFIRMED, Outcome.NOT_FOUND, Outcome.ANSWERED]
    assert check(history) == []
