"""Being told to stop while starting, where what is waited for swallows it."""

import asyncio

import pytest

from local_stack import up


async def test_a_cancellation_that_is_swallowed_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "CANCEL_AGAIN_S", 0.01)
    swallowed = 0

    async def starting() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 3:
                    raise

    running = asyncio.create_task(starting())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await up._cancelled(running)
    assert (running.cancelled(), swallowed) == (True, 3)
