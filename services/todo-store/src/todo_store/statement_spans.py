"""A span for each SQL statement: its verb and its table, never its text or its parameters.

What is noted while a statement runs is when it began and ended. The spans are made a moment later, when whoever waits
for the answer has it: a turn runs a dozen statements, and making a span takes a quarter of what such a statement does.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from bus import tracing
from contracts import conventions
from contracts.instruments import OTHER
from todo_store.schema import METADATA

LATER_S: Final = 0.1
WAITING_MAX: Final = 1024

_TRACER: Final = trace.get_tracer("todo_store")
_WITH: Final = re.compile(r"\s*WITH\b.*?\)\s+(?=SELECT|INSERT|UPDATE|DELETE)", re.DOTALL)
_FORM: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|COMMIT)\b(?:.*?\b(?:FROM|INTO)\s+|\s+)?(\w+)?", re.DOTALL)
_KEY: Final = "todo_store.began"


@dataclass(frozen=True, slots=True)
class _Ran:
    """A statement that has ended, and where in a trace it ran; times in nanoseconds since 1970."""

    statement: str
    within: Context
    began_ns: int
    ended_ns: int
    error_type: str | None


_WAITING: Final[list[_Ran]] = []


def name_of(statement: str) -> tuple[str, str | None]:
    """The verb, and the table if it is one of ours: ("SELECT", "owners"); "other" for another form."""
    match = _FORM.match(_WITH.sub("", statement, count=1))
    if match is None:
        return OTHER, None
    return match[1], match[2] if match[2] in METADATA.tables else None


@contextmanager
def around(statement: str) -> Iterator[None]:
    """A span for a statement that goes to the driver, where it is part of a recorded trace."""
    if not trace.get_current_span().is_recording():
        yield
        return
    began = time.time_ns()
    try:
        yield
    except BaseException as error:
        _note(statement, began, error)
        raise
    _note(statement, began)


def write_down() -> None:
    """Make the spans of all that has ended: by itself within LATER_S, and at the end of the process."""
    ran = tuple(_WAITING)
    _WAITING.clear()
    for one in ran:
        verb, table = name_of(one.statement)
        attributes = {conventions.DB_SYSTEM_NAME: conventions.POSTGRESQL, conventions.DB_OPERATION_NAME: verb}
        if table is not None:
            attributes[conventions.DB_COLLECTION_NAME] = table
        name = verb if table is None else f"{verb} {table}"
        span = _TRACER.start_span(name, one.within, SpanKind.CLIENT, attributes, start_time=one.began_ns)
        if one.error_type is not None:
            tracing.failed(span, one.error_type)
        span.end(one.ended_ns)


def _note(statement: str, began_ns: int, error: BaseException | None = None) -> None:
    if not _WAITING:
        asyncio.get_running_loop().call_later(LATER_S, write_down)
    failed = None if error is None else type(error).__qualname__
    _WAITING.append(_Ran(statement, context.get_current(), began_ns, time.time_ns(), failed))
    if len(_WAITING) >= WAITING_MAX:
        write_down()


def record(engine: AsyncEngine) -> None:
    """Make the same spans for what the engine runs itself."""

    def begin(
        connection: Connection,
        _cursor: object,
        statement: str,
        _parameters: object,
        _context: ExecutionContext | None,
        _many: bool,
    ) -> None:
        if trace.get_current_span().is_recording():
            connection.info[_KEY] = time.time_ns()

    def end(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if (began := connection.info.pop(_KEY, None)) is not None:
            _note(statement, began)

    def fail(failure: ExceptionContext) -> None:
        if failure.connection is None:
            return
        if (began := failure.connection.info.pop(_KEY, None)) is not None:
            _note(failure.statement or "", began, failure.original_exception)

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)
