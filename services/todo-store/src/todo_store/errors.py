"""What the store answers instead of a result, and what a fault of the database means to whoever asked."""

import ssl

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
CONNECTION_LOST = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""What the driver raises where the server ended the connection; where it was closed before, that is an OSError here."""

_AWAY = Problem(code=ErrorCode.UNAVAILABLE, detail="the database is away; nothing was done, try later")
_LATER = Problem(code=ErrorCode.OVERLOADED, detail="the database is busy; nothing was done, try later")


def is_away(error: Exception) -> bool:
    """Whether asking again may help. A refusal stays one: a password, a database's name, a certificate."""
    fault = error.driver_exception if isinstance(error, DBAPIError) else error
    return isinstance(fault, (*CONNECTION_LOST, OSError, TimeoutError)) and not isinstance(fault, ssl.SSLError)


def problem_of_fault(error: Exception) -> Problem | None:
    """What a fault before the commit means: the transaction was rolled back. None for a fault of our own."""
    if isinstance(error, PoolTimeoutError):
        return _LATER
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return _AWAY
    fault = error.driver_exception if isinstance(error, DBAPIError) else error
    if isinstance(fault, _BUSY):
        return _LATER
    return _AWAY if isinstance(fault, (*CONNECTION_LOST, OSError, TimeoutError)) else None
