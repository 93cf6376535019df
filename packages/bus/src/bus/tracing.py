"""Spans and W3C trace context for what crosses the bus.

Names follow the messaging and RPC conventions of OpenTelemetry: `{operation} {subject template}`, never a subject,
whose identifiers would make the names unbounded. Baggage is not carried: it comes from strangers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.subjects import template

TRACEPARENT: Final = "traceparent"
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACER: Final = trace.get_tracer("bus")


def inject(headers: dict[str, str]) -> dict[str, str]:
    """Add the current span's `traceparent` to the headers, and return them."""
    _PROPAGATOR.inject(headers)
    return headers


def parent_of(headers: Mapping[str, str]) -> Context:
    """The context that the sender was in; an empty one if the headers hold none."""
    return _PROPAGATOR.extract({key: headers[key] for key in (TRACEPARENT,) if key in headers})


def current_trace_id() -> str | None:
    """The current trace id, 32 hexadecimal digits; None outside of any span."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


@contextmanager
def step(tracer: trace.Tracer, name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span around a step of our own. Like `span`, it keeps an exception's type and leaves its text out."""
    with tracer.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise


@contextmanager
def span(operation: str, subject: str, kind: SpanKind, *, parent: Mapping[str, str] | None = None) -> Iterator[Span]:
    """A span around one message. An exception marks it with its type; its text stays out, it may quote a user."""
    destination = template(subject)
    with _TRACER.start_as_current_span(
        f"{operation} {destination}",
        context=None if parent is None else parent_of(parent),
        kind=kind,
        attributes={
            "messaging.system": "nats",
            "messaging.operation.name": operation,
            "messaging.destination.template": destination,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise
