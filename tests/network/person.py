"""What a person does with the page in the laboratory's browser, and what they see."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.lab.chromium import KEEP_PEERS, Pair, pair_of
from bench.lab.laboratory import Lab
from playwright.async_api import Page, expect

ANY = re.compile(r".+")
CONNECT_MS = 20_000
ANSWER_MS = 30_000


@dataclass(frozen=True)
class Connected:
    """How it is connected, what the page shows of that, and how long it took.

    That is from `new RTCPeerConnection` to the open channel.
    """

    pair: Pair
    shown: str
    connect_ms: float


@asynccontextmanager
async def opened(lab: Lab, url: str | None = None) -> AsyncIterator[Page]:
    """The page in a browser of its own profile, gone afterwards."""
    async with await lab.browser.new_context() as context:
        page = await context.new_page()
        await page.add_init_script(KEEP_PEERS)
        await page.goto(url or lab.stack.url)
        yield page


async def connected(page: Page, timeout_ms: int = CONNECT_MS) -> Connected:
    """Wait for the connection."""
    pill = page.get_by_test_id("connection")
    await expect(pill).to_have_attribute("data-state", "connected", timeout=timeout_ms)
    await expect(pill).to_contain_text(re.compile("host|srflx|prflx|relay"), timeout=timeout_ms)
    pair = await pair_of(page)
    assert pair is not None
    return Connected(pair, await pill.inner_text(), await page.evaluate("window.__todoAgent.connectMs"))


async def asked(page: Page, text: str) -> str:
    """Send a request, and return its outcome."""
    before = await page.get_by_test_id("turn").count()
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("composer").press("Enter")
    card = page.get_by_test_id("turn").nth(before)
    await expect(card).to_have_attribute("data-outcome", ANY, timeout=ANSWER_MS)
    return await card.get_attribute("data-outcome") or ""


async def read_notice(page: Page, timeout_ms: int) -> str:
    """Wait until the page says what is wrong, and return its words."""
    words = page.locator(".notice span").first
    await expect(words).to_be_visible(timeout=timeout_ms)
    return await words.inner_text()
