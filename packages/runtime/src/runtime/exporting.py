"""Spans on their way out of this process. Imported only where they are exported: it costs 150 ms.

Whoever takes them may be slow, away, or hang: they wait in a queue of a bounded length (OTEL_BSP_MAX_QUEUE_SIZE, 2048),
of which the oldest are dropped, and a thread of their own sends them. Nothing else waits for that, but the end of the
process, for FLUSH_TIMEOUT_S.
"""

import threading
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from runtime import callers

FLUSH_TIMEOUT_S: Final = 3.0


class Exporting:
    """The spans of this process, and those of its callers, of which it writes down the beginning."""

    def __init__(self, ours: Resource, of_callers: Resource) -> None:
        self._exporter = OTLPSpanExporter()
        processor = BatchSpanProcessor(self._exporter)
        self.provider = TracerProvider(resource=ours, shutdown_on_exit=False)
        self.provider.add_span_processor(processor)
        self.of_callers = TracerProvider(resource=of_callers, id_generator=callers.GivenIds(), shutdown_on_exit=False)
        self.of_callers.add_span_processor(processor)

    def shutdown(self) -> None:
        """Send what waits, or give it up after FLUSH_TIMEOUT_S. The SDK would wait for 30 s, which is longer than a
        process may take to stop. What still hangs then keeps no process alive."""
        flushing = threading.Thread(target=self.provider.shutdown, name="flush-spans", daemon=True)
        flushing.start()
        flushing.join(FLUSH_TIMEOUT_S)
        if flushing.is_alive():
            # What it is sending it tries no more.
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
