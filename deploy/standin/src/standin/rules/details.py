"""When, how urgent and with what note: the words of a request that are no part of an item's title. Pure."""

import re
from typing import Final

from standin.rules.scene import Scene

_WEEKDAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
DATE: Final = (
    rf"(?:today|tonight|the day after tomorrow|tomorrow|(?:next|this)\s+(?:week|month|{_WEEKDAY})|{_WEEKDAY}"
    r"|\d{4}-\d{2}-\d{2}|in\s+\d+\s+(?:day|week|month)s?)\b"
)
_DATE_FIRST: Final = re.compile(rf"(?P<date>{DATE})(?P<where>\s+(?:in|on|from|of)\s+.+)?", re.IGNORECASE)
_NOTES: Final = re.compile(r"\s+with\s+(?:the\s+|a\s+)?notes?\s+:?\s*(?P<value>.+)$", re.IGNORECASE)
_PRIORITY: Final = re.compile(r",?\s+(?:with\s+|as\s+)?(?P<value>high|medium|low)\s+priority(?=\s|$)", re.IGNORECASE)
_DUE: Final = re.compile(rf",?\s+due\s+(?:(?:on|by)\s+)?(?P<value>{DATE}(?=\s|,|$)|\S.*?(?=\s+to\s+|$))", re.IGNORECASE)
_MAX_DATES: Final = 32
_INTO: Final = ("to", "onto", "into", "on", "in")
_WHEN: Final = re.compile(
    rf"\s+(?P<by>(?:by|on|for|until|before)\s+)?(?P<value>{DATE})(?=\s+(?:{'|'.join(_INTO)})\s|\s*,?$)",
    re.IGNORECASE,
)
# "add tea to Today" names a list, "add a talk about Friday" and "add Black Friday" speak of a day.
_NO_DATE_AFTER: Final = re.compile(
    r"\b(?:to|onto|into|in|on|about|of|from|since|than|every|each|the|a|and|or|black|good|called)$", re.IGNORECASE
)


def details(text: str, scene: Scene) -> tuple[str, dict[str, str]]:
    """The text without its notes, priority and date, and those: `tea tomorrow` is due tomorrow."""
    fields: dict[str, str] = {}
    for name, pattern in (("notes", _NOTES), ("priority", _PRIORITY), ("due", _DUE)):
        match = pattern.search(text)
        if match:
            value = scene.words(match["value"])
            fields[name] = value.lower() if name == "priority" else value
            text = _without(text, match)
    when = None if "due" in fields else _when(text, scene)
    if when is not None:
        fields["due"] = when["value"]
        text = _without(text, when)
    return text, fields


def date_apart(text: str, scene: Scene) -> tuple[str, str]:
    """`tomorrow in Groceries` -> the date's words, and where (` in Groceries`, or nothing)."""
    found = scene.scoped(text, ("in", "on", "from", "of"))
    if found.alias:
        return found.head, text[len(found.head) :]
    match = _DATE_FIRST.fullmatch(text)
    return (match["date"], match["where"] or "") if match else (text, "")


def _when(text: str, scene: Scene) -> re.Match[str] | None:
    """The last words that say a day without saying "due", unless a list's name holds them."""
    for match in reversed(list(_WHEN.finditer(text))[-_MAX_DATES:]):
        named = match.end() == len(text) and scene.scoped(text, _INTO).alias
        if not named and (match["by"] or not _NO_DATE_AFTER.search(text[max(0, match.start() - 10) : match.start()])):
            return match
    return None


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :].lstrip()}".strip()
