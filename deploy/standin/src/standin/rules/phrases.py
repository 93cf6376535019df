"""The text side of the rules: what is quoted, where one clause ends, what is asked and what is forbidden. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

# A quotation mark inside a word (5" nails) quotes nothing.
_QUOTED: Final = re.compile(r"""(?<![^\s,;])(?:"([^"]+)"|“([^”]+)”|«([^»]+)»|'([^']+)')(?=\s|$|[,;]|[.:!?]+(?:\s|$))""")
_FIRST_MARK: Final = 0xE000  # Unicode's private use area: no keyboard writes it, no rule matches it
_MARKS: Final = 256

_POLITE: Final = re.compile(
    r"^(?:(?:hey|hi|hello|yes|ok|okay|so|please|kindly|then|also|and|now)\b[,!]?\s+"
    r"|(?:can|could|would|will) you(?: please)?\s+|i(?: would|'d) like (?:you )?to\s+|i want (?:you )?to\s+"
    r"|go ahead and\s+|tell me\s+(?=what|which|how|where|if))+",
    re.IGNORECASE,
)
_POLITE_ASK: Final = re.compile(r"^(?:\w+[,!]?\s+)?(?:can|could|would|will) you\b", re.IGNORECASE)
# Taken off before the clauses are parted: "yes, delete eggs" is one clause, whose first word is not asked for.
_OPENING: Final = re.compile(
    r"^\s*(?:(?:yes|yeah|yep|sure|ok|okay|hey|hi|hello|please|thanks|thank you)\b[\s,.!;:]+(?=\S))+", re.IGNORECASE
)
_THANKS: Final = r"(?:(?:many )?thanks|thank you|thx|cheers)(?:,? (?:a lot|so much|very much|in advance))?"
_CLOSING: Final = re.compile(rf"(?:(?<=^)|(?<=[\s,.!;?]))(?:{_THANKS}|please)$", re.IGNORECASE)
_PAUSES: Final = " \t\r\n,.!;"
_COURTESY: Final = re.compile(rf"{_THANKS}|please|yes|ok|okay", re.IGNORECASE)
_POLITE_TAIL: Final = re.compile(r"(?:,?\s+please|,\s*(?:thanks|thank you))$", re.IGNORECASE)
_QUESTION: Final = re.compile(
    r"^(?:what|what's|whats|which|who|whose|when|where|where's|why|how|is|are|was|were|am|do|does|did|have|has|had"
    r"|should|shall|may|might|can i|could i|if)\b",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(r"^(?:show|display|read|list|find|search|look|count)\b", re.IGNORECASE)
_NEGATION: Final = re.compile(
    r"^(?:(?:i|we|you|they|it|but|and|just)\s+)*"
    r"(?:\w+n't|dont|never|not|no need to|cannot|(?:do|does|did|should|must|can|could|would|will|need) not)\b"
    r"(?!\s+forget\b)",
    re.IGNORECASE,
)
_NEGATED_VERB: Final = re.compile(
    r"\b(?:don't|dont|do not|never)\s+(?:add|put|create|make|rename|delete|remove|mark|complete|tick|untick|reopen|move"
    r"|clear|undo|set|change|do)\b",
    re.IGNORECASE,
)
_FIRST_WORD: Final = re.compile(r"\w+\s+(?:me\s+(?:to\s+)?)?", re.IGNORECASE)
JOINT: Final = re.compile(r"\s*(?:(?<!\d),|,(?!\d))\s*(?:and\s+)?|\s+(?:and|&)\s+", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"^(?:the|a|an|some|my|our)\s+(?=\S)", re.IGNORECASE)

_CONDITION: Final = re.compile(r"^(?:if|unless|once|when(?!\s+(?:is|are|was|do|does|did|will)\b))\b", re.IGNORECASE)

# A comma or an "and" ends a clause only before one of these; between things it joins them.
_STARTERS: Final = (
    r"(?:add|put|create|make(?=.*\blists?\b)|new list|rename|delete|remove|mark|complete|tick|untick|check off"
    r"|uncheck|reopen|move|show|find|search for|clear|undo|set(?=.*\b(?:due|priority)\b)|change(?=.*\bto\b)"
    r"|what|what's|which|how many|where|is|are|do i|(?:do not|never|\w+n't)(?!\s+forget)|please\s+\w+|can you|could you"
    r"|i(?:'ve| have)? (?:bought|did|done|got|finished|completed)|remind me)\b"
)
# These begin a new sentence, but after an "and" they may as well be part of a title.
_SENTENCE_STARTERS: Final = r"(?:buy|pick up|thanks|thank you|don't forget|do not forget|i need|we need)\b"
_BOUNDARY: Final = re.compile(
    rf"\s*[;\n]\s*|(?:[.!?]+\s+|,?\s+(?:and\s+|but\s+)?then\s+)(?:(?={_STARTERS})|(?={_SENTENCE_STARTERS}))"
    rf"|(?:,?\s+(?:and|but)\s+|,\s*)(?={_STARTERS})",
    re.IGNORECASE,
)
_ANOTHER_LIST: Final = re.compile(
    r"\s*(?:,|,?\s+and)\s+(?:an?|another|one)\s+(?:new\s+)?(?:(?:list|one)\s+)?(?:called|named)\s+", re.IGNORECASE
)
_MAKES_A_LIST: Final = re.compile(r"(?:create|make|start|begin|add)\b.*?\blist\b", re.IGNORECASE)


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


def as_written(words: str, request: str) -> str:
    """The place of the request that reads so, with its own spaces and apostrophes; else the words as they are."""
    pattern = r"\s+".join(re.escape(word).replace("'", "['\u2019]") for word in words.split())
    found = re.search(pattern, request)
    return found[0] if found else words


def is_one_quote(text: str) -> bool:
    """True when the text is one quoted piece and nothing else."""
    return len(text) == 1 and _FIRST_MARK <= ord(text) < _FIRST_MARK + _MARKS


def without_article(text: str) -> str:
    """`the milk` -> `milk`."""
    return _ARTICLE.sub("", text.strip())


def without_courtesy(text: str) -> str:
    """`Yes, add tea. Thanks!` -> `add tea`; a text that is nothing else stays."""
    text = _OPENING.sub("", text)
    while True:
        said = text.rstrip(_PAUSES)
        closing = _CLOSING.search(said)
        before = said[: closing.start()] if closing else ""
        gap = before[len(before.rstrip(_PAUSES)) :]
        # Without a pause before it, it may be the end of a title: "add a card that says thanks".
        if not before.strip(_PAUSES) or not (gap.strip(" \t") or before.rstrip().endswith("?")):
            return text
        text = before.rstrip(_PAUSES)


def forbids(clause: str) -> bool:
    """True when something is said not to be done: "don't delete eggs", but not "add don't forget keys".

    A negation forbids at the clause's beginning, and before a verb of the rules unless a title begins there.
    """
    if _NEGATION.match(clause):
        return True
    first = _FIRST_WORD.match(clause)
    return any(first is None or negated.start() != first.end() for negated in _NEGATED_VERB.finditer(clause))


def is_conditional(clause: str) -> bool:
    """True for `if milk is done`: what follows such a clause must not be done just so."""
    return _CONDITION.match(clause) is not None


def things(text: str) -> tuple[str, ...]:
    """`A, B and C` -> A, B, C. `1,000 napkins` and `R&D` are one thing each."""
    parts = JOINT.split(text)
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
            if part and not _COURTESY.fullmatch(part):
                asking = covered or _QUESTION.match(part) is not None
                found += [Clause(piece, asking) for piece in _lists_apart(part)]
    return tuple(found)


def _lists_apart(clause: str) -> Sequence[str]:
    """`create a list called A and a list called B` as two clauses."""
    if not _MAKES_A_LIST.match(clause):
        return (clause,)
    first, *more = _ANOTHER_LIST.split(clause)
    return (first, *(f"create a list called {name}" for name in more))


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
