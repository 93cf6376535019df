"""What a container's health check finds, over the server that every service has."""

import asyncio
import os
import socket
import sys

import pytest

from runtime.http import application, serving


async def checked(port: int | str) -> tuple[int, str]:
    """The exit status and what was said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent.healthcheck",
        env={**os.environ, "HTTP_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize(("missing", "status", "word"), [(None, 0, "ready"), ("bus", 1, "bus")])
async def test_it_says_what_the_service_says(missing: str | None, status: int, word: str) -> None:
    async def ready() -> str | None:
        return missing

    async with serving("127.0.0.1", 0, application(ready, None)) as port:
        found, said = await checked(port)
    assert found == status
    assert word in said


async def test_nobody_listening_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    status, said = await checked(port)
    assert status == 1
    assert str(port) in said


@pytest.mark.parametrize("port", ["", "0", "70000", "http"])
async def test_a_port_that_is_none_is_named(port: str) -> None:
    status, said = await checked(port)
    assert status == 1
    assert "HTTP_PORT" in said
