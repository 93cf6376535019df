"""The metrics of a process: collected where somebody wants them, by OTLP or by a scrape, and otherwise not at all.

OTEL_SDK_DISABLED, OTEL_METRICS_EXPORTER (otlp, none), OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
OTEL_METRIC_EXPORT_INTERVAL, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES mean what the OpenTelemetry specification
says. A scrape has a port of its own (METRICS_PORT), which is no stranger's.
"""

import asyncio
import logging
import os
import resource
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bus.metering import Histogram, begin_at_zero, observing
from contracts.metrics import CPU_TIME, FILES, LOOP_LAG, MEMORY, UPTIME
from runtime import http, telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider

log = logging.getLogger(__name__)

PATH: Final = "/metrics"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
LAG_EVERY_S: Final = 1.0
SHUTDOWN_S: Final = 3.0

_LAG: Final = Histogram(LOOP_LAG)
_PAGE_BYTES: Final = resource.getpagesize()


@dataclass(frozen=True)
class Measured:
    """What `setup` installed. `text` is the state of all metrics in Prometheus' text format, where it is scraped."""

    shutdown: Callable[[], None]
    text: Callable[[], bytes] | None = None


def exported() -> bool:
    """Whether the environment asks for metrics to be exported by OTLP."""
    return telemetry.wanted("METRICS")


def wanted(*, scraped: bool) -> bool:
    """Whether anybody will see metrics of this process; `scraped`: it has a port for that."""
    return os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true" and (scraped or exported())


def setup(service: str, instance: str, *, scraped: bool) -> Measured | None:
    """Install the meter provider of this process, if anybody wants its metrics. Shut it down at the end."""
    if not wanted(scraped=scraped):
        return None
    # Imported here, all of it: it costs 100 ms and more, and a bridge on stdio is waited for.
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader  # noqa: PLC0415

    readers: list[MetricReader] = []
    text: Callable[[], bytes] | None = None
    if exported():
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    if scraped:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

        # A registry of its own: the library's has metrics that are not in the table.
        registry = CollectorRegistry()
        readers.append(PrometheusMetricReader(scope_info_enabled=False, registry=registry))

        def text() -> bytes:
            return generate_latest(registry)

    # An exemplar names a trace, which is worth its cost only where traces go somewhere.
    exemplars = None if telemetry.wanted("TRACES") else AlwaysOffExemplarFilter()
    provider = MeterProvider(readers, telemetry.resource(service, instance), exemplars, shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    begin_at_zero(service)
    return Measured(partial(_shut_down, provider), text)


def _shut_down(provider: "MeterProvider") -> None:
    """Send what was counted since the last time, or give it up after SHUTDOWN_S: the SDK would wait for longer than a
    process may take to stop, and what still hangs then keeps no process alive."""
    sending = threading.Thread(target=provider.shutdown, name="flush-metrics", daemon=True)
    sending.start()
    sending.join(SHUTDOWN_S)


def application(text: Callable[[], bytes]) -> Starlette:
    """`GET /metrics`, one scrape at a time, beside the event loop."""
    turn = asyncio.Lock()

    async def scrape(_: Request) -> Response:
        async with turn:
            return Response(await asyncio.to_thread(text), media_type=CONTENT_TYPE)

    return Starlette(routes=[Route(PATH, scrape)])


@asynccontextmanager
async def watched(measured: Measured | None, host: str, port: int | None) -> AsyncIterator[None]:
    """Measure the process and serve scrapes, as far as they are wanted, for the length of the block.

    Raises OSError when the port is taken.
    """
    async with AsyncExitStack() as stack:
        if measured is not None:
            await stack.enter_async_context(watching_the_process())
        if measured is not None and measured.text is not None and port is not None:
            at = await stack.enter_async_context(http.serving(host, port, application(measured.text)))
            log.info("serving metrics", extra={"port": at})
        yield


@asynccontextmanager
async def watching_the_process() -> AsyncIterator[None]:
    """Measure what every process has, for the length of the block."""
    began = time.monotonic()
    with ExitStack() as looks:
        looks.enter_context(observing(CPU_TIME, lambda: _used().ru_utime, {"cpu.mode": "user"}))
        looks.enter_context(observing(CPU_TIME, lambda: _used().ru_stime, {"cpu.mode": "system"}))
        looks.enter_context(observing(MEMORY, _resident_bytes))
        looks.enter_context(observing(FILES, _open_files))
        looks.enter_context(observing(UPTIME, lambda: time.monotonic() - began))
        lag = asyncio.create_task(_measure_lag(), name="event loop lag")
        try:
            yield
        finally:
            lag.cancel()
            await asyncio.wait({lag})


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        _LAG.record(max(0.0, loop.time() - due))


def _used() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_SELF)


def _resident_bytes() -> float | None:
    if sys.platform != "linux":
        return None  # there it takes a library to find out
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def _open_files() -> float | None:
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else None
