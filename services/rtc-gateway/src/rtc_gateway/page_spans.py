"""The spans of what a page asks: its own, which it cannot export, and below that one of ours.

Of what the page sends only `traceparent` counts, and of that not the flag: whether a trace is recorded is decided here.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind

from bus import tracing
from contracts import conventions
from contracts.channel import FromPage, TurnStart
from runtime import callers

_TRACER: Final = trace.get_tracer("rtc_gateway")


class Receiving:
    """A message in hand. `span` is ours."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self.known = False

    def again(self) -> None:
        """It came before: the page's own span was written down then, and must not be a second time."""
        self.known = True


@contextmanager
def receiving(message: FromPage, kind: str) -> Iterator[Receiving]:
    """Around the handling of one message of this kind."""
    attributes = {conventions.RPC_SYSTEM_NAME: conventions.DATA_CHANNEL, conventions.RPC_METHOD: kind}
    sent_at = message.sent_at if isinstance(message, TurnStart) else None
    page = callers.called(kind, message.traceparent, sent_at, attributes)
    parent = Context() if page is None else trace.set_span_in_context(page, Context())
    with tracing.step(_TRACER, kind, SpanKind.SERVER, attributes, parent=parent) as span:
        received = Receiving(span)
        try:
            yield received
        except asyncio.CancelledError:
            if not isinstance(message, TurnStart):
                # The page is gone and has no answer; it asks again, and is written down then. Not so for a turn: that
                # it was stored is all that matters, and the next one like it is known to be a repeat.
                received.again()
            raise
        finally:
            if page is not None and not received.known:
                page.end()
