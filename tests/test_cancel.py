"""A page cancels a turn: the model is hung up on, nothing is changed, and the page hears so within a second."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from client import AgentClient
from contracts.tokens import uuid7
from contracts.turns import Outcome
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_S = 20.0
TOLD_WITHIN_S = 1.0
FOR_EVER_S = 600


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[httpx.AsyncClient]:
    """A stand-in that can be scripted and answers one completion at a time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "standin", "--port", "0", "--scriptable", "--parallel", "1"), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), BOUND_S)).decode()
        async with httpx.AsyncClient(base_url=line.split()[-1], timeout=BOUND_S) as http:
            yield http
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), BOUND_S)


@pytest.fixture(scope="module")
async def stack(model: httpx.AsyncClient) -> AsyncIterator[RunningStack]:
    with temporary_directory() as directory:
        scale = ("--scale", "agent=2,rtc-gateway=2")
        async with running_stack(directory, "--model-url", str(model.base_url), *scale) as running:
            yield running


async def seen(model: httpx.AsyncClient, at_least: int = 0) -> dict[str, Any]:
    """What the model has been asked."""
    query = {"at_least": at_least, "timeout": BOUND_S}
    found: dict[str, Any] = (await model.get("/__standin__/requests", params=query)).json()
    assert found["reached"]
    return found


async def test_a_cancel_hangs_up_on_the_model_changes_nothing_and_is_told_within_a_second(
    stack: RunningStack, model: httpx.AsyncClient
) -> None:
    await model.post("/__standin__/script", json=[{"fault": "hang", "seconds": FOR_EVER_S}])
    before = (await seen(model))["seen"]
    async with AgentClient.connect(stack.url) as client:
        turn = uuid7()
        asking = asyncio.create_task(client.ask("create a list called Never", turn_id=turn))
        await seen(model, before + 1)
        since = time.monotonic()
        await client.cancel(turn)
        completed = await asyncio.wait_for(asking, BOUND_S)
        took = time.monotonic() - since
        assert (completed.outcome, completed.text) == (Outcome.CANCELLED, "Cancelled. Nothing was changed.")
        assert took < TOLD_WITHIN_S
        # The model serves one at a time, so this is answered only because the one before was let go.
        assert (await client.ask("create a list called Next")).outcome is Outcome.CONFIRMED
        assert [row.name for row, _ in (await client.lists()).lists] == ["Next"]
    hung = (await seen(model))["requests"][before]
    assert hung["answered_by"] == "nobody: the client left"


async def test_a_turn_cancelled_behind_another_of_its_session_never_reaches_the_model(
    stack: RunningStack, model: httpx.AsyncClient
) -> None:
    await model.post("/__standin__/script", json=[{"fault": "hang", "seconds": FOR_EVER_S}])
    before = (await seen(model))["seen"]
    async with AgentClient.connect(stack.url) as client:
        first, second = uuid7(), uuid7()
        asking = [asyncio.create_task(client.ask("create a list called First", turn_id=first))]
        await seen(model, before + 1)
        asking.append(asyncio.create_task(client.ask("create a list called Second", turn_id=second)))
        lists = await client.lists()  # read behind the start of the second
        await client.cancel(second)
        assert [row.name for row, _ in (await client.lists()).lists] == [row.name for row, _ in lists.lists]
        await model.post("/__standin__/release")
        done, cancelled = await asyncio.wait_for(asyncio.gather(*asking), BOUND_S)
        assert (done.outcome, cancelled.outcome) == (Outcome.CONFIRMED, Outcome.CANCELLED)
    assert (await seen(model))["seen"] == before + 1


async def test_a_cancel_of_what_is_done_and_of_what_never_was_changes_nothing(stack: RunningStack) -> None:
    async with AgentClient.connect(stack.url) as client:
        turn = uuid7()
        done = await client.ask("create a list called Kept", turn_id=turn)
        assert done.outcome is Outcome.CONFIRMED
        before = await client.lists()
        await client.cancel(turn)
        await client.cancel(uuid7())
        assert (await client.ask("what are my lists?")).outcome is Outcome.ANSWERED
        assert await client.lists() == before
        # A page that sends it again hears what it heard before.
        assert await client.ask("create a list called Kept", turn_id=turn) == done
