"""One call of a tool, from the arguments as a model wrote them to a result that it can act on."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.message import ErrorCode, Problem, preview
from mcp_bridge import answers
from mcp_bridge.answers import NOTHING_CHANGED, Answer
from mcp_bridge.arguments import DAY, DUE, Change
from mcp_bridge.changes import change
from mcp_bridge.near import Known, nearest
from mcp_bridge.reads import read
from mcp_bridge.store import AwayError, RefusedError, Store
from mcp_bridge.tools import Tool
from mcp_bridge.wording import quoted

log = logging.getLogger(__name__)

AT_ONCE: Final = 32
WAITING_MAX: Final = 256
TOLD_MAX: Final = 3
NAME_CHARS: Final = 40


class Room:
    """So many calls at once in this process, and so many that wait for one of them to end."""

    def __init__(self, at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._waiting_max = waiting_max

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Raises AwayError where too many wait already."""
        if self._waiting >= self._waiting_max:
            problem = Problem(code=ErrorCode.OVERLOADED, detail="too many calls at once")
            raise AwayError(problem, in_doubt=False)
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._room.release()


async def call(tool: Tool, given: Mapping[str, Any], store_of: Callable[[], Store], room: Room) -> Answer:
    """Never raises: whatever goes wrong becomes an answer, and nothing of an exception's text is in it.

    `store_of` may raise AwayError.
    """
    try:
        asked = tool.takes.model_validate(dict(given))
    except ValidationError as error:
        return _wrong(tool, error)
    try:
        async with room.one():
            store = store_of()
            return await (change(store, asked) if isinstance(asked, Change) else read(store, asked))
    except AwayError as error:
        return answers.away(error.problem, changes=not tool.reads, in_doubt=False, key="")
    except RefusedError as error:
        return answers.refused(error.problem, changes=not tool.reads)
    except Exception:
        error_id = secrets.token_hex(8)
        log.exception("tool failed", extra={"tool": tool.name, "error_id": error_id})
        known = "" if tool.reads else " Whether anything was changed is not known: look with get_all_todo_lists."
        text = f"the bridge failed; its log tells more under the id {error_id}.{known}"
        return Answer(text, {"error": ErrorCode.INTERNAL.value, "error_id": error_id}, failed=True)


def _wrong(tool: Tool, error: ValidationError) -> Answer:
    """What is wrong with the arguments: which, what of them, and what the tool takes."""
    told = dict.fromkeys(_complaint(tool, one) for one in error.errors(include_url=False)[:TOLD_MAX])
    ending = "" if tool.reads else f" {NOTHING_CHANGED}"
    return Answer(f"{tool.name}: {'; '.join(told)}.{ending}", {"error": ErrorCode.INVALID.value}, failed=True)


def _complaint(tool: Tool, one: ErrorDetails) -> str:
    name = ".".join(str(part) for part in one["loc"])
    match one["type"]:
        case "extra_forbidden":
            names = list(tool.input_schema["properties"])
            near = nearest(name, (Known(known, known, known) for known in names))
            meant = f" (did you mean {near[0].told}?)" if near else ""
            return f"it has no argument {quoted(name, NAME_CHARS)}{meant}; it takes {', '.join(names)}"
        case "missing":
            return f"{name} is missing"
        case _ if not name:
            return _detail(one)
        case _:
            return f"{name} {quoted(preview(one['input']))} {_detail(one)}"


def _detail(one: ErrorDetails) -> str:
    detail = one["msg"].removeprefix("Value error, ")  # pydantic's, before what a validator of ours says
    detail = detail.replace("Input should", "should", 1)
    # What a model takes for today is the day that it was trained.
    return f"{detail} (today is {datetime.now().astimezone():%Y-%m-%d})" if one["type"] in {DUE, DAY} else detail
