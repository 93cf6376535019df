"""What a page's connection goes through, as its pill shows it."""

import asyncio
from typing import Self

from playwright.async_api import Page

from .conftest import BOUND_MS

WATCH = """() => {
    const pill = document.querySelector('[data-testid="connection"]');
    new MutationObserver(() => window.connectionMoved(pill.dataset.state))
        .observe(pill, { attributes: true, attributeFilter: ["data-state"] });
}"""


class Moves:
    """The states that the pill takes from now on."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._moved = asyncio.Event()

    @classmethod
    async def of(cls, page: Page) -> Self:
        moves = cls()
        await page.expose_function("connectionMoved", moves._take)
        await page.evaluate(WATCH)
        return moves

    def _take(self, state: str) -> None:
        self.seen.append(state)
        self._moved.set()

    async def wait_for(self, state: str) -> None:
        async with asyncio.timeout(BOUND_MS / 1000):
            while state not in self.seen:
                self._moved.clear()
                await self._moved.wait()
