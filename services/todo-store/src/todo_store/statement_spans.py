"""A span for each SQL statement: its verb and its table, never its text or its parameters."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from bus import tracing
from contracts import conventions
from contracts.instruments import OTHER
from todo_store.schema import METADATA

_TRACER: Final = trace.get_tracer("todo_store")
_WITH: Final = re.compile(r"\s*WITH\b.*?\)\s+(?=SELECT|INSERT|UPDATE|DELETE)", re.DOTALL)
_FORM: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|COMMIT)\b(?:.*?\b(?:FROM|INTO)\s+|\s+)?(\w+)?", re.DOTALL)
_KEY: Final = "todo_store.span"


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
    span = _begun(statement)
    try:
        yield
    except BaseException as error:
        _failed(span, error)
        raise
    finally:
        span.end()


def _begun(statement: str) -> Span:
    verb, table = name_of(statement)
    attributes = {conventions.DB_SYSTEM_NAME: conventions.POSTGRESQL, conventions.DB_OPERATION_NAME: verb}
    if table is not None:
        attributes[conventions.DB_COLLECTION_NAME] = table
    return _TRACER.start_span(verb if table is None else f"{verb} {table}", kind=SpanKind.CLIENT, attributes=attributes)


def _failed(span: Span, error: BaseException) -> None:
    tracing.failed(span, type(error).__qualname__)


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
        if not trace.get_current_span().is_recording():
            return
        connection.info[_KEY] = _begun(statement)

    def end(connection: Connection, *_: object) -> None:
        span: Span | None = connection.info.pop(_KEY, None)
        if span is not None:
            span.end()

    def fail(failure: ExceptionContext) -> None:
        span: Span | None = failure.connection.info.pop(_KEY, None) if failure.connection is not None else None
        if span is not None:
            _failed(span, failure.original_exception)
            span.end()

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)
