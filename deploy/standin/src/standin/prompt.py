"""What a model would read: the live state and the request, out of the chat's messages. Pure.

Only the last user message that holds a `<request>` counts, so a repair question after it does not hide it. The state
is read as one JSON value from its own beginning, so a title that contains `</state>` or `<request>` stays a title.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

STATE_OPEN: Final = "<state>"
REQUEST_OPEN: Final = "<request>"
REQUEST_CLOSE: Final = "</request>"


@dataclass(frozen=True, slots=True)
class Item:
    """A row of a list: its alias (`L1.2`), its title, whether it is ticked."""

    alias: str
    title: str
    done: bool


@dataclass(frozen=True, slots=True)
class TodoList:
    """A list: its alias (`L1`), its name, its items in order, and what else the request calls it."""

    alias: str
    name: str
    items: tuple[Item, ...]
    also: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, and of which lists."""

    request: str
    lists: tuple[TodoList, ...]


def read_prompt(messages: Sequence[Mapping[str, object]]) -> Prompt:
    """The prompt in OpenAI chat messages. Without the two blocks the last user message is the request itself."""
    texts = [text_of(message.get("content")) for message in messages if message.get("role") == "user"]
    for text in reversed(texts):
        if REQUEST_OPEN in text:
            return _read(text)
    return Prompt(request=texts[-1].strip() if texts else "", lists=())


def text_of(content: object) -> str:
    """The text of a message's `content`: a string, or OpenAI's list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(part for part in parts if isinstance(part, str))


def _read(text: str) -> Prompt:
    state: object = None
    rest = text
    before, mark, after = text.partition(STATE_OPEN)
    if mark and REQUEST_OPEN not in before:
        after = after.lstrip()
        try:
            state, end = json.JSONDecoder().raw_decode(after)
            rest = after[end:]
        except ValueError:
            rest = after
    request = rest.partition(REQUEST_OPEN)[2].rpartition(REQUEST_CLOSE)
    return Prompt(request=(request[0] or request[2]).strip(), lists=tuple(_lists(state)))


def _lists(state: object) -> Iterable[TodoList]:
    for row in _rows(state, "lists"):
        alias, name = row.get("list"), row.get("name")
        if isinstance(alias, str) and isinstance(name, str):
            also = row.get("also")
            yield TodoList(alias, name, tuple(_items(row)), also if isinstance(also, str) else "")


def _items(row: Mapping[str, object]) -> Iterable[Item]:
    for item in _rows(row, "items"):
        alias, title = item.get("item"), item.get("title")
        if isinstance(alias, str) and isinstance(title, str):
            yield Item(alias=alias, title=title, done=item.get("done") is True)


def _rows(holder: object, key: str) -> Iterable[Mapping[str, object]]:
    rows = holder.get(key) if isinstance(holder, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
