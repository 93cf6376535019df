"""Rules that add items: which words are titles, which name a list, which say when and how urgent. Pure."""

import re
from collections.abc import Iterable
from typing import Final

from standin.rules.phrases import things
from standin.rules.rule import Planned, Rule, rule
from standin.rules.scene import Scene
from standin.rules.steps import Step, step

_INTO: Final = ("to", "onto", "into", "on", "in")
_NOTES: Final = re.compile(r"\s+with\s+(?:the\s+|a\s+)?notes?\s+:?\s*(?P<value>.+)$", re.IGNORECASE)
_PRIORITY: Final = re.compile(r",?\s+(?:with\s+|as\s+)?(?P<value>high|medium|low)\s+priority(?=\s|$)", re.IGNORECASE)
_DUE: Final = re.compile(r",?\s+due\s+(?:(?:on|by)\s+)?(?P<value>\S.*?)(?=\s+to\s+|$)", re.IGNORECASE)


def _add(match: re.Match[str], scene: Scene) -> Planned:
    rest, fields = _fields(match["rest"], scene)
    demand = ("to", "onto", "into") if match["verb"].lower() == "add" else ("to", "onto", "into", "on", "in")
    found = scene.scoped(rest, _INTO)
    if found.alias or _names_a_list(rest, found.head):
        groups = _grouped(found.head, found.alias, scene)
    else:
        groups = _grouped(rest, None, scene, demand)
    return tuple(_steps(groups, fields, scene)) or None


def _steps(groups: Iterable[tuple[str, str]], fields: dict[str, str], scene: Scene) -> Iterable[Step]:
    for title, alias in groups:
        if alias.startswith("?"):
            yield step("missing", text=alias[1:])
        elif scene.words(title):
            yield step("add_item", list=alias, text=scene.words(title), **fields)


def _names_a_list(rest: str, head: str) -> bool:
    """A list was meant, though no particular one ("add milk to my list", of several)."""
    return head != rest.strip()


def _grouped(text: str, last: str | None, scene: Scene, demand: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """(title, alias) of each thing; `milk to Groceries and passport to Travel` names two lists, `last` the second.

    With `last` None the only list is meant, or the one named before. With `demand`, a name after such a word that no
    list bears is an unknown list ("?name"), not part of a title.
    """
    done: list[tuple[str, str]] = []
    waiting: list[str] = []
    for part in things(text):
        found = scene.scoped(part, _INTO, demand=demand)
        waiting.append(found.head)
        if found.unknown:
            done.append((found.head, f"?{found.unknown}"))
            waiting = []
        elif found.alias:
            done += [(title, found.alias) for title in waiting]
            waiting = []
    if last is None:
        last = done[-1][1] if done and not done[-1][1].startswith("?") else scene.only_list()
    return done + [(title, last) for title in waiting]


def _fields(text: str, scene: Scene) -> tuple[str, dict[str, str]]:
    """The text without its notes, priority and date, and those."""
    fields: dict[str, str] = {}
    for name, pattern in (("notes", _NOTES), ("priority", _PRIORITY), ("due", _DUE)):
        match = pattern.search(text)
        if match:
            value = scene.words(match["value"])
            fields[name] = value.lower() if name == "priority" else value
            text = f"{text[: match.start()]} {text[match.end() :].lstrip()}".strip()
    return text, fields


ADD_RULES: Final[tuple[Rule, ...]] = (
    rule(r"create\s+(?:an?\s+)?(?P<verb>)(?:item|task|todo|to-do)\s+(?:called\s+|named\s+)?(?P<rest>.+)", _add),
    rule(
        r"(?P<verb>add|put)\s+(?:(?:an?|the)\s+(?:new\s+)?(?:item|task|todo|to-do)\s+(?:called\s+|named\s+)?)?(?P<rest>.+)",
        _add,
    ),
)
