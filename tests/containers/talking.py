"""What people and programs do with a project: the client of packages/client from here or elsewhere, and the page."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from bench.lab.chromium import KEEP_PEERS
from bench.lab.namespace import Namespace
from playwright.async_api import Browser, Page
from tests.containers.machine import ROOT
from tests.containers.project import PAGE

from client import AgentClient, AgentSession
from contracts.turns import Outcome

TALK_TIMEOUT_S: Final = 120.0
DONE: Final = Outcome.CONFIRMED


async def said(text: str, url: str = PAGE, token: str | None = None) -> tuple[Outcome, str]:
    """Connect from here, ask once: how it ended and what was answered."""
    async with AgentClient.connect(url, token=token) as client:
        completed = await client.ask(text)
        return completed.outcome, completed.text


async def titles(url: str = PAGE, token: str | None = None) -> dict[str, list[str]]:
    """Every list's items, by the list's title."""
    async with AgentSession.open(url, token=token, timeout=60) as session:
        lists = await session.lists()
        return {row.name: [item.title for item in items] for row, items in lists.lists}


async def said_in(
    namespace: Namespace, text: str, url: str = PAGE, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The same from another machine; see `bench.lab.python_client` for what comes back."""
    process = await asyncio.create_subprocess_exec(
        *namespace.command(sys.executable, "-m", "bench.lab.python_client", url, text),
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), TALK_TIMEOUT_S)
    except BaseException:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode == 0, err.decode()[-2000:]
    answer: dict[str, Any] = json.loads(out)
    return answer


@asynccontextmanager
async def opened(browser: Browser, url: str = PAGE, width: int = 1280) -> AsyncIterator[Page]:
    """The page in a profile of its own."""
    async with await browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = await context.new_page()
        await page.add_init_script(KEEP_PEERS)
        await page.goto(url)
        yield page
