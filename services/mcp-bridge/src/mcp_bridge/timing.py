"""How long each message took, and what it came to; labels are names of ours, whatever the message calls itself."""

import time
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, CallToolResult

from bus.metering import Histogram
from contracts import conventions
from contracts.instruments import OTHER
from contracts.message import ErrorCode
from contracts.metric_labels import MCP_ERROR, TOOL
from contracts.metrics import MCP_DURATION

_DURATION: Final = Histogram(MCP_DURATION)


async def timed(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """The server's middleware beside `spans.traced`."""
    if ctx.method in conventions.MCP_LASTING:
        return await call_next(ctx)
    started = time.perf_counter()

    def note(error: str | None) -> None:
        _DURATION.record(time.perf_counter() - started, _labels(ctx, error))

    try:
        result = await call_next(ctx)
    except MCPError as refusal:
        note((ErrorCode.INTERNAL if refusal.error.code == INTERNAL_ERROR else ErrorCode.INVALID).value)
        raise
    except Exception:
        note(ErrorCode.INTERNAL.value)
        raise
    note(_error_of(result))
    return result


def _labels(ctx: ServerRequestContext[Any, Any], error: str | None) -> dict[str, str]:
    labels = {"mcp.method.name": ctx.method if ctx.method in conventions.MCP_METHODS else OTHER}
    if ctx.method == "tools/call":
        name = (ctx.params or {}).get("name")
        labels["gen_ai.tool.name"] = name if isinstance(name, str) and name in TOOL.values else OTHER
    if error is not None:
        labels["error.type"] = error
    return labels


def _error_of(result: HandlerResult) -> str | None:
    """The code or the outcome that a tool's failed answer names. The SDK hands it on as it will be sent."""
    told = result.model_dump(by_alias=True) if isinstance(result, CallToolResult) else result
    if not isinstance(told, dict) or not told.get("isError"):
        return None
    facts = told.get("structuredContent") or {}
    named = facts.get("error", facts.get("outcome"))
    return named if isinstance(named, str) and named in MCP_ERROR.values else conventions.TOOL_ERROR
