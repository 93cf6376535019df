"""Rules that add items: which words are titles, and which name a list. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from standin.rules.details import DATE, details
from standin.rules.phrases import things
from standin.rules.rule import Planned, Rule, rule
from standin.rules.scene import Scene
from standin.rules.steps import Step, step

_INTO: Final = ("to", "onto", "into", "on", "in")
_INTO_BOTH: Final = tuple(f"{into} both" for into in _INTO)
_FOR: Final = (*_INTO, "for")
_WORD: Final = re.compile(r"\S+")
_ALSO_INTO: Final = re.compile(rf"(?:{'|'.join(_INTO)})\s+(?P<name>.+)", re.IGNORECASE)
_MAX_WORDS: Final = 32
_SOME_LIST: Final = re.compile(
    r"(?P<what>\S.*?)\s+(?:to|onto|into|on|in)\s+(?P<name>(?:my|our|the)\s.+)", re.IGNORECASE
)


def _add(match: re.Match[str], scene: Scene) -> Planned:
    rest, fields = details(match["rest"], scene)
    demand = ("to", "onto", "into") if match["verb"].lower() == "add" else _INTO
    return _planned(rest, fields, scene, _INTO, demand)


def _buy(match: re.Match[str], scene: Scene) -> Planned:
    """`buy milk for Groceries`: only a list that exists is taken for one."""
    rest, fields = details(match["rest"], scene)
    return _planned(rest, fields, scene, _FOR, ())


def _remind(match: re.Match[str], scene: Scene) -> Planned:
    """One item, whatever it says; a list only after "in" or "on", since "to" belongs to the thing to do."""
    rest, fields = details(f"{match['rest']} {match.groupdict().get('when') or ''}".strip(), scene)
    found = scene.scoped(rest, ("in", "on"))
    title = scene.words(found.head)
    return (step("add_item", list=found.alias or scene.only_list(), text=title, **fields),) if title else None


def _add_into(match: re.Match[str], scene: Scene) -> Planned:
    """`add to Groceries: tea, jam`, or without the colon when a list is named. Else it may be a title ("to ...")."""
    name, colon, rest = match["rest"].partition(":")
    if colon:
        aliases = scene.named_lists(name) or tuple(filter(None, [scene.list_alias(name)]))
        if not aliases:
            return (step("missing", text=scene.list_name(name)),) if scene.list_name(name) else None
    else:
        words = list(_WORD.finditer(name))[: _MAX_WORDS + 1]
        ends = [word.end() for word in words[:-1] if scene.named_list(name[: word.end()])]
        if not ends:
            return None
        aliases, rest = (scene.named_list(name[: ends[-1]]) or "",), name[ends[-1] :]
    rest, fields = details(rest, scene)
    return tuple(_steps([(title, alias) for title in things(rest) for alias in aliases], fields, scene)) or None


def _planned(rest: str, fields: dict[str, str], scene: Scene, into: Sequence[str], demand: tuple[str, ...]) -> Planned:
    guessed = _SOME_LIST.fullmatch(rest)
    if guessed and scene.speaks_of_a_list(guessed["name"]):
        groups = [(title, scene.only_list()) for title in things(guessed["what"])]
        return tuple(_steps(groups, fields, scene)) or None
    found = scene.scoped_to_lists(rest, (*into, *_INTO_BOTH))
    if found.head == rest.strip():
        groups = _grouped(rest, None, scene, into, demand)
    else:
        # A list was meant, though perhaps no particular one ("add milk to my list", of several).
        groups = _grouped(found.head, found.aliases, scene, into)
    return tuple(_steps(groups, fields, scene)) or None


def _steps(groups: Iterable[tuple[str, str]], fields: dict[str, str], scene: Scene) -> Iterable[Step]:
    for title, alias in dict.fromkeys(groups):
        if alias.startswith("?"):
            yield step("missing", text=alias[1:])
        elif scene.words(title):
            yield step("add_item", list=alias, text=scene.words(title), **fields)


def _grouped(
    text: str, last: tuple[str, ...] | None, scene: Scene, into: Sequence[str], demand: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """(title, alias) of each thing; `milk to Groceries and passport to Travel` names two lists, `last` the second.

    A list's name right after a list ("to Travel and Groceries") is one more for the same things, unless nothing else is
    left for `last`. With `last` None the only list is meant, or the one named before. With `demand`, a name after such
    a word that no list bears is an unknown list ("?name"), not part of a title.
    """
    done: list[tuple[str, str]] = []
    waiting: list[str] = []
    group: list[str] = []
    parts = things(text)
    for number, part in enumerate(parts, 1):
        again = _ALSO_INTO.fullmatch(part)
        one_more = scene.named_list(again["name"] if again else part) if group and not waiting else None
        if one_more and (last is None or number < len(parts)):
            done += [(title, one_more) for title in group]
            continue
        found = scene.scoped(part, (*into, *_INTO_BOTH), demand=demand)
        waiting.append(found.head)
        if found.unknown or found.alias:
            group, waiting = waiting, []
            done += [(title, f"?{found.unknown}" if found.unknown else found.alias) for title in group]
    if last is None:
        last = (done[-1][1] if done and not done[-1][1].startswith("?") else scene.only_list(),)
    return done + [(title, alias) for title in waiting for alias in last]


_AN_ITEM: Final = r"(?:(?:an?|the)\s+(?:new\s+)?(?:item|task|todo|to-do|reminder)\s+(?:called\s+|named\s+)?)?"

ADD_RULES: Final[tuple[Rule, ...]] = (
    rule(r"create\s+(?:an?\s+)?(?P<verb>)(?:item|task|todo|to-do)\s+(?:called\s+|named\s+)?(?P<rest>.+)", _add),
    rule(
        r"(?:add|put)\s+(?:(?:the\s+following|these|this)\s+)?(?:(?:items?|things?|tasks?)\s+)?"
        rf"(?:{'|'.join(_INTO)})\s+(?:both\s+)?(?P<rest>.+)",
        _add_into,
    ),
    rule(rf"(?P<verb>add|put)\s+{_AN_ITEM}(?P<rest>.+)", _add),
    rule(r"(?:(?:i|we)\s+(?:need|have)\s+to\s+)?(?:buy|pick\s+up)\s+(?P<rest>.+)", _buy),
    rule(r"(?:i|we)\s+need\s+(?!to\s)(?P<rest>.+)", _buy),
    rule(rf"remind\s+(?:me|us)\s+(?:(?P<when>(?:(?:on|by)\s+)?{DATE})\s+)?(?:to|about|of)\s+(?P<rest>.+)", _remind),
    rule(r"(?:don't|do\s+not|never)\s+forget\s+(?:to\s+|about\s+)?(?P<rest>.+)", _remind),
)
