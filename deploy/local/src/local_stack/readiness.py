"""Asks a process on this machine whether it is ready."""

import asyncio
import json
from typing import Final

from local_stack.http_get import get

ASK_TIMEOUT_S: Final = 3.0
PERIOD_S: Final = 0.05


async def missing(host: str, port: int, path: str) -> str | None:
    """None when `path` answers 200, else a short word for what is missing."""
    try:
        answer = await get(f"http://{f'[{host}]' if ':' in host else host}:{port}{path}", timeout=ASK_TIMEOUT_S)
    except TimeoutError:
        return "no answer"
    except (OSError, ValueError):
        return "not listening"
    if answer.status == 200:
        return None
    return _named(answer.body) or f"status {answer.status}"


async def until_ready(host: str, port: int, path: str) -> None:
    """Wait until `path` answers 200. Bounded by the caller."""
    while await missing(host, port, path) is not None:  # noqa: ASYNC110 - the other process has no event for this
        await asyncio.sleep(PERIOD_S)


def _named(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    name = found.get("missing") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
