"""What the sentences shown to a user claim, read back by forms of our own and compared with the rows. Pure."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.faults.state import Item, State, names_in

NOTHING_CHANGED: Final = "Nothing was changed."
SINCE: Final = "Since then, by somebody else: "
PROSE: Final = "The model says: "
_QUOTED: Final = re.compile("\u2068?“([^”]*)”\u2069?")
_NAME: Final = r"<(\d+)>"
_DETAIL: Final = r"(?: \([^)]*\))?"
_NAMES: Final = rf"({_NAME}{_DETAIL}(?:(?:, | and )<\d+>{_DETAIL})*)"
_FORMS: Final = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in {
        "added": rf"Added {_NAMES} to {_NAME}\.",
        "deleted": rf"Deleted {_NAMES} from {_NAME}\.",
        "done": rf"Marked {_NAMES} in {_NAME} as done\.",
        "open": rf"Marked {_NAMES} in {_NAME} as open again\.",
        "created": rf"Created the list {_NAME}\.",
        "list deleted": rf"Deleted the list {_NAME}(?: and the (\d+) items? in it)?\.",
        "list renamed": rf"Renamed the list {_NAME} to {_NAME}\.",
        "changed": rf"{_NAME}: ([^.]*?)\.",
        "undone": r"Took the change back\.",
        "there already": rf"There is already a list called {_NAME}\.",
        "so already": rf"{_NAME} is already (done|open|in|open in)(?: {_NAME})?\.",
        "list so already": rf"The list is already called {_NAME}\.",
        "none there": rf"There is nothing of that kind in {_NAME}\.",
        "passed over": rf"Nothing was done about {_NAMES}\.",
        "plain": r"It is so already\.|A question beside a change is not answered; ask it by itself\."
        r"|That is a question\.|You said not to\.|That depends on something; ask for it once it is so\."
        r"|What your request speaks of without asking for it is left out\.",
        "nothing": rf"{re.escape(NOTHING_CHANGED)}|Nothing of it is there\.",  # judged by the journal, not by the rows
    }.items()
)


@dataclass(frozen=True)
class Told:
    """A text with its names taken out: `<0>` stands for `names[0]`."""

    plain: str
    names: tuple[str, ...]


def told(text: str) -> Told:
    names: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        names.append(match[1])
        return f"<{len(names) - 1}>"

    return Told(_QUOTED.sub(numbered, text), tuple(names))


def names_shown(text: str) -> set[str]:
    """Every name in quotes, but for what is labelled as the model's."""
    return set() if text.startswith(PROSE) else set(told(text).names)


def untrue(text: str, before: State, after: State) -> list[str]:
    """The claims about a change that the rows do not bear out, and sentences that claim something unheard of."""
    shown = told(text)
    found: list[str] = []
    rest = shown.plain
    while rest:
        for kind, form in _FORMS:
            match = form.match(rest)
            if match is not None:
                if not _holds(kind, match, shown.names, before, after):
                    found.append(f"{kind}: {match[0]}")
                rest = rest[match.end() :].lstrip()
                break
        else:
            found.append(f"unheard of: {rest[:60]}")
            break
    return found


def _holds(kind: str, match: re.Match[str], names: tuple[str, ...], before: State, after: State) -> bool:  # noqa: PLR0911
    def name(group: int) -> str:
        return names[int(match[group])]

    match kind:
        case "added" | "deleted" | "done" | "open":
            where = names[int(re.findall(r"<(\d+)>", match[0])[-1])]
            named = list(_items_named(match[1], names))
            return all(_item_holds(kind, each, named, where, (before, after)) for each in named)
        case "created" | "there already" | "list so already":
            return _lists(after)[name(1)] > (0 if kind != "created" else _lists(before)[name(1)])
        case "list deleted":
            gone = next((row for row in before if row.name == name(1)), None)
            count = int(match[2] or 0)
            return gone is not None and len(gone.items) == count and _lists(after)[name(1)] < _lists(before)[name(1)]
        case "list renamed":
            return _lists(after)[name(2)] > _lists(before)[name(2)] and _lists(after)[name(1)] < _lists(before)[name(1)]
        case "changed":
            return _change_holds(name(1), match[2], names, before, after)
        case "so already":
            return any(
                _is_so(item, row.name, match, names) for row in after for item in row.items if item.title == name(1)
            )
        case "none there":
            return _lists(after)[name(1)] > 0
    return True


def _is_so(item: Item, list_name: str, match: re.Match[str], names: tuple[str, ...]) -> bool:
    where = names[int(match[3])] if match[3] else list_name
    return where == list_name and (match[2] == "in" or item.done is (match[2] == "done"))


def _items_named(text: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for number, detail in re.findall(rf"<(\d+)>({_DETAIL})", text):
        yield names[int(number)], detail


def _item_holds(
    kind: str, item: tuple[str, str], named: list[tuple[str, str]], where: str, rows: tuple[State, State]
) -> bool:
    title, detail = item
    then, now = (_there(state, where, title) for state in rows)
    wanted = sum(title == other for other, _ in named)
    match kind:
        case "added":
            return len(now) - len(then) == wanted and any(_detail_holds(detail, made) for made in now)
        case "deleted":
            return len(then) - len(now) == wanted
        case _:
            return any(made.done is (kind == "done") for made in now)


def _detail_holds(detail: str, item: Item) -> bool:
    due = re.search(r"due ([\d-]+)", detail)
    priority = re.search(r"priority (\w+)", detail)
    return (
        (due[1] if due else None) == item.due
        and (priority[1] if priority else "none") == item.priority
        and ("with notes" in detail) == bool(item.notes)
    )


def _change_holds(title: str, told_changes: str, names: tuple[str, ...], before: State, after: State) -> bool:
    renamed = re.search(r"renamed to <(\d+)>", told_changes)
    moved = re.search(r"moved to <(\d+)>", told_changes)
    due = re.search(r"due ([\d-]+|none) instead of ([\d-]+|none)", told_changes)
    priority = re.search(r"priority (\w+) instead of (\w+)", told_changes)
    if title not in names_in(before):
        return False
    for row in after:
        for item in row.items:
            if (
                item.title == (names[int(renamed[1])] if renamed else title)
                and (not moved or row.name == names[int(moved[1])])
                and (not due or (item.due or "none") == due[1])
                and (not priority or item.priority == priority[1])
                and ("marked as done" not in told_changes or item.done)
                and ("marked as open" not in told_changes or not item.done)
                and ("notes changed" not in told_changes or bool(item.notes))
                and ("notes removed" not in told_changes or not item.notes)
            ):
                return True
    return False


def _lists(state: State) -> Counter[str]:
    return Counter(row.name for row in state)


def _there(state: State, where: str, title: str) -> list[Item]:
    return [item for row in state if row.name == where for item in row.items if item.title == title]


def untrue_answer(text: str, rows: State) -> list[str]:
    """What an answer to a question says that the rows do not."""
    if text.startswith(PROSE):
        return [] if text.endswith(NOTHING_CHANGED) else ["prose without its label's end"]
    shown = told(text)
    if match := re.match(
        rf"There (?:is|are) (\d+) (open |done |overdue )?items? in (?:{_NAME}|all lists)\.", shown.plain
    ):
        wanted = {"open ": (False,), "done ": (True,)}.get(match[2] or "", (True, False))
        where = {shown.names[int(match[3])]} if match[3] else {row.name for row in rows}
        count = sum(item.done in wanted for row in rows if row.name in where for item in row.items)
        return [] if count == int(match[1]) else [match[0]]
    if match := re.match(rf"{_NAME} has (\d+) items?, (\d+) open:\n", shown.plain):
        lines = text.split("\n")[1:]
        for row in rows:
            if row.name == shown.names[0]:
                seen = [f"{'☑' if item.done else '☐'} {item.title}" for item in row.items]
                still_open = sum(not item.done for item in row.items)
                if seen == lines and (int(match[2]), int(match[3])) == (len(seen), still_open):
                    return []
        return [match[0]]
    return [f"unheard of: {shown.plain[:60]}"]
