"""What can go wrong on the bus, as the caller sees it, and how a handler refuses."""

from typing import Final

from contracts.message import ErrorCode, Problem

_PASSING: Final = frozenset(
    {ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT, ErrorCode.OVERLOADED, ErrorCode.DEADLINE, ErrorCode.INTERNAL}
)


class BusError(Exception):
    """The root. `problem` is fit for a stranger."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later: an outage, and not a request that is refused as such."""
        return self.problem.code in _PASSING


class RemoteError(BusError):
    """The server answered that it will not or cannot."""


class UnavailableError(BusError):
    """Nobody serves the subject, or the bus is away. Nothing was done."""

    def __init__(self, detail: str) -> None:
        super().__init__(Problem(code=ErrorCode.UNAVAILABLE, detail=detail))


class NoReplyError(BusError):
    """No answer in time. Whether it was done is not known; ask again with the same id."""

    def __init__(self, detail: str) -> None:
        super().__init__(Problem(code=ErrorCode.TIMEOUT, detail=detail))


class TooLargeError(BusError):
    """The message does not fit on the bus. It was not sent, and would not be at another time."""

    def __init__(self, detail: str) -> None:
        super().__init__(Problem(code=ErrorCode.TOO_LARGE, detail=detail))


class BusLostError(UnavailableError):
    """The bus was there and did not come back. This process cannot go on; a new one may."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"the bus closed the connection, or was away for {after_s:g} s")


class BusPermissionError(BusError):
    """This user may not do what the service needs: its permissions are too narrow. Not to be retried."""

    def __init__(self, detail: str) -> None:
        super().__init__(Problem(code=ErrorCode.UNAUTHORISED, detail=detail))


class Refusal(Exception):  # noqa: N818 - a handler's answer, not a fault
    """Raised by a handler: the problem goes back to the caller as it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class RetryLater(Exception):  # noqa: N818 - a handler's answer, not a fault
    """Raised by a job's handler: not now; deliver it again after `delay_s` seconds."""

    def __init__(self, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay_s = delay_s


class Unprocessable(Exception):  # noqa: N818 - a handler's answer, not a fault
    """Raised by a job's handler: nobody will ever be able to handle this one; never deliver it again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LetGo(Exception):  # noqa: N818 - a handler's answer, not a fault
    """Raised by a job's handler: another worker has this job now; neither ack it nor give it back."""
