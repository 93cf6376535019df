"""The page's Content-Security-Policy: what it forbids does not happen, and every other test of the page notices it."""

import asyncio

import pytest
from playwright.async_api import Browser

from local_stack.temporary import RunningStack

from .conftest import BOUND_MS, connected, token_for, watch_policy

pytestmark = pytest.mark.browser

FORBIDDEN = {
    "script-src-elem": """() => import("http://127.0.0.1:9/evil.js").catch(() => {})""",
    "style-src-attr": """() => document.body.setAttribute("style", "outline: 3px solid red")""",
    "style-src-elem": """() => {
        const style = document.createElement("style");
        style.append("body { outline: 3px solid red }");
        document.head.append(style);
    }""",
    "img-src": """() => { new Image().src = "http://127.0.0.1:9/pixel.png"; }""",
    "connect-src": """() => fetch("http://127.0.0.1:9/").catch(() => {})""",
    "frame-src": """() => {
        const frame = document.createElement("iframe");
        frame.src = "http://127.0.0.1:9/";
        document.body.append(frame);
    }""",
    "require-trusted-types-for": """() => { try { document.body.innerHTML = "<p>no</p>"; } catch {} }""",
}


async def test_what_the_page_is_not_made_of_is_refused_and_noticed(page_stack: RunningStack, browser: Browser) -> None:
    async with await browser.new_context() as context:
        violations: list[str] = []
        await watch_policy(context, violations)
        page = await context.new_page()
        await page.goto(f"{page_stack.url}#t={token_for('mallory')}")
        await connected(page)
        assert violations == []
        for directive, attempt in FORBIDDEN.items():
            await page.evaluate(attempt)
            async with asyncio.timeout(BOUND_MS / 1000):
                while not any(violation.startswith(directive) for violation in violations):
                    await page.evaluate("() => new Promise(requestAnimationFrame)")
        assert await page.evaluate("getComputedStyle(document.body).outlineStyle") == "none"
        await connected(page)
