"""Titles by their words: which items a request names, without looking at each. Pure, and never changed once made."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from agent.names import fold, is_text, words

NO_IDS: Final[frozenset[str]] = frozenset()
COMMON: Final = 500
"""A word that more titles have than this does not tell what a request is about."""

_KeyT = TypeVar("_KeyT", bound=Hashable)


class Lexicon:
    """The titles of one owner's items, folded. Ids in, ids out.

    Made from all titles once; `with_titles` makes the one that follows, for the price of what changed and one shallow
    copy.
    """

    def __init__(self, titles: Iterable[tuple[str, str]] = ()) -> None:
        phrases: dict[tuple[str, ...], list[str]] = {}
        holders: dict[str, list[str]] = {}
        lengths: dict[str, set[int]] = {}
        self._texts: dict[str, str] = {}
        for row_id, title in titles:
            phrase = words(title)
            phrases.setdefault(phrase, []).append(row_id)
            for word in phrase:
                holders.setdefault(word, []).append(row_id)
            if phrase:
                lengths.setdefault(phrase[0], set()).add(len(phrase))
            if is_text(title):
                self._texts[row_id] = fold(title).strip()
        self._phrases = {phrase: frozenset(ids) for phrase, ids in phrases.items()}
        self._holders = {word: frozenset(ids) for word, ids in holders.items()}
        self._lengths = {word: frozenset(found) for word, found in lengths.items()}

    def with_titles(self, changes: Mapping[str, tuple[str | None, str | None]]) -> "Lexicon":
        """This lexicon with some rows' titles changed, from id to (before, after); None where there is none."""
        if not changes:
            return self
        later = Lexicon()
        later._phrases, later._holders = dict(self._phrases), dict(self._holders)
        later._lengths, later._texts = dict(self._lengths), dict(self._texts)
        for row_id, (before, after) in changes.items():
            if before is not None:
                later._drop(row_id, words(before))
            if after is not None:
                later._take(row_id, after, words(after))
        return later

    def perhaps_named(self, request: str) -> frozenset[str]:
        """The rows whose whole title stands in the request, and so all those that `names.named_in` can find."""
        asked, text = words(request), fold(request)
        found: set[str] = set()
        for start, word in enumerate(asked):
            for length in self._lengths.get(word, ()):
                found |= self._phrases.get(asked[start : start + length], NO_IDS)
        found |= {row_id for row_id, folded in self._texts.items() if folded in text}
        return frozenset(found)

    def alike(self, title: str) -> frozenset[str]:
        """All rows whose title may be `names.same_name` as this one."""
        return self._phrases.get(words(title), NO_IDS)

    def sharing(self, request: str) -> Iterator[str]:
        """The rows whose title has a word of the request that is not COMMON: those with its rarest words first.

        Of rows with an equally rare word, those with more of the request's words come first.
        """
        asked = frozenset(words(request)) & self._holders.keys()
        telling = [word for word in asked if len(self._holders[word]) <= COMMON]
        given: set[str] = set()
        for word in sorted(telling, key=lambda each: (len(self._holders[each]), each)):
            fresh = self._holders[word] - given
            given |= fresh
            shared = {row_id: sum(row_id in self._holders[other] for other in asked) for row_id in fresh}
            yield from sorted(fresh, key=lambda row_id: (-shared[row_id], row_id))

    def _take(self, row_id: str, title: str, phrase: tuple[str, ...]) -> None:
        self._phrases[phrase] = self._phrases.get(phrase, NO_IDS) | {row_id}
        for word in phrase:
            self._holders[word] = self._holders.get(word, NO_IDS) | {row_id}
        if phrase:
            # Only ever grows: a length that no title has any more costs one look in vain.
            self._lengths[phrase[0]] = self._lengths.get(phrase[0], frozenset()) | {len(phrase)}
        if is_text(title):
            self._texts[row_id] = fold(title).strip()

    def _drop(self, row_id: str, phrase: tuple[str, ...]) -> None:
        _without(self._phrases, phrase, row_id)
        for word in phrase:
            _without(self._holders, word, row_id)
        self._texts.pop(row_id, None)


def _without(ids: dict[_KeyT, frozenset[str]], key: _KeyT, row_id: str) -> None:
    left = ids.get(key, NO_IDS) - {row_id}
    if left:
        ids[key] = left
    else:
        ids.pop(key, None)
