"""A span for each message, in the trace that its `_meta.traceparent` names; no text, argument or exception in it."""

import re
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from bus import tracing
from bus.tracing import TRACEPARENT
from contracts import conventions
from contracts.instruments import OTHER
from mcp_bridge.tools import NAMES

_TRACER: Final = trace.get_tracer("mcp_bridge")
_VERSION: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")


async def traced(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The server's middleware; in place of the SDK's own, which puts the texts of exceptions into spans."""
    if ctx.method in conventions.MCP_LASTING:
        return await call_next(ctx)
    traceparent = (ctx.meta or {}).get(TRACEPARENT)
    parent = tracing.parent_of({TRACEPARENT: traceparent} if isinstance(traceparent, str) else {})
    name, attributes = _described(ctx)
    with tracing.step(_TRACER, name, SpanKind.SERVER, attributes, parent=parent) as span:
        try:
            result = await call_next(ctx)
        except MCPError as error:
            tracing.failed(span, str(error.error.code))
            span.set_attribute(conventions.RPC_RESPONSE_STATUS_CODE, str(error.error.code))
            raise
        match result:
            case CallToolResult(is_error=True) | {"isError": True}:
                tracing.failed(span, conventions.TOOL_ERROR)
        return result


def _described(ctx: ServerRequestContext[Any, Any]) -> tuple[str, tracing.Attributes]:
    # Method, tool and version come from strangers, and have to be some of a few.
    method = ctx.method if ctx.method in conventions.MCP_METHODS else OTHER
    attributes = {conventions.MCP_METHOD_NAME: method}
    if _VERSION.match(ctx.protocol_version or ""):
        attributes[conventions.MCP_PROTOCOL_VERSION] = ctx.protocol_version
    if method != "tools/call":
        return method, attributes
    attributes[conventions.GEN_AI_OPERATION_NAME] = conventions.EXECUTE_TOOL
    tool = (ctx.params or {}).get("name")
    if tool not in NAMES:
        return method, attributes
    attributes[conventions.GEN_AI_TOOL_NAME] = tool
    return f"{method} {tool}", attributes
