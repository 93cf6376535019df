"""The base of every message, and the one form in which a problem reaches a stranger."""

from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

VALUE_PREVIEW_CHARS = 60


class Message(BaseModel):
    """Frozen; unknown fields are ignored, so that a newer sender does not break an older reader."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def to_json(self) -> bytes:
        """The message as it travels: UTF-8 JSON, fields that are None left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Parse and validate; raises pydantic.ValidationError."""
        return cls.model_validate_json(data)


class ErrorCode(StrEnum):
    """Every code a stranger can see. The detail beside it is text of ours, never an exception's."""

    INVALID = "invalid"  # malformed: the field and the value are named
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FENCED = "fenced"  # a later attempt has taken this turn over
    CANCELLED = "cancelled"
    LIMIT = "limit"  # more lists, items or steps than allowed
    RATE = "rate"
    OVERLOADED = "overloaded"
    CAPACITY = "capacity"  # no gateway can take another session
    UNAVAILABLE = "unavailable"  # a part of the system is away; nothing was done
    TIMEOUT = "timeout"  # no answer in time; whether it was done is not known
    DEADLINE = "deadline"  # the request was too late and was dropped
    SUPERSEDED = "superseded"  # another connection has this session
    CONNECT_FAILED = "connect_failed"
    SLOW_READER = "slow_reader"
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"  # with an id that stands in the logs


class Problem(Message):
    """What was wrong, with which value, and what to do."""

    code: ErrorCode
    detail: str = ""
    field: str | None = None
    value: str | None = Field(default=None, description="the offending value, cut to 60 characters")
    ref: str | None = Field(default=None, description="the id of the message that this answers")
    error_id: str | None = Field(default=None, description="stands in the logs beside what happened")
    final: bool = False


def preview(value: object) -> str:
    """A value's first 60 characters, escaped, for a Problem that goes back to whoever sent it. Never for a log."""
    text = value if isinstance(value, str) else repr(value)
    shown = text[:VALUE_PREVIEW_CHARS].encode("unicode_escape").decode("ascii")
    return shown[:VALUE_PREVIEW_CHARS] + ("..." if len(text) > VALUE_PREVIEW_CHARS else "")


def problem_of(error: ValidationError, *, ref: str | None = None) -> Problem:
    """The first complaint of a validation as a Problem: field path, what is wrong, the value."""
    first: dict[str, Any] = dict(error.errors(include_url=False, include_context=False)[0])
    path = ".".join(str(part) for part in first["loc"]) or None
    if first["type"] == "json_invalid":
        return Problem(code=ErrorCode.INVALID, detail="is not valid JSON; send one JSON object", ref=ref)
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        kind = first["input"].get("type") if isinstance(first["input"], dict) else None
        # Pydantic's own text lists every known tag, which is long and repeats the value.
        return Problem(
            code=ErrorCode.UNKNOWN_TYPE,
            detail="is not a message type of this protocol",
            field=f"{path}.type" if path else "type",
            value=preview(kind),
            ref=ref,
        )
    detail = first["msg"].removeprefix("Value error, ")  # pydantic's, before what a validator of ours says
    return Problem(code=ErrorCode.INVALID, detail=detail, field=path, value=preview(first["input"]), ref=ref)
