"""What names refer to: the lists of the prompt, those made earlier in the plan, and the one last spoken of. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from standin.prompt import Item, TodoList
from standin.rules.phrases import JOINT, is_one_quote, put_quotes_back, things, without_article
from standin.rules.steps import Step

_PRONOUNS: Final = frozenset({"it", "that", "this", "there", "that list", "this list", "the new list", "new list"})
_MAX_CUTS: Final = 32
_INSIDE: Final = ("from", "on", "in", "off", "of")
_GENERIC: Final = frozenset({"", "list", "todo", "to-do", "to do", "todo list", "to-do list", "to do list"})
_OPEN_END: Final = re.compile(r"(?:,|(?:^|\s)(?:and|&))$", re.IGNORECASE)
_LIST_PREFIX: Final = re.compile(r"^list\s+(?:called\s+|named\s+)?(?=\S)", re.IGNORECASE)
_LIST_SUFFIX: Final = re.compile(r"\s+list$", re.IGNORECASE)
_MY_LIST: Final = re.compile(r"(?:my|our|the)\s+\S.*\s+list", re.IGNORECASE)
_SELECT: Final = re.compile(
    r"^(?P<every>everything|every|all(?: of)?(?: the| my)?|the|my)?\s*"
    r"(?P<state>done|completed?|finished|ticked|open|unfinished|remaining|overdue)?\s*"
    r"(?P<noun>items?|things?|tasks?|todos?|to-dos?|of them)?$",
    re.IGNORECASE,
)
_SELECTS: Final = {"open": "open", "unfinished": "open", "remaining": "open", "overdue": "due_before", "": "all"}


@dataclass(frozen=True, slots=True)
class Scoped:
    """`milk from Groceries`: what stands before, the list's alias ("" when none is named), or the unknown name."""

    head: str
    alias: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Shared:
    """`milk to Travel and Groceries`: what stands before, and the aliases of the lists ("" as in `Scoped`)."""

    head: str
    aliases: tuple[str, ...] = ()


class Names:
    """The prompt's names, looked up without walking the lists again for each guess at where a name ends."""

    def __init__(self, lists: Iterable[TodoList]) -> None:
        self.lists: Final = tuple(lists)
        self._by_name: dict[str, str] = {}
        self._by_title: dict[str, list[tuple[str, Item]]] = {}
        self._by_bare_title: dict[str, list[tuple[str, Item]]] = {}
        for row in self.lists:
            self._by_name.setdefault(_key(row.name), row.alias)
        for row in self.lists:
            if row.also:
                self._by_name.setdefault(_key(row.also), row.alias)
                self._by_name.setdefault(_key(_LIST_SUFFIX.sub("", row.also)), row.alias)
            for item in row.items:
                self._by_title.setdefault(_key(item.title), []).append((row.alias, item))
                self._by_bare_title.setdefault(_key(without_article(item.title)), []).append((row.alias, item))

    def list_alias(self, key: str) -> str | None:
        """The alias of the list whose name has this key."""
        return self._by_name.get(key)

    def items(self, title: str, within: str) -> list[Item]:
        """The items of this title, in the list `within` or ("") in any; failing that, articles aside."""
        for rows in (self._by_title.get(_key(title), ()), self._by_bare_title.get(_key(without_article(title)), ())):
            found = [item for alias, item in rows if within in ("", alias)]
            if found:
                return found
        return []


@dataclass(frozen=True, slots=True)
class Scene:
    """The world as the next clause sees it."""

    names: Names
    quotes: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    last: str = ""

    def after(self, steps: Iterable[Step]) -> "Scene":
        """The scene once these steps are planned."""
        scene = self
        for step in steps:
            if step["op"] == "create_list":
                made = (*scene.made, step["text"])
                scene = replace(scene, made=made, last=f"N{len(made)}")
            else:
                alias = step.get("list") or step.get("item", "").partition(".")[0]
                scene = replace(scene, last=alias or scene.last)
        return scene

    def next_made(self, ahead: int = 1) -> str:
        """The alias that the next create_list step will have."""
        return f"N{len(self.made) + ahead}"

    def words(self, text: str) -> str:
        """The user's own words for a new name or title: quotes put back, a leading article off."""
        text = text.strip(" ,")
        bare = text if is_one_quote(text) else without_article(text)
        return put_quotes_back(bare, self.quotes).strip()

    def list_alias(self, text: str) -> str | None:
        """The alias of a list named so; "" when no particular list is meant and there are several; None: unknown."""
        text = text.strip(" ,")
        alias = self.named_list(text)
        if alias is not None:
            return alias
        if _key(text) in _PRONOUNS:
            return self.last or self.only_list()
        return self.only_list() if _key(self._list_words(text)) in _GENERIC and not is_one_quote(text) else None

    def named_list(self, text: str) -> str | None:
        """The alias of a list that bears this name."""
        text = text.strip(" ,")
        for wanted in (_key(put_quotes_back(text, self.quotes)), _key(self._list_words(text))):
            for number, name in enumerate(self.made, 1):
                if _key(name) == wanted:
                    return f"N{number}"
            alias = self.names.list_alias(wanted)
            if alias is not None:
                return alias
        return None

    def speaks_of_a_list(self, text: str) -> bool:
        """`my shopping list`, where no list is called so: some list is meant, and a model would guess which."""
        text = text.strip(" ,")
        return _MY_LIST.fullmatch(text) is not None and self.list_alias(text) is None

    def named_lists(self, text: str) -> tuple[str, ...]:
        """The aliases in `Travel, Work and Home` when every one of them is a list's name; else none."""
        whole = self.named_list(text)
        if whole is not None:
            return (whole,)
        joints = list(JOINT.finditer(text))
        if not 0 < len(joints) <= _MAX_CUTS:
            return ()
        starts, ends = [0, *(joint.end() for joint in joints)], [*(joint.start() for joint in joints), len(text)]
        # From the last name backwards, so that each beginning is looked at once: a name may hold an "and" itself.
        rest: dict[int, tuple[str, ...]] = {len(starts): ()}
        for first in reversed(range(len(starts))):
            for last in range(first, len(ends)):
                alias = self.named_list(text[starts[first] : ends[last]]) if last + 1 in rest else None
                if alias is not None:
                    rest[first] = (alias, *rest[last + 1])
                    break
        return rest.get(0, ())

    def only_list(self) -> str:
        """The alias of the one list there is; "" when there are none or several."""
        aliases = [row.alias for row in self.names.lists] + [f"N{number}" for number in range(1, len(self.made) + 1)]
        return aliases[0] if len(aliases) == 1 else ""

    def list_name(self, text: str) -> str:
        """The words that name a list, as they stand in a `missing` step."""
        text = text.strip(" ,")
        return self.words(text) if is_one_quote(text) else self._list_words(text)

    def scoped(self, text: str, separators: Sequence[str], *, demand: Sequence[str] = ()) -> Scoped:
        """Split at the rightmost separator before a known list; after a `demand` separator an unknown name counts."""
        cuts = sorted(_cuts(text, (*separators, *demand)), reverse=True)[:_MAX_CUTS]
        for start, end, _ in cuts:
            alias = self.list_alias(text[end:])
            if alias is not None and text[:start].strip():
                return Scoped(text[:start].strip(), alias)
        for start, end, separator in cuts:
            if separator in demand and self.item(text) is None:
                return Scoped(text[:start].strip(), unknown=self.list_name(text[end:]))
        return Scoped(text)

    def scoped_to_lists(self, text: str, separators: Sequence[str]) -> Shared:
        """Like `scoped`, but everything after the separator may be several known lists; a head is never left open."""
        for start, end, _ in sorted(_cuts(text, separators), reverse=True)[:_MAX_CUTS]:
            head = text[:start].strip()
            alias = self.list_alias(text[end:])
            aliases = self.named_lists(text[end:]) or (() if alias is None else (alias,))
            if head and aliases and not _OPEN_END.search(head):
                return Shared(head, aliases)
        return Shared(text.strip())

    def item(self, text: str, *, within: str = "", done: bool | None = None) -> Item | None:
        """The item named so, in `within` or anywhere; of several the first that is (not) done as wished."""
        title = put_quotes_back(text.strip(" ,"), self.quotes)
        found = self.names.items(title, within)
        return next((item for item in found if item.done is done), found[0]) if found else None

    def items(self, text: str, *, within: str = "", done: bool | None = None) -> tuple[Item | str, ...]:
        """What `A, B in L and C` name: items, or the words that name none. A whole that is a title stays whole.

        A list named inside holds for what stands before it, `within` for the rest.
        """
        whole = self.item(text, within=within, done=done)
        if whole is not None:
            return (whole,)
        found: list[Item | str] = []
        waiting: list[str] = []
        for part in things(text):
            known = self.item(part, within=within, done=done)
            inside = Scoped(part) if known else self.scoped(part, _INSIDE)
            waiting.append(inside.head)
            if inside.alias:
                found += [self.item(title, within=inside.alias, done=done) or self.words(title) for title in waiting]
                waiting = []
        return (*found, *(self.item(title, within=within, done=done) or self._unknown(title) for title in waiting))

    def _unknown(self, text: str) -> str:
        """What is missing of `milk in Nowhere`: the list, when there is milk; else all of it."""
        for start, end, _ in sorted(_cuts(text, _INSIDE), reverse=True)[:_MAX_CUTS]:
            if self.item(text[:start]) is not None and self.list_name(text[end:]):
                return self.list_name(text[end:])
        return self.words(text)

    def lists_for(self, alias: str, select: str) -> tuple[TodoList, ...]:
        """The list meant, or with none named every list that holds something `select` selects."""
        if alias:
            return tuple(row for row in self.names.lists if row.alias == alias)
        wanted = {"done": {True}, "open": {False}, "due_before": {False}}.get(select, {True, False})
        return tuple(row for row in self.names.lists if any(item.done in wanted for item in row.items))

    def _list_words(self, text: str) -> str:
        bare = _LIST_SUFFIX.sub("", _LIST_PREFIX.sub("", without_article(text)))
        return put_quotes_back(bare, self.quotes).strip()


def selection(text: str) -> str | None:
    """`everything`, `all done items`, `completed tasks` -> all, done, open or due_before; None when it names things."""
    match = _SELECT.match(text.strip())
    every, state, noun = (match["every"], match["state"], match["noun"]) if match else (None, None, None)
    whole = (every or "").lower().startswith(("every", "all"))
    if match is None or not (whole or (state and noun)) or ((every or "").lower() == "every" and not noun):
        return None
    return _SELECTS.get((state or "").lower(), "done")


def _cuts(text: str, separators: Iterable[str]) -> Iterable[tuple[int, int, str]]:
    for separator in separators:
        for match in re.finditer(rf"\s{separator}\s", text, re.IGNORECASE):
            yield match.start(), match.end(), separator


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
