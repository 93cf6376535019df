"""Asks a process on the loopback whether it is ready: one HTTP/1.1 GET, without a library to import for it."""

import asyncio
import json
from typing import Final

from local_stack.ports import LOOPBACK

ASK_TIMEOUT_S: Final = 3.0
PERIOD_S: Final = 0.05
_ANSWER_MAX_BYTES: Final = 16 * 1024


async def missing(port: int, path: str) -> str | None:
    """None when `path` answers 200, else a short word for what is missing."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            return await _ask(port, path)
    except TimeoutError:
        return "no answer"
    except (OSError, ValueError):
        return "not listening"


async def until_ready(port: int, path: str) -> None:
    """Wait until `path` answers 200. Bounded by the caller."""
    while await missing(port, path) is not None:  # noqa: ASYNC110 - the other process has no event for this
        await asyncio.sleep(PERIOD_S)


async def _ask(port: int, path: str) -> str | None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(_ANSWER_MAX_BYTES)
        while len(answer) < _ANSWER_MAX_BYTES and (more := await reader.read(_ANSWER_MAX_BYTES)):
            answer += more
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.count(b" ") > 1 else 0
    if status == 200:
        return None
    return _named(body) or f"status {status}"


def _named(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    name = found.get("missing") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
