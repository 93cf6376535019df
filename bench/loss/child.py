"""A process in a namespace that is asked by lines of JSON, and answers by lines of JSON."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

LINE_MAX_BYTES: Final = 16 * 1024 * 1024
ANSWER_MAX_S: Final = 120.0


class Child:
    """The asking side. One question at a time."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def ask(self, verb: str, **given: Any) -> Any:
        """Raises RuntimeError where the child has died, TimeoutError where it does not answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("no pipes")
        self._process.stdin.write(json.dumps({"verb": verb, **given}).encode() + b"\n")
        await self._process.stdin.drain()
        line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_MAX_S)
        if not line:
            raise RuntimeError(f"the process died when it was asked to {verb}")
        return json.loads(line)


@asynccontextmanager
async def child(namespace: str, module: str) -> AsyncIterator[Child]:
    """`python -m module` in the namespace, for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        "ip", "netns", "exec", namespace, sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, limit=LINE_MAX_BYTES
    )  # fmt: skip
    try:
        yield Child(process)
    finally:
        process.kill()
        await process.wait()


async def answer_lines(answer: Callable[[str, dict[str, Any]], Awaitable[Any]]) -> None:
    """The answering side: until stdin ends."""
    lines = asyncio.StreamReader(limit=LINE_MAX_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        asked = json.loads(line)
        told = await answer(asked.pop("verb"), asked)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
