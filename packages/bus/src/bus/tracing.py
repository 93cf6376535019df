"""Spans and W3C trace context for what crosses the bus, and for a process's own steps.

Their names and attributes are those of `contracts.conventions`: a subject's template and never a subject, whose
identifiers would make the names unbounded. One message has one parent, who sent it; several that are told in one go are
linked instead. Of what came in from outside only `traceparent` counts: baggage and tracestate come from strangers.
"""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from bus.errors import BusError, LetGo, Refusal
from contracts import conventions
from contracts.message import ErrorCode
from contracts.subjects import template

TRACEPARENT: Final = "traceparent"
LINKS_MAX: Final = 128
"""Of one span; the SDK's own default (OTEL_SPAN_LINK_COUNT_LIMIT)."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACER: Final = trace.get_tracer("bus")
_SESSION: Final = context.create_key("session")
_UNSAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)

Attributes = Mapping[str, AttributeValue]


def inject(headers: dict[str, str], span: Span | None = None) -> dict[str, str]:
    """Add the `traceparent` of a span, by default of the current one, to the headers, and return them."""
    _PROPAGATOR.inject(headers, None if span is None else trace.set_span_in_context(span))
    return headers


def parent_of(headers: Mapping[str, str]) -> Context:
    """The context that the sender was in; an empty one if the headers hold none."""
    traceparent = headers.get(TRACEPARENT)
    # Into an empty context, and not over the current one: what it carries is not of this message.
    return Context() if traceparent is None else _PROPAGATOR.extract({TRACEPARENT: traceparent}, Context())


def current_trace_id() -> str | None:
    """The current trace id, 32 hexadecimal digits; None outside of any span."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else None


def failed(span: Span, error_type: str) -> None:
    """Mark a span as failed, by an ErrorCode or the name of an exception's class; never a text, it may quote a user."""
    span.set_attribute(conventions.ERROR_TYPE, error_type)
    span.set_status(StatusCode.ERROR)


def refused(span: Span, code: ErrorCode) -> None:
    """Mark a request's span by the code that it was refused with."""
    failed(span, code.value)
    span.set_attribute(conventions.RPC_RESPONSE_STATUS_CODE, code.value)


class step:  # noqa: N801 - used like a function: `with step(tracer, "PLAN") as span`
    """A span of our own around a block, the current one within it. It keeps an exception's type and leaves its text
    out. A class and not a generator: a turn passes through dozens of these, most of them recorded by nobody."""

    __slots__ = ("_attributes", "_kind", "_name", "_parent", "_span", "_token", "_tracer")

    def __init__(
        self,
        tracer: trace.Tracer,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        *,
        parent: Context | None = None,
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = kind
        self._attributes = attributes
        self._parent = parent

    def __enter__(self) -> Span:
        self._span = span = self._tracer.start_span(self._name, self._parent, self._kind, self._attributes)
        _of_session(span)
        self._token = context.attach(trace.set_span_in_context(span))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        context.detach(self._token)
        if error is not None:
            _note(self._span, error)
        self._span.end()


def _of_session(span: Span) -> None:
    if span.is_recording() and (name := current_session()) is not None:
        span.set_attribute(conventions.SESSION_ID, name)


def _note(span: Span, error: BaseException) -> None:
    status = getattr(span, "status", None)  # of a span that is recorded
    if status is not None and status.status_code is StatusCode.ERROR:
        return  # whoever knew more has said it
    if isinstance(error, BusError | Refusal):
        failed(span, error.problem.code.value)
    elif isinstance(error, asyncio.CancelledError | GeneratorExit):
        span.set_attribute(conventions.TODO_CANCELLED, True)
    elif isinstance(error, Exception) and not isinstance(error, LetGo):
        failed(span, type(error).__qualname__)


@contextmanager
def session(name: str) -> Iterator[None]:
    """All spans that begin in this block, in this process, say that they are of this session."""
    token = context.attach(context.set_value(_SESSION, name))
    try:
        yield
    finally:
        context.detach(token)


def current_session() -> str | None:
    """The session of this block, None outside of any."""
    name = context.get_value(_SESSION)
    return None if name is None else str(name)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Nothing in this block is recorded: housekeeping that finds nothing to do, and would be a trace each time."""
    # Of a trace of its own, which log lines can name.
    begun = SpanContext(secrets.randbits(128) or 1, secrets.randbits(64) or 1, is_remote=False, trace_flags=_UNSAMPLED)
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(begun)))
    try:
        yield
    finally:
        context.detach(token)


def asking(subject: str) -> step:
    """Around a request and its answer."""
    return step(_TRACER, *_request(subject, SpanKind.CLIENT))


@contextmanager
def asking_for_a_series(subject: str) -> Iterator[Span]:
    """Around a request whose answers are a generator's. Not the current span: the generator's caller would find itself
    in it between two answers, and the context would be left where nobody entered it."""
    name, kind, attributes = _request(subject, SpanKind.CLIENT)
    span = _TRACER.start_span(name, kind=kind, attributes=attributes)
    _of_session(span)
    try:
        yield span
    except BaseException as error:
        _note(span, error)
        raise
    finally:
        span.end()


def answering(subject: str, received: Mapping[str, str]) -> step:
    """Around the handling of one request."""
    return step(_TRACER, *_request(subject, SpanKind.SERVER), parent=parent_of(received))


def sending(subject: str) -> step:
    """Around the publishing of one message, and a stream's answer to it."""
    return step(_TRACER, *_message(conventions.SEND, subject, SpanKind.PRODUCER))


def getting(subject: str) -> step:
    """Around the reading of one message from a stream."""
    return step(_TRACER, *_message(conventions.GET, subject, SpanKind.CLIENT))


def processing(
    subject: str, received: Mapping[str, str], *, deliveries: int | None = None, waited_s: float | None = None
) -> step:
    """Around the handling of one message. A job that is delivered again has the same parent, and says how often."""
    name, kind, attributes = _message(conventions.PROCESS, subject, SpanKind.CONSUMER)
    if deliveries is not None:
        attributes[conventions.NATS_DELIVERY_COUNT] = deliveries
    if waited_s is not None:
        attributes[conventions.NATS_QUEUE_WAIT_S] = waited_s
    return step(_TRACER, name, kind, attributes, parent=parent_of(received))


def replayed(subject: str, told: Sequence[Mapping[str, str]], since_ns: int) -> None:
    """A span, from `since_ns` to now, of messages that were missed and told in one go; `told` are their headers. Each
    was sent in a trace of its own, which is linked; of more than LINKS_MAX the first ones."""
    contexts = [trace.get_current_span(parent_of(headers)).get_span_context() for headers in told[:LINKS_MAX]]
    name, kind, attributes = _message(conventions.REPLAY, subject, SpanKind.CONSUMER)
    attributes[conventions.MESSAGING_BATCH_MESSAGE_COUNT] = len(told)
    links = [Link(linked) for linked in contexts if linked.is_valid]
    span = _TRACER.start_span(name, Context(), kind, attributes, links, since_ns)
    _of_session(span)
    span.end()


def _request(subject: str, kind: SpanKind) -> tuple[str, SpanKind, dict[str, AttributeValue]]:
    method = template(subject)
    return method, kind, {conventions.RPC_SYSTEM_NAME: conventions.NATS, conventions.RPC_METHOD: method}


def _message(operation: str, subject: str, kind: SpanKind) -> tuple[str, SpanKind, dict[str, AttributeValue]]:
    # What a stream republishes is the same message, under a prefix.
    destination = template(subject.removeprefix("live.") if subject.startswith("live.evt.") else subject)
    attributes: dict[str, AttributeValue] = {
        conventions.MESSAGING_SYSTEM: conventions.NATS,
        conventions.MESSAGING_OPERATION_NAME: operation,
        conventions.MESSAGING_OPERATION_TYPE: conventions.OPERATION_TYPES[operation],
        conventions.MESSAGING_DESTINATION_TEMPLATE: destination,
    }
    return f"{operation} {destination}", kind, attributes
