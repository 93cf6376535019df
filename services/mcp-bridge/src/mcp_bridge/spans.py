"""A span for each message, in the trace that its `_meta.traceparent` names; no text, argument or exception in it."""

from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind

from bus import tracing
from bus.tracing import TRACEPARENT
from mcp_bridge.tools import NAMES

_TRACER: Final = trace.get_tracer("mcp_bridge")
_METHODS: Final = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "prompts/list",
        "prompts/get",
        "completion/complete",
    }
)


async def traced(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The server's middleware; in place of the SDK's own, which puts the texts of exceptions into spans."""
    traceparent = (ctx.meta or {}).get(TRACEPARENT)
    parent = tracing.parent_of({TRACEPARENT: traceparent}) if isinstance(traceparent, str) else None
    token = None if parent is None else context.attach(parent)
    try:
        with tracing.step(_TRACER, _name(ctx), SpanKind.SERVER):
            return await call_next(ctx)
    finally:
        if token is not None:
            context.detach(token)


def _name(ctx: ServerRequestContext[Any, Any]) -> str:
    # Both come from strangers, and a span's name has to be one of a few.
    method = ctx.method if ctx.method in _METHODS else "other"
    tool = (ctx.params or {}).get("name")
    return f"{method} {tool}" if method == "tools/call" and tool in NAMES else method
