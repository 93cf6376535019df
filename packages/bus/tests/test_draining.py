"""A worker as a whole process, told to stop with a job in hand: it finishes and acks that one, and takes no other."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from nats.aio.client import Client

from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.message import Message
from local_stack.temporary import RunningNats, running_nats, temporary_directory

BOUND_S = 30
JOBS = 12
# Says which job it has begun, and finishes it when its input says so; "all" lets it run free.
WORKER = """
import asyncio, sys
from contextlib import asynccontextmanager
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from runtime.process import Running, run
from runtime.settings import ServiceSettings

CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))

@asynccontextmanager
async def start(settings):
    loop = asyncio.get_running_loop()
    free = settings.instance == "free"

    async def handler(job):
        print("began", job.subject, flush=True)
        if not free:
            await loop.run_in_executor(None, sys.stdin.readline)
        print("finished", job.subject, flush=True)

    async with NatsBus.connected_to(settings.bus("agent")) as bus:
        work = await bus.work(streams.CHAT, CONSUMERS, handler, slots=1, hints=subjects.LIVE_JOBS)
        async def ready():
            return bus.lacks
        try:
            yield Running(ready=ready)
        finally:
            await work.close()

run("agent", ServiceSettings, start)
"""


class Number(Message):
    n: int


@pytest.fixture
async def server() -> AsyncIterator[RunningNats]:
    with temporary_directory() as directory:
        async with running_nats(directory) as running:
            yield running


@asynccontextmanager
async def worker(tmp_path: Path, server: RunningNats, name: str) -> AsyncIterator[Process]:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    env = {"NATS_URL": server.url, "NATS_PASSWORD": server.passwords["agent"], "INSTANCE": name}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: Process) -> list[str]:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), BOUND_S)).decode().split()


async def logged(process: Process, message: str) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(BOUND_S):
        while line := await process.stderr.readline():
            if json.loads(line)["message"] == message:
                return
    raise AssertionError(f"the worker ended before it said {message!r}")


async def test_a_worker_told_to_stop_finishes_its_job_and_another_gets_the_rest_once(
    tmp_path: Path, server: RunningNats
) -> None:
    session = uuid4().hex
    async with NatsBus.connected_to(server.bus_settings("rtc-gateway")) as gateway:
        for n in range(JOBS):
            await gateway.store(subjects.turn_started(f"{session}{n % 3}", f"t{n:02d}"), Number(n=n))
    async with worker(tmp_path, server, "first") as first:
        began, in_hand = await said(first)
        assert began == "began"
        first.send_signal(signal.SIGTERM)
        await logged(first, "stopping")
        async with worker(tmp_path, server, "free") as second:
            handled = [await said(second) for _ in range(2)]  # while the first still holds its job
            assert first.returncode is None
            assert first.stdin is not None
            first.stdin.write(b"go on\n")
            out, _ = await asyncio.wait_for(first.communicate(), BOUND_S)
            assert out.decode().split() == ["finished", in_hand]  # and nothing more was begun
            assert first.returncode == 0
            handled += [await said(second) for _ in range(2 * (JOBS - 1) - 2)]
            second.send_signal(signal.SIGTERM)
            await asyncio.wait_for(second.communicate(), BOUND_S)
    finished = [subject for word, subject in handled if word == "finished"]
    assert len(finished) == len(set(finished)) == JOBS - 1
    assert in_hand not in finished

    assert await unfinished(server) == 0


async def unfinished(server: RunningNats) -> int:
    """How many jobs are not acked, by the server's word."""
    settings = server.bus_settings("topology")
    client = Client()
    await client.connect(
        settings.url, user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix
    )
    try:
        count = 0
        for partition in range(PARTITIONS):
            call = f"$JS.API.CONSUMER.INFO.{streams.CHAT}.{streams.partition_consumer(partition)}"
            found = json.loads((await client.request(call, b"", timeout=BOUND_S)).data)
            count += found["num_pending"] + found["num_ack_pending"]
        return count
    finally:
        await client.close()
