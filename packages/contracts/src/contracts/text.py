"""What people write: one normalisation and one set of rules for every door (chat, board, MCP)."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from contracts.limits import NOTES_MAX_CHARS, REQUEST_MAX_BYTES, TITLE_MAX_CHARS

_LINE_CONTROLS: Final = frozenset("\n\t")


def normalise(text: str) -> str:
    """NFC, line ends as `\\n`, no white space at either end: the form in which text is stored and compared."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _normalised(value: object) -> object:
    return normalise(value) if isinstance(value, str) else value


def _refuse_controls(text: str, allowed: frozenset[str]) -> None:
    for index, character in enumerate(text):
        # Cs: half of a surrogate pair, which neither UTF-8 nor PostgreSQL can hold.
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed:
            raise PydanticCustomError(
                "control_character",
                "holds the control character U+{code} at position {index}; remove it",
                {"code": f"{ord(character):04X}", "index": index},
            )


def _title(text: str) -> str:
    if not text:
        raise PydanticCustomError("empty", "is empty; give 1 to {limit} characters", {"limit": TITLE_MAX_CHARS})
    if len(text) > TITLE_MAX_CHARS:
        raise PydanticCustomError(
            "too_long",
            "has {length} characters; at most {limit} are allowed",
            {"length": len(text), "limit": TITLE_MAX_CHARS},
        )
    _refuse_controls(text, frozenset())
    return text


def _notes(text: str) -> str:
    if len(text) > NOTES_MAX_CHARS:
        raise PydanticCustomError(
            "too_long",
            "has {length} characters; at most {limit} are allowed",
            {"length": len(text), "limit": NOTES_MAX_CHARS},
        )
    _refuse_controls(text, _LINE_CONTROLS)
    return text


def _request(text: str) -> str:
    if not text:
        raise PydanticCustomError("empty", "is empty; write what should be done", {})
    # The refusal must not fail on what it refuses: a lone surrogate has no UTF-8 form.
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > REQUEST_MAX_BYTES:
        raise PydanticCustomError(
            "too_long", "has {size} bytes; at most {limit} are allowed", {"size": size, "limit": REQUEST_MAX_BYTES}
        )
    _refuse_controls(text, _LINE_CONTROLS)
    return text


Title = Annotated[str, BeforeValidator(_normalised), AfterValidator(_title)]
"""A list's name or an item's title: 1 to 500 characters on one line, no control characters."""

Notes = Annotated[str, BeforeValidator(_normalised), AfterValidator(_notes)]
"""An item's notes: up to 8,000 characters, line breaks allowed."""

RequestText = Annotated[str, BeforeValidator(_normalised), AfterValidator(_request)]
"""What a person asks: 1 to 8,192 bytes of UTF-8, line breaks allowed."""
