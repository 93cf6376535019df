"""What a collector is to the services: takes OTLP over HTTP, in protobuf, and keeps it to be looked at.

`spans` are taken apart; of metrics and logs the requests are kept as they came.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime.http import serving

from .trees import Received, Value

SOON_MS = 200
"""How often services export here, so that a test need not wait for the usual five seconds."""


@dataclass
class Receiver:
    """Of one test. `environ` makes services export to it."""

    endpoint: str = ""
    spans: list[Received] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    logs: list[ExportLogsServiceRequest] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """Everything that came, as it came: where a word is looked for that must not be there."""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": str(SOON_MS),
            "OTEL_METRIC_EXPORT_INTERVAL": str(SOON_MS),
        }

    def of_trace(self, trace_id: str | None) -> list[Received]:
        return [span for span in self.spans if span.trace_id == trace_id]

    async def until(self, enough: Callable[[], bool], *, within_s: float = 20.0) -> None:
        """Wait until what came is enough. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(enough)

    async def traces(self, request: Request) -> Response:
        body = await self._body(request)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans.extend(_spans(of_resource))
        return await self._taken()

    async def take_metrics(self, request: Request) -> Response:
        self.metrics.append(ExportMetricsServiceRequest.FromString(await self._body(request)))
        return await self._taken()

    async def take_logs(self, request: Request) -> Response:
        self.logs.append(ExportLogsServiceRequest.FromString(await self._body(request)))
        return await self._taken()

    async def _body(self, request: Request) -> bytes:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        return body

    async def _taken(self) -> Response:
        async with self._came:
            self._came.notify_all()
        return Response(media_type="application/x-protobuf")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    routes = [
        Route("/v1/traces", receiver.traces, methods=["POST"]),
        Route("/v1/metrics", receiver.take_metrics, methods=["POST"]),
        Route("/v1/logs", receiver.take_logs, methods=["POST"]),
    ]
    async with serving("127.0.0.1", 0, Starlette(routes=routes)) as port:
        receiver.endpoint = f"http://127.0.0.1:{port}"
        yield receiver


def _spans(of_resource: ResourceSpans) -> list[Received]:
    resource = _attributes(of_resource.resource.attributes)
    return [
        Received(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex() or None,
            name=span.name,
            kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
            resource=MappingProxyType(resource),
            attributes=MappingProxyType(_attributes(span.attributes)),
            links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
            began_ns=span.start_time_unix_nano,
            ended_ns=span.end_time_unix_nano,
            failed=span.status.code == Status.STATUS_CODE_ERROR,
            said=(span.status.message, *(event.name for event in span.events)),
        )
        for scope in of_resource.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: "list[KeyValue] | object") -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}  # type: ignore[attr-defined]  # protobuf's own container


def _value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind in {"string_value", "bool_value", "int_value", "double_value"}:
        found: Value = getattr(value, kind)
        return found
    raise ValueError(f"no span of ours has an attribute of the kind {kind}")
