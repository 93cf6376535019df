"""Chromium, and bare aiortc to be compared with, for the benches in a browser."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, async_playwright

CONNECTED: Final = '[data-testid="connection"][data-state="connected"]'
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
BARE: Final = Path(__file__).parent / "bare_aiortc.py"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser for the length of the block. Raises SystemExit where there is none."""
    executable = shutil.which("chromium")
    if executable is None:
        raise SystemExit("this bench needs Chromium: sudo apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def bare_server(launcher: Sequence[str] = ()) -> AsyncIterator[str]:
    """Bare aiortc in a process of its own, as our gateway is; yields its page's address.

    `launcher` becomes the command it is given, as nsenter does.
    """
    process = await asyncio.create_subprocess_exec(*launcher, sys.executable, str(BARE), stdout=PIPE)
    if process.stdout is None:
        raise RuntimeError("no output to read the port from")
    try:
        port = (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip()
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        await process.communicate()
