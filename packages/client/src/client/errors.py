"""What can go wrong, each as a sentence that says what to do."""

from typing import Final, Self

from contracts.channel import TurnRejected
from contracts.message import ErrorCode, Problem

STOPPING: Final = frozenset({ErrorCode.SUPERSEDED, ErrorCode.UNAUTHORISED, ErrorCode.UNSUPPORTED_VERSION})

NOTHING_DONE: Final = frozenset(
    {
        ErrorCode.INVALID,
        ErrorCode.UNKNOWN_TYPE,
        ErrorCode.TOO_LARGE,
        ErrorCode.UNSUPPORTED,
        ErrorCode.UNAUTHORISED,
        ErrorCode.CONFLICT,  # the id is another request's
        ErrorCode.RATE,
        ErrorCode.OVERLOADED,
        ErrorCode.UNAVAILABLE,
    }
)


def is_certain(problem: Problem) -> bool:
    """Whether it says that nothing was done and nothing will be, as `turn.rejected` does. An `error` does so only by
    some codes: others, such as `internal`, may come after a change."""
    return problem.code in NOTHING_DONE or (isinstance(problem, TurnRejected) and problem.code is not ErrorCode.TIMEOUT)


class ClientError(Exception):
    """The root."""


class ConnectError(ClientError):
    """No connection, or it is lost. `code` is one of contracts' ErrorCode. `final`: trying again would not help."""

    def __init__(self, code: ErrorCode, detail: str, *, final: bool = False) -> None:
        super().__init__(f"{detail} ({code.value})")
        self.code = code
        self.detail = detail
        self.final = final

    @classmethod
    def told(cls, problem: Problem, detail: str) -> Self:
        """The server ended it, and said why. Only some of its reasons stop a client for good."""
        return cls(problem.code, detail, final=problem.final and problem.code in STOPPING)


class Rejected(ClientError):  # noqa: N818 - the server's answer, not a fault
    """The request was refused. `problem` names what and which."""

    def __init__(self, problem: Problem) -> None:
        what = problem.field or "the request"
        value = "" if problem.value is None else f" ({problem.value})"
        super().__init__(f"{what}{value} {problem.detail or problem.code.value}")
        self.problem = problem


class Missed(ClientError):  # noqa: N818 - it says what happened
    """Something was not told, or not read in time. Read the lists again, and follow from there."""


class TimedOut(ClientError):  # noqa: N818 - it says what happened
    """No answer in time. Whether anything was done is not known."""
