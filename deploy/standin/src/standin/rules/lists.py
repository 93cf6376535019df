"""Rules that make, rename, delete and clear lists. Pure."""

import re
from typing import Final

from standin.rules.phrases import things
from standin.rules.rule import Planned, Rule, rule
from standin.rules.scene import Scene, selection
from standin.rules.steps import NAME_WANTED, NOT_UNDERSTOOD, NOTHING_THERE, Step, say, step

_MAKE: Final = r"(?:create|make|start|begin|add)(?:\s+(?:me|us))?"
_MAKE_NAMED: Final = r"(?:create|make|start)(?:\s+(?:me|us))?"  # "add tea list" may be an item
_FOR_ME: Final = r"(?:\s+for\s+(?:me|us))?"
_NEW: Final = r"(?:(?:an?|another|one|the|my)\s+)?(?:(?:brand\s+)?new\s+)?"
_NO_NAME: Final = re.compile(r"(?:(?:an?|another|one|the|my|me|us|new|called|named)(?:\s+|$))+", re.IGNORECASE)
_DELETE: Final = r"(?:delete|remove|erase|drop|get rid of)"
_CALLED: Final = r"(?:(?:called|named|titled|for|of)\s+|with the name\s+)?:?\s*"
_FROM: Final = re.compile(r"\s(?:from|off)\s", re.IGNORECASE)
_MAX_CUTS: Final = 32
_INSIDE: Final = ("in", "on", "from")
_ON_IT: Final = r"(?:\s+(?:on|in)\s+it)?"


def _one(match: re.Match[str], scene: Scene) -> Planned:
    """Create one list, whole name as said, with its first items when there are some."""
    if _NO_NAME.fullmatch(match["name"]):
        return say(NAME_WANTED)
    name = scene.words(match["name"])
    groups = match.groupdict()
    made = step("create_list", text=name)
    items = things(groups.get("items") or "")
    return (
        (made, *(step("add_item", list=scene.next_made(), text=scene.words(item)) for item in items)) if name else None
    )


def _nameless(_: re.Match[str], __: Scene) -> Planned:
    return say(NAME_WANTED)


def _several(match: re.Match[str], scene: Scene) -> Planned:
    if any(_NO_NAME.fullmatch(name) for name in things(match["names"])):
        return say(NAME_WANTED)
    return tuple(step("create_list", text=scene.words(name)) for name in things(match["names"])) or None


def _bare_create(match: re.Match[str], scene: Scene) -> Planned:
    return (
        None
        if re.match(r"(?:an?\s+)?(?:item|task|todo|to-do)\b", match["names"], re.IGNORECASE)
        else _several(match, scene)
    )


def _rename(match: re.Match[str], scene: Scene) -> Planned:
    """A list or an item, whichever bears the name; where neither does, what the words say is missing."""
    kind = (match.groupdict().get("kind") or "").lower()
    rest = match["rest"]
    cuts = list(re.finditer(r"\s(?:to|as|into)\s", rest, re.IGNORECASE))[:_MAX_CUTS]
    for cut in cuts:
        old, new = rest[: cut.start()], rest[cut.end() :]
        alias = scene.list_alias(old) if kind in ("", "list") else None
        if alias:
            return (step("rename_list", list=alias, text=scene.words(new)),)
        renamed = _rename_item(old, new, scene) if kind != "list" else None
        if renamed:
            return renamed
    return (step("missing", text=scene.words(rest[: cuts[0].start()])),) if cuts else None


def _rename_item(old: str, new: str, scene: Scene) -> Planned:
    """The list may be named on either side: `milk in Groceries to oat milk`, `milk to oat milk in Groceries`."""
    after = scene.scoped(new, _INSIDE)
    item = scene.item(old, within=after.alias) if after.alias else None
    if item:
        return (step("update_item", item=item.alias, text=scene.words(after.head)),)
    before = scene.scoped(old, _INSIDE)
    item = scene.item(old) or scene.item(before.head, within=before.alias)
    if item and after.alias and not before.alias:
        return (step("missing", text=scene.words(old)),)
    return (step("update_item", item=item.alias, text=scene.words(new)),) if item else None


def _delete_named(match: re.Match[str], scene: Scene) -> Planned:
    """Lists said to be lists. Declines `delete milk from the Groceries list`, also when there is no such list."""
    names = match["names"]
    if names.lower() in ("the", "my", "this", "that"):
        return (step("delete_list", list=scene.only_list()),) if scene.only_list() else say(NOT_UNDERSTOOD)
    if scene.scoped(names, ("from", "on", "in", "off")).alias:
        return None
    whole = scene.list_alias(names)
    if whole == "" or (whole is None and _FROM.search(names)):
        return None
    parts = (names,) if whole else things(names)
    return tuple(_delete_list(part, scene) for part in parts)


def _delete_list(name: str, scene: Scene) -> Step:
    alias = scene.list_alias(name)
    return step("delete_list", list=alias) if alias else step("missing", text=scene.list_name(name))


def _delete_every(_: re.Match[str], scene: Scene) -> Planned:
    return tuple(step("delete_list", list=row.alias) for row in scene.names.lists) or say(NOTHING_THERE)


def _clear(match: re.Match[str], scene: Scene) -> Planned:
    """`clear Groceries`, `clear everything`, `clear the done items from Groceries`."""
    found = scene.scoped(match["rest"], ("from", "on", "in"))
    select = selection(found.head)
    if select is not None:
        return delete_selected(scene, found.alias, select)
    alias = scene.list_alias(match["rest"])
    if alias is None and scene.speaks_of_a_list(match["rest"]):
        return (step("delete_item", list=scene.only_list(), select="all"),)
    if alias == "":
        return None
    return (step("delete_item", list=alias, select="all") if alias else _missing(match["rest"], scene),)


def delete_selected(scene: Scene, alias: str, select: str) -> Planned:
    """Delete the selected items of one list, or of every list that has some."""
    due = {"due": "today"} if select == "due_before" else {}
    rows = [alias] if alias else [row.alias for row in scene.lists_for("", select)]
    return tuple(step("delete_item", list=row, select=select, **due) for row in rows) or say(NOTHING_THERE)


def _missing(name: str, scene: Scene) -> Step:
    return step("missing", text=scene.list_name(name))


_KIND: Final = rf"{_NEW}(?:empty\s+)?(?:to-?do\s+)?list"
_A_LIST: Final = rf"{_MAKE}\s+{_KIND}\s+{_CALLED}"

LIST_RULES: Final[tuple[Rule, ...]] = (
    rule(
        rf"(?:(?:{_MAKE}\s+)?{_KIND}|{_MAKE}\s+(?:(?:some|two|three|the)\s+)?(?:new\s+)?lists){_FOR_ME}"
        r"(?:\s+(?:called|named|titled|for|of|with(?!\s+the\s+name\s+\S).*))?",
        _nameless,
    ),
    rule(rf"{_A_LIST}(?P<name>.+?)\s+with\s+(?P<items>.+?){_ON_IT}", _one),
    rule(rf"{_A_LIST}(?P<name>.+)", _one),
    rule(rf"new list\s+{_CALLED}(?P<name>.+)", _one),
    rule(rf"{_MAKE}\s+(?:the\s+|two\s+|three\s+|some\s+)?(?:new\s+)?lists\s+{_CALLED}(?P<names>.+)", _several),
    rule(rf"{_MAKE}\s+{_NEW}(?P<name>.+?)\s+list\s+with\s+(?P<items>.+?){_ON_IT}", _one),
    rule(rf"{_MAKE_NAMED}\s+(?P<names>.+?)\s+lists{_FOR_ME}", _several),
    rule(rf"{_MAKE_NAMED}\s+{_NEW}(?P<name>.+?)\s+list{_FOR_ME}", _one),
    rule(r"create\s+(?P<name>.+?)\s+with\s+(?P<items>.+?)(?:\s+(?:on|in)\s+it)?", _one),
    rule(r"create\s+(?P<names>.+)", _bare_create),
    rule(r"rename\s+(?:(?:the|my)\s+)?(?:(?P<kind>list|item|task|todo)\s+)?(?P<rest>.+)", _rename),
    rule(r"change\s+the\s+name\s+of\s+(?:(?:the|my)\s+)?(?:(?P<kind>list|item|task)\s+)?(?P<rest>.+)", _rename),
    rule(rf"{_DELETE}\s+(?:all|every)(?:\s+of)?(?:\s+(?:my|the))?\s+lists?", _delete_every),
    rule(rf"{_DELETE}\s+(?:(?:the|my)\s+)?(?:whole\s+)?lists?\s+(?:called\s+|named\s+)?(?P<names>.+)", _delete_named),
    rule(rf"{_DELETE}\s+(?:(?:the|my)\s+)?(?P<names>.+?)\s+lists?", _delete_named),
    rule(r"(?:clear|empty)(?:\s+out)?\s+(?P<rest>.+)", _clear),
)

LATE_RENAMES: Final[tuple[Rule, ...]] = (
    rule(r"change\s+(?:(?:the|my)\s+)?(?:(?P<kind>list|item|task|todo)\s+)?(?P<rest>.+)", _rename),
)
"""`change A to B`: after the rules that change a date or a priority."""
