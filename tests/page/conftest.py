"""The page in a real Chromium over one real stack. Each test is a person of their own, and sees nobody else's lists.

A test that kills processes has a stack of its own.
"""

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Final

import asyncpg
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from access.interface import Expected
from access.settings import AUDIENCE, LOCAL_ISSUER
from access.shared_secret import SharedSecrets
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_MS: Final = 20_000
SECRET: Final = secrets.token_urlsafe(48)
ANY: Final = re.compile(r".+")
WIDE: Final = (1280, 800)

VIOLATIONS: Final = """addEventListener("securitypolicyviolation", (event) =>
    window.policyViolated([event.effectiveDirective, event.blockedURI, event.sample].join(" ")))"""

Open = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="session")
async def page_stack() -> AsyncIterator[RunningStack]:
    """Two gateways and two agents with the stand-in; whoever has a token may enter."""
    with temporary_directory() as directory:
        scale = ("--scale", "agent=2,rtc-gateway=2")
        async with running_stack(directory, "--standin", *scale, environ={"AUTH_SECRET": SECRET}) as running:
            yield running


@pytest.fixture
async def database(page_stack: RunningStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(page_stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def open_page(page_stack: RunningStack, browser: Browser) -> AsyncIterator[Open]:
    """Opens a connected page. `person` names whose it is (the test's own by default), `size` the window in CSS pixels;
    `script` runs in it before its own; what else is given goes to Playwright's `new_context`. When the test ends, the
    page must not have raised an error, nor tried what its policy forbids."""
    contexts = []
    errors: list[str] = []
    violations: list[str] = []
    nonce = secrets.token_hex(4)

    async def opened(
        person: str = "ada", size: tuple[int, int] = WIDE, script: str | None = None, **options: object
    ) -> Page:
        context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        contexts.append(context)
        await watch_policy(context, violations)
        if script is not None:
            await context.add_init_script(script)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{page_stack.url}#t={token_for(f'{person}-{nonce}')}")
        await connected(page)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert (errors, violations) == ([], [])


@pytest.fixture
async def page(open_page: Open) -> Page:
    return await open_page()


def token_for(owner: str, minutes: float = 60) -> str:
    expected = Expected(issuer=LOCAL_ISSUER, audience=AUDIENCE)
    return SharedSecrets((SECRET,), expected).mint(owner, timedelta(minutes=minutes))


async def watch_policy(context: BrowserContext, violations: list[str]) -> None:
    """Note what its pages try from now on that their Content-Security-Policy forbids."""

    def take(violation: str) -> None:
        violations.append(violation)

    await context.expose_function("policyViolated", take)
    await context.add_init_script(VIOLATIONS)


async def connected(page: Page) -> None:
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected", timeout=BOUND_MS)


async def send(page: Page, text: str) -> Locator:
    """Type a request and send it; its card."""
    before = await page.get_by_test_id("turn").count()
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("composer").press("Enter")
    return page.get_by_test_id("turn").nth(before)


async def ask(page: Page, text: str) -> Locator:
    """Type a request and send it; its card once it is completed."""
    card = await send(page, text)
    await expect(card).to_have_attribute("data-outcome", ANY, timeout=BOUND_MS)
    return card
