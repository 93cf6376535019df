"""The text side of the rules: what is quoted, where one clause ends, what is asked and what is forbidden. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_QUOTED: Final = re.compile(r'"([^"]+)"|“([^”]+)”|«([^»]+)»|(?<!\w)\'([^\']+)\'(?!\w)')
_FIRST_MARK: Final = 0xE000  # Unicode's private use area: no keyboard writes it, no rule matches it
_MARKS: Final = 256

_POLITE: Final = re.compile(
    r"^(?:(?:hey|hi|hello|ok|okay|so|please|kindly|then|also|and|now)\b[,!]?\s+"
    r"|(?:can|could|would|will) you(?: please)?\s+|i(?: would|'d) like (?:you )?to\s+|i want (?:you )?to\s+"
    r"|go ahead and\s+|tell me\s+(?=what|which|how|where|if))+",
    re.IGNORECASE,
)
_POLITE_ASK: Final = re.compile(r"^(?:\w+[,!]?\s+)?(?:can|could|would|will) you\b", re.IGNORECASE)
_POLITE_TAIL: Final = re.compile(r"(?:,?\s+please|,\s*(?:thanks|thank you))$", re.IGNORECASE)
_QUESTION: Final = re.compile(
    r"^(?:what|what's|whats|which|who|whose|when|where|where's|why|how|is|are|was|were|am|do|does|did|have|has|had"
    r"|should|shall|may|might|can i|could i|if)\b",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(r"^(?:show|display|read|list|find|search|look|count)\b", re.IGNORECASE)
_NEGATION: Final = re.compile(
    r"\b(?:\w+n't|dont|do not|never|no need to|cannot|not to|should not|must not|does not|did not)\b", re.IGNORECASE
)
_ARTICLE: Final = re.compile(r"^(?:the|a|an|some|my|our)\s+(?=\S)", re.IGNORECASE)

_CONDITION: Final = re.compile(r"^(?:if|unless|once|when(?!\s+(?:is|are|was|do|does|did|will)\b))\b", re.IGNORECASE)

# A comma or an "and" ends a clause only before one of these; between things it joins them.
_STARTERS: Final = (
    r"(?:add|put|create|make(?=.*\blists?\b)|new list|rename|delete|remove|mark|complete|tick|untick|check off"
    r"|uncheck|reopen|move|show|find|search for|clear|undo|set(?=.*\b(?:due|priority)\b)|change(?=.*\bto\b)"
    r"|what|what's|which|how many|where|is|are|do i|do not|never|\w+n't|please\s+\w+|can you|could you"
    r"|i(?:'ve| have)? (?:bought|did|done|got|finished|completed))\b"
)
_BOUNDARY: Final = re.compile(
    rf"\s*[;\n]\s*|(?:[.!?]+\s+|,?\s+(?:and\s+|but\s+)?then\s+|,?\s+(?:and|but)\s+|,\s*)(?={_STARTERS})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that is asked. `question`: it must not change anything."""

    text: str
    question: bool


def set_quotes_aside(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with each quoted piece replaced by one mark, and the pieces; what is quoted is never taken apart."""
    quotes: list[str] = []

    def mark(match: re.Match[str]) -> str:
        if len(quotes) == _MARKS:
            return match[0]
        quotes.append(next(group for group in match.groups() if group is not None).strip())
        return chr(_FIRST_MARK + len(quotes) - 1)

    plain = re.sub(rf"[{chr(_FIRST_MARK)}-{chr(_FIRST_MARK + _MARKS)}]", " ", text.replace("\u2019", "'"))
    return _QUOTED.sub(mark, plain), tuple(quotes)


def put_quotes_back(text: str, quotes: Sequence[str]) -> str:
    """The inverse, without the quotation marks."""
    for number, quote in enumerate(quotes):
        text = text.replace(chr(_FIRST_MARK + number), quote)
    return text


def is_one_quote(text: str) -> bool:
    """True when the text is one quoted piece and nothing else."""
    return len(text) == 1 and _FIRST_MARK <= ord(text) < _FIRST_MARK + _MARKS


def without_article(text: str) -> str:
    """`the milk` -> `milk`."""
    return _ARTICLE.sub("", text.strip())


def forbids(text: str) -> bool:
    """True when something is said not to be done ("don't delete eggs")."""
    return _NEGATION.search(text) is not None


def is_conditional(clause: str) -> bool:
    """True for `if milk is done`: what follows such a clause must not be done just so."""
    return _CONDITION.match(clause) is not None


def things(text: str) -> tuple[str, ...]:
    """`A, B and C` -> A, B, C."""
    parts = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*", text, flags=re.IGNORECASE)
    return tuple(part.strip() for part in parts if part.strip())


def clauses(text: str) -> tuple[Clause, ...]:
    """The request taken apart. A question mark covers the clauses joined before it, unless the last one alone asks."""
    found: list[Clause] = []
    for sentence, asked in _sentences(text):
        asks = asked and _POLITE_ASK.match(sentence[0]) is None
        bare = [_bare(part) for part in sentence]
        last_alone = _QUESTION.match(bare[-1]) is not None or _ASKING.match(bare[-1]) is not None
        for position, part in enumerate(bare):
            covered = asks and (position == len(bare) - 1 or not last_alone)
            if part:
                found.append(Clause(part, covered or _QUESTION.match(part) is not None))
    return tuple(found)


def _sentences(text: str) -> Iterable[tuple[list[str], bool]]:
    """Clauses grouped by sentence, each with whether a question mark ends it."""
    text = re.sub(r"[^\S\n]+", " ", text).strip()
    parts: list[str] = []
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        parts.append(text[start : boundary.start()])
        start = boundary.end()
        if re.search(r"[.!?;\n]", boundary[0]):
            yield parts, "?" in boundary[0]
            parts = []
    last = text[start:]
    yield [*parts, last.rstrip(" .!?;")], last.rstrip(" .!;").endswith("?")


def _bare(clause: str) -> str:
    clause = _POLITE.sub("", clause.strip(" ,.!?;\n"))
    return _POLITE_TAIL.sub("", clause).strip(" ,")
