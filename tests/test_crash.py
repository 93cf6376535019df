"""A process dies at a named point between accept and ack; the answer is the same as if none had died."""

import asyncio
import re
from collections import Counter

import pytest

from contracts.turns import Outcome
from local_stack.temporary import running_stack, temporary_directory

from .chaos.checker import check
from .chaos.collect import collect
from .chaos.history import Kind, Step
from .chaos.sessions import Session

SCALE = ("--scale", "agent=2,rtc-gateway=2,todo-store=2")
STEPS = [
    Step(Kind.CREATE_LIST, "Once"),
    Step(Kind.ADD, "Once", "milutero"),
    Step(Kind.COMPLETE, "Once", "milutero"),
    Step(Kind.COUNT, "Once"),
]
BOUND_S = 100.0
AFTER_A_DEATH = "agent:after_apply,todo-store:"
"""A turn is taken over only after a worker's death."""

EVERY_POINT = (
    "rtc-gateway:before_start_stored",
    "rtc-gateway:after_start_stored",  # the page does not know that it is accepted
    "rtc-gateway:after_accepted",
    "agent:before_plan",
    "agent:before_apply",
    "todo-store:before_apply_commit",
    "todo-store:after_apply_commit",
    "agent:after_apply",  # between EXECUTE and CONFIRM
    f"{AFTER_A_DEATH}before_take_over_commit",
    f"{AFTER_A_DEATH}after_take_over_commit",
    "agent:after_confirm",
    "agent:before_completed",
    "agent:after_completed",  # before the ack
)
IN_EVERY_RUN = {"agent:after_apply"}


@pytest.mark.parametrize(
    "points", [pytest.param(one, marks=() if one in IN_EVERY_RUN else pytest.mark.long) for one in EVERY_POINT]
)
async def test_every_turn_has_the_same_answer_whoever_died_at(points: str) -> None:
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin", *SCALE, environ={"CRASH_AT": points}) as stack:
            session = Session(stack.url, STEPS, asyncio.Semaphore(len(STEPS)))
            await asyncio.wait_for(session.run(), BOUND_S)
            history = await collect(directory, session.asked)
            said = stack.said.read_text()
    for point in points.split(","):
        assert re.search(rf"{point.partition(':')[0]}-\d.*SIGKILL", said), said
    assert check(history) == []
    outcomes = Counter(end.turn.outcome for end in history.ends)
    assert outcomes == {Outcome.CONFIRMED: 3, Outcome.ANSWERED: 1}
    assert len(history.changes) == 3
