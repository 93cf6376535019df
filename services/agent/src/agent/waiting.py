"""Saying what is waited for, once it takes long enough for a person to wonder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

TELL_AFTER_S: Final = 3.0


@asynccontextmanager
async def told(tell: Callable[[], Awaitable[None]], *, after_s: float = TELL_AFTER_S) -> AsyncIterator[None]:
    """Call `tell` once if the block takes longer than `after_s` seconds. What it raises is the block's to raise."""

    async def later() -> None:
        await asyncio.sleep(after_s)
        await tell()

    task = asyncio.create_task(later(), name="tell")
    try:
        yield
    finally:
        task.cancel()
        # Ended before the block does, so that what is told of a phase cannot come after the next one.
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()
