"""A Firefox as Debian ships it, headless, on a fresh profile, driven over WebDriver BiDi without a driver between.

Playwright drives only a Firefox that it built itself. `Firefox.running` yields one, `Firefox.open` a `Tab`; what a test
does not need of BiDi (https://w3c.github.io/webdriver-bidi/) is not here. Every wait has a bound.
"""

import asyncio
import json
import os
import signal
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self

from websockets.asyncio.client import ClientConnection, connect

from local_stack.death import bound_to_us

START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
BOUND_S: Final = 20.0
ENTER: Final = "\ue007"
_LISTENING: Final = "WebDriver BiDi listening on "
_FRAME_MAX_BYTES: Final = 16 * 1024 * 1024
_LINES_KEPT: Final = 40

# Resolves once the selector matches, told by the document itself.
_UNTIL: Final = """(selector, boundMs) => new Promise((resolve, reject) => {
  const found = () => document.querySelector(selector) !== null;
  if (found()) { resolve(); return; }
  const look = () => { if (found()) { observer.disconnect(); clearTimeout(late); resolve(); } };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const late = setTimeout(() => {
    observer.disconnect();
    reject(new Error(`no ${selector} within ${boundMs} ms; shown: ${document.body.innerText.slice(0, 500)}`));
  }, boundMs);
})"""


class FirefoxError(Exception):
    """Firefox did not start, refused a command, or a script in the page threw."""


class Firefox:
    """One browser and its one BiDi session. Commands may be given by several tasks at once."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.errors: list[str] = []
        """What pages threw and nothing caught."""

    @classmethod
    @asynccontextmanager
    async def running(cls, executable: str) -> AsyncIterator[Self]:
        """Start it, and end it with the block. Raises FirefoxError where it does not come up."""
        with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as profile:
            async with (
                _process(executable, Path(profile)) as url,
                connect(f"{url}/session", proxy=None, max_size=_FRAME_MAX_BYTES) as socket,
            ):
                firefox = cls(socket)
                reading = asyncio.get_running_loop().create_task(firefox._read())
                try:
                    await firefox.command("session.new", {"capabilities": {}})
                    await firefox.command("session.subscribe", {"events": ["log.entryAdded"]})
                    yield firefox
                    with suppress(FirefoxError):  # it may be gone before it has answered
                        await firefox.command("browser.close", {})
                finally:
                    reading.cancel()
                    await asyncio.wait({reading})

    async def open(self, url: str) -> "Tab":
        """A new tab with the page at `url`, loaded."""
        context: str = (await self.command("browsingContext.create", {"type": "tab"}))["context"]
        await self.command("browsingContext.navigate", {"context": context, "url": url, "wait": "complete"})
        return Tab(self, context)

    async def command(self, method: str, params: dict[str, Any]) -> Any:
        """The result of one command. Raises FirefoxError for its error, or where none comes within BOUND_S."""
        self._sent += 1
        number = self._sent
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(BOUND_S + 5):
                await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
                return await answer
        except TimeoutError as error:
            raise FirefoxError(f"{method} was not answered") from error
        finally:
            del self._waiting[number]

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._take(json.loads(text))
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(FirefoxError("Firefox closed the connection"))

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "event":
            entry = message["params"]
            if entry.get("type") == "javascript" and entry.get("level") == "error":
                self.errors.append(entry["text"])
            return
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if message["type"] == "success":
            answer.set_result(message["result"])
        else:
            answer.set_exception(FirefoxError(f"{message['error']}: {message['message']}"))


class Tab:
    """One page in one tab."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    async def call(self, function: str, *arguments: Any) -> Any:
        """What the JavaScript function returns for these arguments; both travel as JSON. Promises are awaited."""
        given = {"type": "string", "value": json.dumps(arguments)}
        params = {
            "functionDeclaration": f"async (given) => JSON.stringify(await ({function})(...JSON.parse(given)) ?? null)",
            "arguments": [given],
            "target": {"context": self._context},
            "awaitPromise": True,
        }
        done = await self._firefox.command("script.callFunction", params)
        if done["type"] == "exception":
            raise FirefoxError(done["exceptionDetails"]["text"])
        return json.loads(done["result"]["value"])

    async def until(self, selector: str) -> None:
        """Wait until something on the page matches; FirefoxError with what is shown where nothing does in time."""
        await self.call(_UNTIL, selector, BOUND_S * 1000)

    async def text(self, selector: str) -> str:
        return str(await self.call("(selector) => document.querySelector(selector).innerText", selector))

    async def count(self, selector: str) -> int:
        return int(await self.call("(selector) => document.querySelectorAll(selector).length", selector))

    async def click(self, selector: str) -> None:
        """With the mouse, on the middle of the first that matches."""
        locator = {"type": "css", "value": selector}
        given = {"context": self._context, "locator": locator, "maxNodeCount": 1}
        nodes = (await self._firefox.command("browsingContext.locateNodes", given))["nodes"]
        if not nodes:
            raise FirefoxError(f"nothing matches {selector}")
        origin = {"type": "element", "element": {"sharedId": nodes[0]["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self._perform({"type": "pointer", "id": "mouse", "actions": steps})

    async def type(self, text: str) -> None:
        """Key by key, into what has the focus."""
        steps = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        await self._perform({"type": "key", "id": "keyboard", "actions": steps})

    async def _perform(self, source: dict[str, Any]) -> None:
        await self._firefox.command("input.performActions", {"context": self._context, "actions": [source]})


@asynccontextmanager
async def _process(executable: str, profile: Path) -> AsyncIterator[str]:
    """The browser's process for the length of the block; yields where it listens."""
    process = await asyncio.create_subprocess_exec(
        *(executable, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"),
        # Run by root, Firefox wants a home that root owns.
        env={**os.environ, "HOME": str(profile), "XDG_CACHE_HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=PIPE,
        start_new_session=True,
        preexec_fn=bound_to_us(signal.SIGKILL),
    )
    said: deque[str] = deque(maxlen=_LINES_KEPT)
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    draining = asyncio.get_running_loop().create_task(_drain(process, said, listening))
    try:
        try:
            yield await asyncio.wait_for(listening, START_TIMEOUT_S)
        except TimeoutError as error:
            raise FirefoxError("Firefox did not listen in time:\n" + "".join(said)) from error
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    finally:
        with suppress(ProcessLookupError):  # its content processes are in its group
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await draining


async def _drain(process: Process, said: "deque[str]", listening: "asyncio.Future[str]") -> None:
    """Read what it says to the end, so that it never waits for a reader."""
    if process.stderr is None:
        raise RuntimeError("no output to read the address from")
    async for line in process.stderr:
        text = line.decode(errors="replace")
        said.append(text)
        if text.startswith(_LISTENING) and not listening.done():
            listening.set_result(text.removeprefix(_LISTENING).strip())
    if not listening.done():
        listening.set_exception(FirefoxError("Firefox ended before it listened:\n" + "".join(said)))
