"""`todo-agent ask` and `lists`: through the same door as a browser, with an exit status that scripts can rely on."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from client import AgentClient, ClientError, ConnectError, Lists
from contracts.message import ErrorCode
from contracts.todo import Priority, TodoItem
from contracts.turns import Outcome, TurnCompleted
from local_stack.command_line import TOKEN_VARIABLE
from local_stack.errors import StackError

DONE: Final = 0
NOT_DONE: Final = 1
NOTHING_CHANGED: Final = 3

STATUS: Final[Mapping[Outcome, int]] = {
    Outcome.CONFIRMED: DONE,
    Outcome.ALREADY_SO: DONE,
    Outcome.ANSWERED: DONE,
    Outcome.CLARIFY: NOTHING_CHANGED,
    Outcome.NOT_FOUND: NOTHING_CHANGED,
    Outcome.REFUSED: NOTHING_CHANGED,
    Outcome.CONFLICT: NOTHING_CHANGED,
    Outcome.CANCELLED: NOTHING_CHANGED,
    Outcome.FAILED: NOT_DONE,
    Outcome.UNKNOWN: NOT_DONE,
    Outcome.REFUTED: NOT_DONE,
}
_HOW_TO_SIGN_IN: Final = (
    f" (give one with --token or {TOKEN_VARIABLE}; 'todo-agent token --owner NAME' makes one where the stack runs)"
)
_ZONES_IN: Final = "/zoneinfo/"
_HARMLESS: Final = "\n\u200c\u200d"  # the joiners, which Persian words and many emoji are written with
ResultT = TypeVar("ResultT")


def ask(url: str, text: str, *, token: str | None, as_json: bool) -> int:
    """Send one request and print what became of it; the exit status. Raises StackError without a connection."""
    turn = _finished(_ask(url, token, text))
    _print(rendered_json(turn) if as_json else rendered(turn))
    return STATUS[turn.outcome]


def lists(url: str, *, token: str | None, as_json: bool) -> int:
    """Print every list with its items. Raises StackError without a connection."""
    state = _finished(_lists(url, token))
    _print(lists_json(state) if as_json else lists_text(state))
    return DONE


def rendered(turn: TurnCompleted) -> str:
    """For people: the outcome, the text, and what may be answered to a question."""
    candidates = [f"  {candidate.label}: {candidate.reply}" for candidate in turn.candidates]
    return "\n".join((f"{turn.outcome.value}: {_shown(turn.text)}", *map(_shown, candidates)))


def rendered_json(turn: TurnCompleted) -> str:
    """For programs: one object."""
    return json.dumps(turn.model_dump(mode="json", include={"outcome", "text", "receipt"}), ensure_ascii=False)


def lists_text(state: Lists) -> str:
    """For people: a line a list, a line an item."""
    if not state.lists:
        return "no lists"
    lines: list[str] = []
    for todo_list, items in state.lists:
        lines += [todo_list.name, *(_item_line(item) for item in items)]
    return "\n".join(map(_shown, lines))


def lists_json(state: Lists) -> str:
    """For programs: one object, lists in order, each with its items in order."""
    found = [
        {**todo_list.model_dump(mode="json"), "items": [item.model_dump(mode="json") for item in items]}
        for todo_list, items in state.lists
    ]
    return json.dumps({"revision": state.revision, "lists": found}, ensure_ascii=False)


def local_time_zone(environ: Mapping[str, str], localtime: Path = Path("/etc/localtime")) -> str:
    """The name of this machine's time zone, so that "tomorrow" is the day that the person means. UTC if unknown."""
    named = environ.get("TZ", "").lstrip(":")
    if not named and localtime.is_symlink():
        named = str(localtime.resolve()).partition(_ZONES_IN)[2]
    try:
        return ZoneInfo(named).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


async def _ask(url: str, token: str | None, text: str) -> TurnCompleted:
    async with AgentClient.connect(url, token=token, time_zone=local_time_zone(os.environ)) as client:
        return await client.ask(text)


async def _lists(url: str, token: str | None) -> Lists:
    async with AgentClient.connect(url, token=token, time_zone=local_time_zone(os.environ)) as client:
        return await client.lists()


def _finished(work: Coroutine[None, None, ResultT]) -> ResultT:
    try:
        return asyncio.run(work)
    except ConnectError as error:
        hint = _HOW_TO_SIGN_IN if error.code is ErrorCode.UNAUTHORISED else ""
        raise StackError(_shown(str(error)) + hint) from error
    except ClientError as error:
        raise StackError(_shown(str(error))) from error


def _item_line(item: TodoItem) -> str:
    words = [f"  [{'x' if item.done else ' '}] {item.title}"]
    if item.due is not None:
        words.append(f"(due {_day(item.due)})")
    if item.priority is not Priority.NONE:
        words.append(f"({item.priority.value} priority)")
    return " ".join(words)


def _day(due: date | datetime) -> str:
    return due.isoformat(timespec="minutes", sep=" ") if isinstance(due, datetime) else due.isoformat()


def _shown(text: str) -> str:
    # Titles are other people's text: they must not move the cursor or turn the line around.
    return "".join(one if one.isprintable() or one in _HARMLESS else "?" for one in text)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
