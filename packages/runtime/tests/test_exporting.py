"""Whoever takes the spans may be away, slow or hang: nothing waits for it, nothing grows, and the end is bounded."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from runtime.exporting import FLUSH_TIMEOUT_S, Exporting

QUEUE = 64
SPANS = 5_000
ENDED_WITHIN_S = 20
A_SPAN_S = 0.001
"""What one may cost on a slow machine; waiting for a collector would be seconds."""


@pytest.fixture(params=["nobody there", "one that hangs"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """An address that takes no spans."""
    # Never accepted: the system takes the connection and what is sent, and nobody answers.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if request.param == "nobody there":
            listener.close()
        yield url


@pytest.fixture
def exporting(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporting]:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", str(QUEUE))
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", str(QUEUE // 2))
    made = Exporting(Resource({}), Resource({}))
    yield made
    made.shutdown()
    # One that goes on would try again at random times, which tests of properties take for their own doing.
    for thread in [one for one in threading.enumerate() if one.name.startswith(("Otel", "flush-spans"))]:
        thread.join(ENDED_WITHIN_S)
        assert not thread.is_alive(), thread.name


async def test_spans_that_nobody_takes_are_dropped_at_a_bound_and_wait_for_nobody(exporting: Exporting) -> None:
    tracer = exporting.provider.get_tracer("test")
    before = _spans()
    started = time.perf_counter()
    for _ in range(SPANS):
        tracer.start_span("x", kind=SpanKind.CLIENT).end()
    assert time.perf_counter() - started < SPANS * A_SPAN_S
    kept = [one for one in _spans() if not any(one is earlier for earlier in before)]
    assert QUEUE // 2 <= len(kept) <= 2 * QUEUE, "so many wait, and one batch is in hand"
    started = time.perf_counter()
    await asyncio.to_thread(exporting.shutdown)
    assert time.perf_counter() - started < FLUSH_TIMEOUT_S + 1


def _spans() -> list[ReadableSpan]:
    # By its type alone: isinstance asks a weak reference of somebody else's for what it referred to.
    return [one for one in gc.get_objects() if issubclass(type(one), ReadableSpan)]


async def test_a_process_ends_though_nobody_takes_its_spans(endpoint: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from opentelemetry import trace\n"
        "from runtime import telemetry\n"
        "traces = telemetry.setup('service', 'service-1')\n"
        "for _ in range(5000):\n"
        "    trace.get_tracer('test').start_span('x').end()\n"
        "traces.shutdown()\n"
        "print('ended')\n"
    )
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"ended\n")
