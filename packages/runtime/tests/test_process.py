"""A service as a real process: ready, drained by the first signal, forced by the second, dead at a crash point."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

BOUND_S = 20
SERVICE = """
import asyncio, sys
from contextlib import asynccontextmanager
from runtime.crash import crash_point
from runtime.process import Running, run
from runtime.settings import ServiceSettings

@asynccontextmanager
async def start(settings):
    crash_point("at_start")
    if settings.instance == "waiting":
        print("waiting", flush=True)
        await asyncio.sleep(600)
    ready = "database" if settings.instance == "lame" else None
    async def check():
        return ready
    async def drain():
        print("telling", flush=True)
    yield Running(ready=check, drain=drain)
    print("draining", flush=True)
    if settings.instance == "slow":
        await asyncio.sleep(600)
    print("drained", flush=True)

run("tested", ServiceSettings, start)
"""


@asynccontextmanager
async def service(tmp_path: Path, **env: str) -> AsyncIterator[Process]:
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), env=env, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def port_of(process: Process) -> int:
    assert process.stderr is not None
    async with asyncio.timeout(BOUND_S):
        while line := await process.stderr.readline():
            parsed = json.loads(line)
            if parsed["message"] == "serving":
                return int(parsed["port"])
    raise AssertionError("the service ended before it served")


async def get(port: int, path: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(BOUND_S):
        answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split(" ", 2)[1]), answer.rsplit("\r\n", 1)[-1]


async def said(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(BOUND_S):
        return (await process.stdout.readline()).decode().strip()


async def test_the_first_signal_drains(tmp_path: Path) -> None:
    async with service(tmp_path) as process:
        port = await port_of(process)
        assert (await get(port, "/healthz"))[0] == 200
        assert (await get(port, "/readyz"))[0] == 200
        process.send_signal(signal.SIGTERM)
        assert [await said(process) for _ in range(3)] == ["telling", "draining", "drained"]
        assert await asyncio.wait_for(process.wait(), BOUND_S) == 0


async def test_a_service_that_still_waits_for_what_it_needs_gives_up_at_the_first_signal(tmp_path: Path) -> None:
    async with service(tmp_path, INSTANCE="waiting") as process:
        assert await said(process) == "waiting"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), BOUND_S) == 0


async def test_the_second_signal_forces(tmp_path: Path) -> None:
    async with service(tmp_path, INSTANCE="slow") as process:
        await port_of(process)
        process.send_signal(signal.SIGTERM)
        assert [await said(process) for _ in range(2)] == ["telling", "draining"]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), BOUND_S) == 130


async def test_a_service_that_lacks_something_is_alive_and_not_ready(tmp_path: Path) -> None:
    async with service(tmp_path, INSTANCE="lame") as process:
        port = await port_of(process)
        assert (await get(port, "/healthz"))[0] == 200
        status, body = await get(port, "/readyz")
        assert (status, json.loads(body)["missing"]) == (503, "database")


async def test_a_named_crash_point_kills_the_process_and_another_name_does_not(tmp_path: Path) -> None:
    async with service(tmp_path, CRASH_AT="at_start") as process:
        assert await asyncio.wait_for(process.wait(), BOUND_S) == -signal.SIGKILL
    async with service(tmp_path, CRASH_AT="elsewhere") as process:
        await port_of(process)


@pytest.mark.parametrize(("name", "value"), [("HTTP_PORT", "many"), ("LOG_LEVEL", "loud")])
async def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    async with service(tmp_path, **{name: value}) as process:
        _, stderr = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode == 1
    (line,) = stderr.decode().strip().splitlines()
    assert name in line
