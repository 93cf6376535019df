"""A bus that goes away: a short outage is survived, a long one and a password taken back end the process."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from bus.connection import Connection
from bus.errors import BusError, BusLostError, NoReplyError
from bus.interface import Event, Job
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.message import Message
from local_stack.temporary import RunningNats, running_again, running_nats, temporary_directory

BOUND_S = 20
OWNER = "b" * 26
CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))
SERVICE = """
from contextlib import asynccontextmanager
from bus.nats_bus import NatsBus
from runtime.process import Running, run
from runtime.settings import ServiceSettings

@asynccontextmanager
async def start(settings):
    async with NatsBus.connected_to(settings.bus("signaling")) as bus:
        async def ready():
            return bus.lacks
        try:
            yield Running(ready=ready)
        finally:
            print("left", flush=True)

run("signaling", ServiceSettings, start)
"""


class Number(Message):
    n: int


@asynccontextmanager
async def service(tmp_path: Path, server: RunningNats, lost_after_s: float) -> AsyncIterator[Process]:
    """A service that has the bus and nothing else, once it serves."""
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    env = {
        "NATS_URL": server.url,
        "NATS_PASSWORD": server.passwords["signaling"],
        "BUS_LOST_AFTER_S": str(lost_after_s),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), env=env, stdout=PIPE, stderr=PIPE)
    try:
        await line_of(process, "serving")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_of(process: Process, message: str) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(BOUND_S):
        while line := await process.stderr.readline():
            if json.loads(line)["message"] == message:
                return
    raise AssertionError(f"the service ended before it said {message!r}")


async def ended(process: Process) -> tuple[int, list[dict[str, str]], str]:
    """The exit status, the lines of errors, and what it printed."""
    out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
    lines = [json.loads(line) for line in err.decode().splitlines()]
    assert process.returncode is not None
    return process.returncode, [line for line in lines if line["level"] == "error"], out.decode()


async def stop(server: RunningNats) -> None:
    server.child.kill()
    await asyncio.wait_for(server.child.wait(), BOUND_S)


def with_another_password(path: Path, user: str) -> None:
    configuration = json.loads(path.read_text())
    for known in configuration["authorization"]["users"]:
        if known["user"] == user:
            known["password"] = "rotated"
    path.write_text(json.dumps(configuration))


async def test_a_bus_that_does_not_come_back_ends_the_process_with_one_line(tmp_path: Path) -> None:
    with temporary_directory() as directory:
        async with running_nats(directory) as server, service(tmp_path, server, 0.5) as process:
            await stop(server)
            status, errors, printed = await ended(process)
    assert status == 1
    assert [line["message"] for line in errors] == ["cannot run"]
    assert errors[0]["detail"] == "the bus closed the connection, or was away for 0.5 s"
    assert printed == "left\n"  # it left its block: what it held was let go in order


async def test_a_password_that_a_running_server_takes_back_ends_the_process_at_once(tmp_path: Path) -> None:
    with temporary_directory() as directory:
        # Long enough to fail the test, had it to be waited for.
        async with running_nats(directory) as server, service(tmp_path, server, 600) as process:
            with_another_password(directory.nats / "nats.conf", "signaling")
            os.kill(server.child.pid, signal.SIGHUP)
            status, errors, printed = await ended(process)
    assert (status, printed) == (1, "left\n")
    assert [line["message"] for line in errors] == ["cannot run"]


async def test_a_server_that_comes_back_with_another_password_ends_the_process(tmp_path: Path) -> None:
    with temporary_directory() as directory:
        async with running_nats(directory) as server, service(tmp_path, server, 2) as process:
            await stop(server)
            with_another_password(directory.nats / "nats.conf", "signaling")
            async with running_again(server, directory):
                status, errors, _ = await ended(process)
    assert status == 1
    assert [line["message"] for line in errors] == ["cannot run"]


async def test_a_short_outage_is_survived_by_all_but_the_requests_that_were_under_way() -> None:
    events: asyncio.Queue[Event] = asyncio.Queue()
    jobs: asyncio.Queue[Job] = asyncio.Queue()
    session = uuid4().hex

    begun, let_go = asyncio.Event(), asyncio.Event()

    async def double(asked: Number) -> Number:
        if asked.n < 0:
            begun.set()
            await let_go.wait()
        return Number(n=asked.n * 2)

    async with AsyncExitStack() as stack:
        directory = stack.enter_context(temporary_directory())
        server = await stack.enter_async_context(running_nats(directory))
        buses = {
            user: await stack.enter_async_context(NatsBus.connected_to(server.bus_settings(user)))
            for user in ("agent", "rtc-gateway", "todo-store")
        }
        agent, gateway, store = buses["agent"], buses["rtc-gateway"], buses["todo-store"]
        subscription = await gateway.subscribe(subjects.todo_changed(OWNER), events.put)
        served = await agent.serve(subjects.OPS_RUN, Number, double, queue=subjects.QUEUE_OPS)
        work = await agent.work(streams.CHAT, CONSUMERS, jobs.put, slots=2, hints=subjects.LIVE_JOBS)
        await gateway.store(subjects.turn_started(session, "before"), Number(n=1))
        await asyncio.wait_for(jobs.get(), BOUND_S)
        under_way = asyncio.create_task(gateway.request(subjects.OPS_RUN, Number(n=-1), Number, timeout=600))
        await begun.wait()

        await stop(server)
        await until(lambda: not any(bus.connected for bus in buses.values()))
        assert gateway.lacks == "bus"
        await stack.enter_async_context(running_again(server, directory))
        await until(lambda: all(watch_is_off(bus) for bus in buses.values()))

        await store.publish(subjects.todo_changed(OWNER), Number(n=2))
        assert Number.from_json((await asyncio.wait_for(events.get(), BOUND_S)).data).n == 2
        assert (await gateway.request(subjects.OPS_RUN, Number(n=3), Number, timeout=BOUND_S)).n == 6
        with pytest.raises(NoReplyError):  # and not after the ten minutes that it was given
            await asyncio.wait_for(under_way, BOUND_S)
        let_go.set()
        await gateway.store(subjects.turn_started(session, "after"), Number(n=4))
        async with asyncio.timeout(BOUND_S):
            # The ack of the first may have died with the server, which then delivers it again.
            while not (await jobs.get()).subject.endswith(".after"):
                continue
        for open_one in (work, served, subscription):
            await open_one.close()


async def test_only_the_first_word_of_a_loss_counts_and_a_return_ends_the_watch() -> None:
    connection = Connection(lost_after_s=0.2)

    async def lose() -> None:
        async with asyncio.timeout(BOUND_S), connection.watched():
            await connection.on_disconnected()
            first = connection._limit.when()
            await connection.on_disconnected()
            assert connection._limit.when() == first
            await connection.on_reconnected()
            assert connection._limit.when() is None
            await connection.on_disconnected()
            await asyncio.Event().wait()

    with pytest.raises(BusLostError):
        await lose()
    # Late words of a client that is being closed change nothing.
    await connection.on_disconnected()
    await connection.on_reconnected()


async def test_a_timeout_of_the_blocks_own_is_not_taken_for_a_lost_bus() -> None:
    connection = Connection(lost_after_s=BOUND_S)
    with pytest.raises(TimeoutError):
        async with connection.watched():
            raise TimeoutError


def watch_is_off(bus: NatsBus) -> bool:
    return bus.connected and bus._connection._limit.when() is None


async def until(predicate) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(BOUND_S):
        while not predicate():  # noqa: ASYNC110 - nats-py tells nobody else of its state
            await asyncio.sleep(0.01)


async def test_a_lost_bus_with_requests_waiting_is_told_as_such_and_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    with temporary_directory() as directory:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running_nats(directory))
            settings = replace(server.bus_settings("mcp-bridge"), lost_after_s=0.5)
            with pytest.raises(BusLostError):  # noqa: PT012 - the block is what the loss ends
                async with asyncio.timeout(BOUND_S), NatsBus.connected_to(settings) as bus:
                    with contextlib.suppress(BusError):
                        await bus.request(subjects.TODO_SEARCH, Number(n=1), Number, timeout=1)
                    await stack.aclose()
                    while True:
                        with contextlib.suppress(BusError):
                            await bus.request(subjects.TODO_SEARCH, Number(n=1), Number, timeout=0.1)
    await asyncio.sleep(0)  # for what was cancelled to end
    assert asyncio.all_tasks() == before
