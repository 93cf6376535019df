"""Rules for what changes nothing: showing, counting, finding. The only rules that a question is given to. Pure."""

import re
from typing import Final

from standin.rules.phrases import without_article
from standin.rules.rule import Planned, Rule, rule
from standin.rules.scene import Scene
from standin.rules.steps import say, step

_HELLO: Final = (
    "Hello. I am the stand-in for a language model: I plan by fixed rules, so that you can try this without one. "
    "Say for example: create a list called Groceries."
)
_STATE: Final = r"(?:done|complete|completed|finished|bought|ticked|checked off|open|not done|overdue)"
_MINE: Final = r"(?:my\s+|the\s+|our\s+)?"
_TASKS: Final = r"(?:lists?|to-?dos?|to-do lists?|tasks?|items?|things)"

_COUNTS_ITEMS: Final = re.compile(
    rf"(?:^|\s)(?:on|in|everything|all|left|remaining|unfinished|ticked|{_TASKS}|{_STATE})(?=\s|$)", re.IGNORECASE
)


def _show_all(_: re.Match[str], __: Scene) -> Planned:
    return (step("show"),)


def _show(match: re.Match[str], scene: Scene) -> Planned:
    """A list; "my list" of several is all of them; a name that is an item's is looked for."""
    alias = scene.list_alias(match["name"])
    if alias is None and scene.item(match["name"]):
        return (step("find", text=scene.words(match["name"])),)
    if alias is None:
        return (step("missing", text=scene.list_name(match["name"])),)
    return (step("show", list=alias) if alias else step("show"),)


def _count(match: re.Match[str], scene: Scene) -> Planned:
    """How many, of which list, in which state. Lists themselves are not counted but shown."""
    rest = match["rest"]
    if re.match(rf"(?:of\s+)?{_MINE}lists\b", rest, re.IGNORECASE):
        return (step("show"),)
    fields: dict[str, str] = {}
    named = _list_inside(rest, scene)
    if named is None:
        return (step("missing", text=scene.list_name(_trimmed(rest))),)
    if named:
        fields["list"] = named
    if re.search(r"\b(?:open|left|remaining|unfinished|not done|still)\b", rest, re.IGNORECASE):
        fields["select"] = "open"
    elif re.search(r"\b(?:done|completed?|finished|ticked)\b", rest, re.IGNORECASE):
        fields["select"] = "done"
    return (step("count", **fields),)


def _count_named(match: re.Match[str], scene: Scene) -> Planned:
    """`count Groceries`; declines what speaks of items and their states."""
    if scene.list_alias(match["name"]) is not None or _COUNTS_ITEMS.search(match["name"]):
        return None
    if scene.item(match["name"]):
        return (step("find", text=scene.words(match["name"])),)
    return (step("missing", text=scene.list_name(match["name"])),)


def _list_inside(rest: str, scene: Scene) -> str | None:
    """The alias of the list that `items in Groceries are done` speaks of; "" for none, None for an unknown one."""
    if re.search(r"(?:^|\s)(?:on|in)\s", rest, re.IGNORECASE) or scene.list_alias(rest):
        return scene.list_alias(_trimmed(rest))
    owner = re.search(r"\b(?:does|do)\s+(?P<name>.+?)\s+(?:have|hold|contain)\b", rest, re.IGNORECASE)
    if owner and owner["name"].lower() not in ("i", "we"):
        return scene.list_alias(owner["name"])
    return ""


def _trimmed(rest: str) -> str:
    """The words after the last `on` or `in`, without `are done`, `left` and the like."""
    tail = re.split(r"(?:^|\s)(?:on|in)\s+", rest, flags=re.IGNORECASE)[-1]
    return re.sub(
        rf"\s+(?:(?:are|is)\s+.*|{_STATE}|left|remaining|still.*|do i have.*)$", "", tail, flags=re.IGNORECASE
    )


def _find(match: re.Match[str], scene: Scene) -> Planned:
    words = scene.scoped(match["what"], ("on", "in", "from")).head
    words = re.sub(r"^(?:any|for)\s+", "", without_article(words), flags=re.IGNORECASE)
    return (step("find", text=scene.words(words)),)


def _greet(_: re.Match[str], __: Scene) -> Planned:
    return say(_HELLO)


QUESTION_RULES: Final[tuple[Rule, ...]] = (
    rule(r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|help|what can you do|who are you|what are you)", _greet),
    rule(r"how many\s+(?P<rest>.+)", _count),
    rule(r"count\s+(?P<name>.+)", _count_named),
    rule(r"count\s+(?P<rest>.+)", _count),
    rule(
        rf"(?:show|list|display|read|give)(?:\s+me)?(?:\s+all(?:\s+of)?)?\s+(?:{_MINE}{_TASKS}|everything|all|them)",
        _show_all,
    ),
    rule(rf"what(?:'s| is| are)?\s+(?:all\s+)?{_MINE}{_TASKS}", _show_all),
    rule(rf"(?:what|which)\s+{_TASKS}\s+(?:do i have|are there|have i got|exist)", _show_all),
    rule(r"what do (?:i|we) (?:have|need)(?: to do| left)*", _show_all),
    rule(r"what(?:'s| is)\s+(?:there\s+)?(?:left\s+)?(?:to do|left|open)(?:\s+to do)?", _show_all),
    rule(
        r"what(?:'s| is| are)?(?:\s+(?:the|all|still|left|open|done|currently|there|items?|things?|tasks?))*"
        r"\s+(?:on|in)\s+(?P<name>.+)",
        _show,
    ),
    rule(rf"(?:what|which)\s+{_TASKS}\s+(?:are|is)\s+(?:\w+\s+)?(?:on|in)\s+(?P<name>.+)", _show),
    rule(r"what do (?:i|we) (?:have|need)(?:\s+to\s+\w+)?\s+(?:on|in|from|for)\s+(?P<name>.+)", _show),
    rule(r"what does\s+(?P<name>.+?)\s+(?:have|hold|contain)(?:\s+(?:on|in)\s+it)?", _show),
    rule(
        rf"(?:show|display|open|read|view|list|print)(?:\s+me)?"
        rf"(?:\s+(?:what's|what is|all|everything|the|{_STATE}|items?|tasks?|contents?))*"
        r"\s+(?:on|in|of)\s+(?P<name>.+)",
        _show,
    ),
    rule(r"(?:show|display|open|read|view|list|print)(?:\s+me)?\s+(?P<name>.+)", _show),
    rule(r"(?:find|search for|search|look for|look up|where's|where is|where are)\s+(?P<what>.+)", _find),
    rule(r"(?:is|are) there\s+(?P<what>.+)", _find),
    rule(
        r"(?:do|did|have|has)\s+(?:i|we)\s+(?:(?:have|need|to|buy|bought|do|get|got|still|already)\s+)*(?P<what>.+)",
        _find,
    ),
    rule(rf"(?:is|are|was|were)\s+(?P<what>.+?)\s+(?:already\s+|still\s+)?(?:{_STATE}|due\b.*)", _find),
    rule(r"(?:is|are)\s+(?P<what>.+?)\s+(?:on|in)\s+.+", _find),
    rule(rf"(?P<what>.+?)\s+(?:is|are)\s+{_STATE}", _find),
    rule(r"when is\s+(?P<what>.+?)\s+due", _find),
)
