"""The stand-in as a model of an MCP host: it calls the to-do tools one after another, until all is done. Pure.

What it knows of the lists it reads from the tool's answer, as a model would; then the same rules plan, and each step
becomes a call. An answer that does not begin with `verified:` ends it, and is what it tells.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from standin.prompt import Item, Prompt, TodoList, text_of
from standin.rules.planner import plan
from standin.rules.steps import Step

LOOK: Final = "get_all_todo_lists"
VERIFIED: Final = "verified:"
_LIST: Final = re.compile(r'^list (?P<id>\S+) (?P<name>"(?:[^"\\]|\\.)*"):', re.MULTILINE)
_ITEM: Final = re.compile(r'^- (?P<id>\S+) (?P<name>"(?:[^"\\]|\\.)*")(?P<rest>.*)$')
_MADE: Final = re.compile(r"\(list (?P<id>\S+),")
_MADE_ALIAS: Final = re.compile(r"N(?P<number>\d)$")


@dataclass(frozen=True, slots=True)
class Use:
    """What a model says next: a call, or with `text` its last word."""

    name: str = ""
    arguments: str = "{}"
    text: str = ""


def offered(names: Sequence[str]) -> bool:
    """Whether these are the tools of an MCP host with our bridge."""
    return LOOK in names


def next_use(messages: Sequence[Mapping[str, object]]) -> Use:
    """What follows from the conversation since the user's last message."""
    start = max((place for place, message in enumerate(messages) if message.get("role") == "user"), default=-1)
    request = text_of(messages[start].get("content")) if start >= 0 else ""
    answers = [text_of(message.get("content")) for message in messages[start + 1 :] if message.get("role") == "tool"]
    if not answers:
        return Use(LOOK, json.dumps({"include_done": True}))
    seen, done = answers[0], answers[1:]
    for answer in done:
        if not answer.startswith(VERIFIED):
            return Use(text=answer)
    calls = list(_calls(plan(Prompt(request, tuple(lists_in(seen)))), seen, done))
    told = [answer.removeprefix(VERIFIED).strip() for answer in done]
    # A question among the steps is answered with what was seen, and is not called.
    for call in calls[len(done) :]:
        if not isinstance(call, str):
            return Use(call[0], json.dumps(call[1]))
        told.append(call)
    return Use(text="\n".join(told))


def lists_in(seen: str) -> Iterator[TodoList]:
    """The lists that an answer of `get_all_todo_lists` tells of, with their ids as aliases."""
    found = list(_LIST.finditer(seen))
    for place, row in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(seen)
        lines = map(_ITEM.match, seen[row.end() : end].splitlines())
        items = [
            Item(line["id"], json.loads(line["name"]), line["rest"].startswith(", done")) for line in lines if line
        ]
        yield TodoList(row["id"], json.loads(row["name"]), tuple(items))


def _calls(steps: Sequence[Step], seen: str, done: Sequence[str]) -> Iterator[tuple[str, dict[str, object]] | str]:
    made = [match["id"] for answer in done if (match := _MADE.search(answer))]
    for step in steps:
        call = _call({key: _known(value, made) if key == "list" else value for key, value in step.items()})
        # What is asked, and not to be done, is answered with what was seen.
        yield call or (step["text"] if step["op"] in {"say", "missing"} else seen)


def _known(alias: str, made: Sequence[str]) -> str:
    number = _MADE_ALIAS.match(alias)
    place = int(number["number"]) - 1 if number else len(made)
    return made[place] if place < len(made) else alias


def _call(step: Step) -> tuple[str, dict[str, object]] | None:  # noqa: PLR0911 - one a tool
    details = {key: step[key] for key in ("due", "priority", "notes") if key in step}
    match step["op"]:
        case "create_list":
            return "create_todo_list", {"name": step["text"]}
        case "rename_list":
            return "rename_todo_list", {"list_id": step["list"], "name": step["text"]}
        case "delete_list":
            return "delete_todo_list", {"list_id": step["list"]}
        case "add_item":
            return "create_todo_item", {"list_id": step["list"], "title": step["text"], **details}
        case "update_item" if "item" in step:
            title = {"title": step["text"]} if "text" in step else {}
            return "update_todo_item", {"item_id": step["item"], **title, **details}
        case "complete_item" | "reopen_item" if "item" in step:
            return "complete_todo_item", {"item_id": step["item"], "done": step["op"] == "complete_item"}
        case "move_item" if "item" in step:
            return "move_todo_item", {"item_id": step["item"], "list_id": step["list"]}
        case "delete_item" if "item" in step:
            return "delete_todo_item", {"item_id": step["item"]}
        case _:
            return None
