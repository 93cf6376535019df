"""Who waits long is told for what."""

import asyncio

import pytest

from agent.waiting import told


async def test_a_long_wait_is_told_once_and_a_short_one_never() -> None:
    tellings: list[str] = []
    telling = asyncio.Event()

    async def tell() -> None:
        tellings.append("model")
        telling.set()

    async with told(tell, after_s=0):
        await asyncio.wait_for(telling.wait(), 5)
    async with told(tell, after_s=60):
        pass
    assert tellings == ["model"]


async def test_nothing_is_told_after_the_wait() -> None:
    began, tellings = asyncio.Event(), list[str]()

    async def tell() -> None:
        began.set()
        await asyncio.Event().wait()
        tellings.append("late")

    async with told(tell, after_s=0):
        await asyncio.wait_for(began.wait(), 5)
    assert tellings == []


async def test_a_telling_that_fails_is_not_swallowed() -> None:
    failed = asyncio.Event()

    async def tell() -> None:
        failed.set()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        async with told(tell, after_s=0):
            await asyncio.wait_for(failed.wait(), 5)
