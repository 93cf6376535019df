"""When to look for what may have been lost: at once when told to, else from time to time; later after failures."""

import asyncio
import random
from typing import Final

RETRY_FIRST_S: Final = 0.25
RETRY_MAX_S: Final = 8.0


class Patience:
    """`every_s` seconds between looks, give or take a quarter, so that many do not look at the same moment."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._hurried = asyncio.Event()
        self._failures = 0

    def hurry(self) -> None:
        """The next wait ends at once, or the present one."""
        self._hurried.set()

    async def wait(self) -> None:
        """Until it is time to look."""
        try:
            async with asyncio.timeout(self._every_s * _about_one()):
                await self._hurried.wait()
        except TimeoutError:
            return
        self._hurried.clear()

    async def after_failure(self) -> None:
        """Wait before the same is tried again: longer each time in a row."""
        delay = min(RETRY_MAX_S, RETRY_FIRST_S * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        await asyncio.sleep(delay * _about_one())

    def succeeded(self) -> None:
        self._failures = 0


def _about_one() -> float:
    return random.uniform(0.75, 1.25)  # noqa: S311 - spreads load, guards nothing
