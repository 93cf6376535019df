"""A cancellation that a library swallows ends the task all the same."""

import asyncio

import pytest

from bus.cancellation import heeded


async def swallowing() -> str:
    """As asyncio.wait_for of Python 3.11 does where the result is there."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "the result"
    return "never"


async def test_a_swallowed_cancellation_is_raised_behind_the_call() -> None:
    task = asyncio.create_task(heeded(swallowing()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_time_that_is_up_is_a_timeout_and_no_cancellation() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await heeded(swallowing())


async def test_what_is_done_while_a_task_ends_is_done() -> None:
    """A cancellation that was heard before is not raised again in the middle of tidying up."""
    tidied: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(await heeded(asyncio.sleep(0, "tidied")))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tidied == ["tidied"]
