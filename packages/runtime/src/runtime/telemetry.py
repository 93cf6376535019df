"""OpenTelemetry's one setup. Spans are recorded only when the standard OTEL_* variables say where to export them to.

Traces are carried on in any case, so that logs, receipts and the next process can name them.

OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and the sampler's variables mean what the OpenTelemetry specification says.
"""

import importlib.metadata
import os
import secrets
from typing import Any, Final, Literal, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, NoOpTracer, Span, SpanContext, TraceFlags

from contracts import conventions
from runtime import callers

# As the page says of its own: whoever is next may export, and goes by this flag.
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_UNNAMED: Final = secrets.token_hex(8)
"""What a process is called that was given no name, in every signal the same."""


def wanted(signal: Literal["TRACES", "METRICS"] = "TRACES") -> bool:
    """Whether the environment asks for a signal to be exported by OTLP."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = [name.strip() for name in os.environ.get(f"OTEL_{signal}_EXPORTER", "").split(",") if name.strip()]
    if exporters:
        return "otlp" in exporters
    return any(os.environ.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("ENDPOINT", f"{signal}_ENDPOINT"))


def resource(service: str, instance: str | None) -> Resource:
    """What a process is called in every signal; `instance` "": it was given no name; None: it is not one of ours. The
    environment's OTEL_RESOURCE_ATTRIBUTES add to it."""
    own = {conventions.SERVICE_NAME: service}
    if instance is not None:
        own[conventions.SERVICE_NAME] = os.environ.get("OTEL_SERVICE_NAME", service)
        own[conventions.SERVICE_INSTANCE_ID] = instance or _UNNAMED
    defaults = {conventions.SERVICE_NAMESPACE: conventions.NAMESPACE, conventions.SERVICE_VERSION: version()}
    return Resource(defaults).merge(Resource.create(own))


def version() -> str:
    """Of all that is ours: the packages have one version."""
    return importlib.metadata.version("todo-agent-runtime")


class UnrecordedTracer(NoOpTracer):
    """A span of it is its parent or, unlike the API's, the first of a new trace. Recording one that nobody will see
    costs some 50 us, and an operation passes through dozens of them."""

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> Span:  # Any: left unread
        span = super().start_span(name, context)
        if span.get_span_context().is_valid:
            return span
        trace_id, span_id = secrets.randbits(128) or 1, secrets.randbits(64) or 1  # 0 is no id
        return NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=False, trace_flags=_SAMPLED))


class UnrecordedTraces(trace.TracerProvider):
    """The provider of a process that exports nothing."""

    def get_tracer(self, *_: Any, **__: Any) -> UnrecordedTracer:  # Any: left unread
        return UnrecordedTracer()

    def shutdown(self) -> None:
        """Nothing is waiting to be exported."""


class Traces(Protocol):
    """What is to be ended with the process."""

    def shutdown(self) -> None:
        """Send what waits; bounded."""


def setup(service: str, instance: str) -> Traces:
    """Install the tracer provider of this process, and return what ends it."""
    if not wanted():
        unrecorded = UnrecordedTraces()
        trace.set_tracer_provider(unrecorded)
        return unrecorded
    # Imported here: it costs 150 ms, and most processes on a laptop export nothing.
    from runtime.exporting import Exporting  # noqa: PLC0415

    exporting = Exporting(resource(service, instance), resource(conventions.PAGE, None))
    trace.set_tracer_provider(exporting.provider)
    callers.record_by(exporting.of_callers)
    return exporting
