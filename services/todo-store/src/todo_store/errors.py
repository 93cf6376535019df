"""What the store answers instead of a result, and what a fault of the database means to whoever asked."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from contracts.message import ErrorCode, Problem


class StoreError(Exception):
    """A request that cannot be answered as asked; `problem` is fit for a stranger."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class CommitUnknownError(StoreError):
    """The connection was lost while committing: whether the change stands is not known."""

    def __init__(self) -> None:
        super().__init__(
            Problem(
                code=ErrorCode.TIMEOUT,
                detail="the database went away in the commit; whether it was done is not known, ask again by this id",
            )
        )


_BUSY = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.TooManyConnectionsError,
)
_AWAY = Problem(code=ErrorCode.UNAVAILABLE, detail="the database is away; nothing was done, try later")
_LATER = Problem(code=ErrorCode.OVERLOADED, detail="the database is busy; nothing was done, try later")


def problem_of_fault(error: Exception) -> Problem | None:
    """What a fault before the commit means: the transaction was rolled back. None for a fault of our own."""
    if isinstance(error, PoolTimeoutError):
        return _LATER
    if isinstance(error, DBAPIError):
        if isinstance(error.driver_exception, _BUSY):
            return _LATER
        gone = error.connection_invalidated or isinstance(
            error.driver_exception, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError
        )
        return _AWAY if gone else None
    return _AWAY if isinstance(error, OSError | TimeoutError) else None
