"""The span of a caller that exports nothing: a page, which made its trace and its span's id, and said when it asked.

Whoever was called writes that span down, under the caller's own ids. So its trace has a root, and the network between
the two is seen. A caller is a stranger: whether its trace is recorded is decided here, as for a trace that begins here,
and not by the flag that it sent; when it asked is believed within BELIEVED_S.
"""

import re
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.util.types import AttributeValue

BELIEVED_S: Final = 60.0
_TRACEPARENT: Final = re.compile(r"^00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}$")
_GIVEN: ContextVar[tuple[int, int]] = ContextVar("given_ids")


class GivenIds(IdGenerator):
    """The ids of the caller's span, for the provider of callers' spans."""

    def generate_trace_id(self) -> int:
        return _GIVEN.get()[0]

    def generate_span_id(self) -> int:
        return _GIVEN.get()[1]


_provider: trace.TracerProvider | None = None


def record_by(provider: trace.TracerProvider | None) -> None:
    """From now on callers' spans are recorded by this provider, which has GivenIds; None: they are not."""
    global _provider  # noqa: PLW0603 - of the process, as OpenTelemetry's own provider is
    _provider = provider


def called(
    name: str, traceparent: str | None, asked_at: datetime | None, attributes: Mapping[str, AttributeValue]
) -> Span | None:
    """The caller's span, begun when it asked. Whoever was called ends it, if it is to be told of.

    None for a caller that names no trace, or a `traceparent` that is none.
    """
    match = _TRACEPARENT.match(traceparent or "")
    if match is None:
        return None
    ids = int(match["trace"], 16), int(match["span"], 16)
    if 0 in ids:
        return None
    if _provider is None:
        return NonRecordingSpan(SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
    token = _GIVEN.set(ids)
    try:
        return _provider.get_tracer(__name__).start_span(
            name, Context(), SpanKind.CLIENT, attributes, start_time=_believed_ns(asked_at)
        )
    finally:
        _GIVEN.reset(token)


def _believed_ns(asked_at: datetime | None) -> int:
    now = time.time()
    asked = now if asked_at is None else asked_at.timestamp()
    return int((asked if now - BELIEVED_S <= asked <= now else now) * 1e9)
