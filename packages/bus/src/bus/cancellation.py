"""Cancellations that are not lost in somebody else's code."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def heeded(call: Awaitable[ResultT]) -> ResultT:
    """What `call` gives. Raises CancelledError where the task was cancelled meanwhile and the call kept that to itself.

    Before Python 3.12 asyncio.wait_for, by which nats-py waits for answers, swallows a cancellation that comes with its
    result (cpython issue 86296). A task that works without end would go on, and whoever waits for its end with it.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    result = await call
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
    return result
