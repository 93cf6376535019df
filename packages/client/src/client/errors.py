"""What can go wrong, each as a sentence that says what to do."""

from contracts.message import ErrorCode, Problem


class ClientError(Exception):
    """The root."""


class ConnectError(ClientError):
    """No connection, or it is lost. `code` is one of contracts' ErrorCode."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(f"{detail} ({code.value})")
        self.code = code
        self.detail = detail


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
