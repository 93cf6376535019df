"""Why nobody gets in with a token, in words for the person who holds it."""

from enum import StrEnum
from typing import Final

from contracts.message import ErrorCode, Problem

_ADVICE: Final = "sign in again, or ask whoever runs this for a new one"


class Reason(StrEnum):
    """All that is told of a refusal: which check it was would help only who forges tokens."""

    MISSING = "missing"
    EXPIRED = "expired"
    INVALID = "invalid"


_DETAILS: Final = {
    Reason.MISSING: "no access token was given; sign in first, or ask whoever runs this for one",
    Reason.EXPIRED: f"the access token has expired; {_ADVICE}",
    Reason.INVALID: f"the access token is not valid here; {_ADVICE}",
}


class AccessError(Exception):
    """The root. `problem` is fit for a stranger."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class TokenRefusedError(AccessError):
    """This token will not do, now or later."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(Problem(code=ErrorCode.UNAUTHORISED, detail=_DETAILS[reason], final=True))
        self.reason = reason


class KeysAwayError(AccessError):
    """The keys that could prove this token cannot be had now; the same token may do later."""

    def __init__(self) -> None:
        detail = "the keys that prove access tokens cannot be reached; try again in a while"
        super().__init__(Problem(code=ErrorCode.UNAVAILABLE, detail=detail))
