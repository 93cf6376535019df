"""Metrics of a real process: scraped from a port of its own, exported by OTLP, or not at all."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from tests.telemetry.receiver import receiving

from runtime import measuring

BOUND_S = 20
SERVICE = """
from contextlib import asynccontextmanager
from bus.metering import Counter
from contracts.metrics import TURNS
from runtime.process import Running, run
from runtime.settings import ServiceSettings

@asynccontextmanager
async def start(settings):
    async def check():
        return None
    Counter(TURNS).add(3, {"outcome": "refuted"})
    yield Running(ready=check)

run("agent", ServiceSettings, start)
"""


@asynccontextmanager
async def service(tmp_path: Path, **env: str) -> AsyncIterator[tuple[Process, dict[str, int]]]:
    """A process that counts three turns, and the ports that it said it serves on, by what it said."""
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env={"INSTANCE": "agent-1", **env}, stdout=PIPE, stderr=PIPE
    )
    assert process.stderr is not None
    ports: dict[str, int] = {}
    try:
        async with asyncio.timeout(BOUND_S):
            while "serving" not in ports and (line := await process.stderr.readline()):
                said = json.loads(line)
                ports[said["message"]] = said.get("port", 0)
        yield process, ports
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(BOUND_S):
            await process.communicate()


async def test_metrics_are_served_on_their_own_port_and_on_no_other(tmp_path: Path) -> None:
    async with service(tmp_path, METRICS_PORT="0") as (_, ports), httpx.AsyncClient() as client:
        scraped = await client.get(f"http://127.0.0.1:{ports['serving metrics']}/metrics")
        public = await client.get(f"http://127.0.0.1:{ports['serving']}/metrics")
        other = await client.get(f"http://127.0.0.1:{ports['serving metrics']}/healthz")

    assert scraped.status_code == 200
    assert scraped.headers["content-type"] == measuring.CONTENT_TYPE
    assert 'todo_turns_total{outcome="refuted"} 3.0' in scraped.text
    assert 'service_name="agent"' in scraped.text
    assert "process_uptime_seconds" in scraped.text
    assert public.status_code == other.status_code == 404


async def test_nothing_is_served_or_imported_where_nobody_wants_it(tmp_path: Path) -> None:
    async with service(tmp_path) as (_, ports):
        assert "serving metrics" not in ports
    probe = "import sys, runtime.process; print('opentelemetry.sdk.metrics' in sys.modules)"
    said = await asyncio.create_subprocess_exec(sys.executable, "-c", probe, stdout=PIPE, env=dict(os.environ))
    assert (await said.communicate())[0].strip() == b"False"


async def test_what_was_counted_is_exported_at_the_latest_when_the_process_ends(tmp_path: Path) -> None:
    async with receiving() as receiver:
        exporting = service(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
        async with exporting as (_, ports):
            assert "serving metrics" not in ports
        told = {metric.name for request in receiver.metrics for metric in _metrics_in(request)}
    assert "todo.turns" in told


async def test_a_collector_that_hangs_does_not_keep_a_process_from_ending(tmp_path: Path) -> None:
    # Never accepted: the system takes the connection and what is sent, and nobody answers.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with service(tmp_path, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=endpoint) as (process, _):
            process.terminate()
            assert await asyncio.wait_for(process.wait(), BOUND_S) == 0


def _metrics_in(request: ExportMetricsServiceRequest) -> list[Metric]:
    scopes = [scope for resource in request.resource_metrics for scope in resource.scope_metrics]
    return [metric for scope in scopes for metric in scope.metrics]


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, False),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, True),
        ({"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
    ],
)
def test_the_standard_variables_say_whether_metrics_are_exported(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], wanted: bool
) -> None:
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert measuring.exported() is wanted
