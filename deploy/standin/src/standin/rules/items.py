"""Rules that tick, reopen, move, delete and change items. Adding has a module of its own. Pure."""

import re
from collections.abc import Callable
from typing import Final

from standin.prompt import Item
from standin.rules.details import date_apart
from standin.rules.lists import delete_selected
from standin.rules.phrases import things
from standin.rules.rule import Planned, Rule, rule
from standin.rules.scene import Scene, selection
from standin.rules.steps import NOTHING_THERE, Step, Steps, say, step

_WITHIN: Final = ("from", "on", "in", "off", "off of", "of")
_DONE: Final = r"(?:done|completed?|finished|bought|ticked|checked)(?: off)?"
_NOT_DONE: Final = (
    r"(?:not\s+(?:done|completed?|finished|bought|ticked)|undone|open|incomplete|unfinished|to do|todo|pending)"
)
_WHERE: Final = r"(?P<where>\s+(?:on|in|from)\s+.+)?"
_SOURCE: Final = ("from", "out of", "in", "on")
_TO: Final = ("to", "into", "onto")
_TO_SOMETHING: Final = re.compile(r"\s(?:to|into|onto)\s+\S", re.IGNORECASE)
_FIELD: Final = r"(?P<field>due(?:\s+dates?)?|dates?|deadlines?|priorit(?:y|ies))"
_PRONOUNS: Final = frozenset({"it", "them", "that", "this", "these", "those"})
_LEVEL: Final = r"(?P<level>high|medium|normal|low|no)"
_LEVELS: Final = {"normal": "medium", "no": "none", "urgent": "high", "important": "high", "top": "high"}


def _change(
    scene: Scene,
    text: str,
    wish: bool | None,
    make: Callable[[Item], Step],
    every: Callable[[str, str], Steps | None],
    *,
    where: str = "",
) -> Planned:
    """The step for each item that `text` names, `missing` for each name that names none, `every` for a selection.

    `where` (` in Groceries`) stood apart from the names, and so can only be a list.
    """
    found = scene.scoped(text + where, _WITHIN, demand=("from", "in", "on") if where else ("from",))
    if found.unknown:
        return (step("missing", text=found.unknown),)
    select = selection(found.head)
    if select is not None:
        return every(found.alias, select)
    if found.head.lower() in _PRONOUNS:
        return None
    named = scene.items(found.head, within=found.alias, done=wish)
    return tuple(step("missing", text=item) if isinstance(item, str) else make(item) for item in named)


def _tick(op: str, wish: bool) -> Callable[[re.Match[str], Scene], Planned]:
    def plan(match: re.Match[str], scene: Scene) -> Planned:
        def every(alias: str, select: str) -> Planned:
            rows = [alias] if alias else [row.alias for row in scene.lists_for("", select)]
            return tuple(step(op, list=row, select=select) for row in rows) or say(NOTHING_THERE)

        where = match.groupdict().get("where") or ""
        return _change(scene, match["what"], wish, lambda item: step(op, item=item.alias), every, where=where)

    return plan


def _delete(match: re.Match[str], scene: Scene) -> Planned:
    """Items by name or selection; a bare name that no item bears may be a list's."""
    text = match["what"]
    if scene.item(text) is None and scene.list_alias(text):
        return (step("delete_list", list=scene.list_alias(text) or ""),)
    parts = things(text)
    if all(scene.item(part) is None and scene.list_alias(part) for part in parts):
        return tuple(step("delete_list", list=scene.list_alias(part) or "") for part in parts)
    return _change(
        scene,
        text,
        None,
        lambda item: step("delete_item", item=item.alias),
        lambda alias, select: delete_selected(scene, alias, select),
    )


def _move(match: re.Match[str], scene: Scene) -> Planned:
    """`move A from K to L` and `move A to L from K`."""
    rest, source = match["rest"], ""
    if not scene.scoped(rest, _TO).alias:
        rest, source = _source_apart(rest, scene)
    found = scene.scoped(rest, _TO, demand=("to",))
    if found.unknown:
        return (step("missing", text=found.unknown),)
    if not found.alias:
        return None
    target = found.alias

    def every(alias: str, select: str) -> Planned:
        wanted = {"done": (True,), "all": (True, False)}.get(select, (False,))
        rows = scene.lists_for(alias, select) if alias else ()
        items = [item for row in rows for item in row.items if item.done in wanted]
        return tuple(step("move_item", item=item.alias, list=target) for item in items) or say(NOTHING_THERE)

    return _change(
        scene, found.head, None, lambda item: step("move_item", item=item.alias, list=target), every, where=source
    )


def _source_apart(rest: str, scene: Scene) -> tuple[str, str]:
    """`milk to Six from Groceries` -> `milk to Six`, ` from Groceries`; the source may be a list that there is not."""
    found = scene.scoped(rest, _SOURCE, demand=("from",))
    if (found.alias or found.unknown) and _TO_SOMETHING.search(found.head):
        return found.head, rest[len(found.head) :]
    return rest, ""


def _due(match: re.Match[str], scene: Scene) -> Planned:
    words, where = date_apart(match["due"], scene)
    due = scene.words(words)
    return _update(scene, match["what"], where, due=due)


def _unset(match: re.Match[str], scene: Scene) -> Planned:
    """Takes the date or the priority away."""
    field = "priority" if match["field"].lower().startswith("priorit") else "due"
    return _update(scene, match["what"], "", **{field: "none"})


def _priority(match: re.Match[str], scene: Scene) -> Planned:
    level = match["level"].lower()
    level = _LEVELS.get(level, level)
    return _update(scene, match["what"], match["where"] or "", priority=level)


def _update(scene: Scene, what: str, where: str, **fields: str) -> Planned:
    def make(item: Item) -> Step:
        return step("update_item", item=item.alias, **fields)

    return _change(scene, what, False, make, _no_group, where=where)


def _no_group(_alias: str, _select: str) -> Planned:
    """The plan has no step that changes a group's date or priority."""
    return None


def _undo(_: re.Match[str], __: Scene) -> Planned:
    return (step("undo"),)


def _take_off(match: re.Match[str], scene: Scene) -> Planned:
    alias = scene.list_alias(match["where"])
    if alias is None:
        return (step("missing", text=scene.list_name(match["where"])),)
    named = scene.items(match["what"], within=alias)
    return tuple(
        step("missing", text=item) if isinstance(item, str) else step("delete_item", item=item.alias) for item in named
    )


_COMPLETE: Final = _tick("complete_item", wish=False)
_REOPEN: Final = _tick("reopen_item", wish=True)

UNSET_RULES: Final[tuple[Rule, ...]] = (
    rule(
        rf"(?:remove|delete|clear|drop|unset|erase)\s+(?:the\s+|any\s+)?{_FIELD}\s+(?:from|of|on|for)\s+(?P<what>.+)",
        _unset,
    ),
    rule(
        r"(?:remove|delete|clear|drop|unset|erase)\s+(?P<what>.+?)'s?\s+(?P<field>due(?:\s+date)?|deadline|priority)",
        _unset,
    ),
)
"""Before the rules that delete: a date is no item."""

ITEM_RULES: Final[tuple[Rule, ...]] = (
    rule(
        r"(?:undo|revert)(?:\s+(?:that|it|this|(?:the|my)?\s*last(?:\s+(?:change|one|thing))?|what you just did))?"
        r"|take that back",
        _undo,
    ),
    rule(rf"(?:set|change)\s+(?:the\s+)?priority\s+(?:of|for|on)\s+(?P<what>.+)\s+to\s+{_LEVEL}{_WHERE}", _priority),
    rule(rf"(?:set|change)\s+(?P<what>.+?)(?:'s)?\s+priority\s+to\s+{_LEVEL}{_WHERE}", _priority),
    rule(rf"(?:mark|set|make)\s+(?P<what>.+?)\s+(?:(?:as|to|with)\s+)?(?:a\s+)?{_LEVEL}\s+priority{_WHERE}", _priority),
    rule(rf"(?:mark|make)\s+(?P<what>.+?)\s+(?:as\s+)?(?P<level>urgent|important|top priority){_WHERE}", _priority),
    rule(r"(?:set|change)\s+(?:the\s+)?due\s+date\s+(?:of|for|on)\s+(?P<what>.+)\s+to\s+(?P<due>.+)", _due),
    rule(
        r"(?:set|make|mark)\s+(?P<what>.+?)\s+(?:(?:as|to be)\s+)?due(?:\s+date)?\s+(?:(?:on|by|to)\s+)?(?P<due>.+)",
        _due,
    ),
    rule(r"(?P<what>.+?)\s+(?:is|are)\s+due\s+(?:(?:on|by)\s+)?(?P<due>.+)", _due),
    rule(rf"mark\s+as\s+{_NOT_DONE}:?\s+(?P<what>.+)", _REOPEN),
    rule(rf"mark\s+as\s+{_DONE}:?\s+(?P<what>.+)", _COMPLETE),
    rule(rf"mark\s+(?P<what>.+?)\s+(?:as\s+)?{_NOT_DONE}{_WHERE}", _REOPEN),
    rule(r"(?:reopen|re-open|untick|uncheck|unmark)\s+(?P<what>.+)", _REOPEN),
    rule(rf"(?P<what>.+?)\s+(?:is|are)\s+{_NOT_DONE}(?:\s+(?:yet|again))?", _REOPEN),
    rule(rf"mark\s+(?:off\s+)?(?P<what>.+?)\s+(?:as\s+)?{_DONE}{_WHERE}", _COMPLETE),
    rule(r"(?:check|cross|tick|mark)\s+(?P<what>.+?)\s+off(?P<where>\s+(?:on|in)\s+.+)?", _COMPLETE),
    rule(r"(?:complete|finish|tick off|tick|check off|cross off)\s+(?P<what>.+)", _COMPLETE),
    rule(
        r"i(?:'ve| have)?\s+(?:just\s+|already\s+)*"
        r"(?:bought|did|done|got|finished|completed|packed|paid)\s+(?P<what>.+)",
        _COMPLETE,
    ),
    rule(r"(?:i'm\s+|i am\s+)?done with\s+(?P<what>.+)", _COMPLETE),
    rule(rf"(?P<what>.+?)\s+(?:is|are|was|were)\s+(?:now\s+|already\s+)?{_DONE}", _COMPLETE),
    rule(r"move\s+(?P<rest>.+)", _move),
    rule(r"take\s+(?P<what>.+?)\s+off(?:\s+of)?(?P<where>\s+.+)", _take_off),
    rule(r"(?:delete|remove|erase|drop|get rid of)\s+(?P<what>.+)", _delete),
)
