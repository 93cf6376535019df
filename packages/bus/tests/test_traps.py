"""What in nats-py our bus is built around, shown on nats-py itself, so that an upgrade that changes one is noticed.

A test that fails after an upgrade is good news: look up what the bus does about it, and whether it still has to.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import DrainTimeoutError

from bus.memory_streams import partition_of
from contracts import streams, subjects
from local_stack.temporary import RunningNats, running_nats, temporary_directory

BOUND_S = 10
OWNER = "b" * 26


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[RunningNats]:
    """One of our own: what these tests leave in streams is nobody else's work."""
    with temporary_directory() as directory:
        async with running_nats(directory) as running:
            yield running


@asynccontextmanager
async def client(server: RunningNats, user: str, **options: Any) -> AsyncIterator[Client]:
    settings = server.bus_settings(user)
    made = Client()
    await made.connect(
        settings.url, user=user, password=settings.password, inbox_prefix=settings.inbox_prefix, **options
    )
    try:
        yield made
    finally:
        if not made.is_closed:
            await made.close()


@pytest.fixture
async def pair(server: RunningNats) -> AsyncIterator[tuple[Client, Client]]:
    """An agent that serves, and a gateway that asks."""
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(client(server, "agent"))
        yield agent, await stack.enter_async_context(client(server, "rtc-gateway"))


async def settled(*clients: Client) -> None:
    for one in clients:
        await one.flush(timeout=BOUND_S)
        await one.flush(timeout=BOUND_S)


async def test_callbacks_of_a_subscription_are_serial(pair: tuple[Client, Client]) -> None:
    """So each request becomes a task: `serving.Endpoint.take`."""
    agent, gateway = pair
    began: list[bytes] = []
    release, both = asyncio.Event(), asyncio.Event()

    async def callback(message: Msg) -> None:
        began.append(message.data)
        if len(began) == 2:
            both.set()
        await release.wait()

    subscription = await agent.subscribe(subjects.OPS_RUN, queue=subjects.QUEUE_OPS, cb=callback)
    await settled(agent)
    for data in (b"1", b"2"):
        await gateway.publish(subjects.OPS_RUN, data)
    await settled(gateway, agent)
    assert began == [b"1"]
    assert subscription.pending_msgs == 1
    release.set()
    await asyncio.wait_for(both.wait(), BOUND_S)


async def test_respond_echoes_the_requests_headers(pair: tuple[Client, Client]) -> None:
    """So replies are published with headers of their own: `serving.Replies`."""
    agent, gateway = pair

    async def callback(message: Msg) -> None:
        await message.respond(b"{}")

    await agent.subscribe(subjects.OPS_RUN, queue=subjects.QUEUE_OPS, cb=callback)
    await settled(agent)
    answer = await gateway.request(subjects.OPS_RUN, b"{}", timeout=BOUND_S, headers={"X-Secret": "s"})
    assert answer.headers == {"X-Secret": "s"}


async def test_an_error_callback_that_raises_ends_all_reading_while_it_looks_connected(
    server: RunningNats, caplog: pytest.LogCaptureFixture
) -> None:
    """So ours only counts and logs: `connection.Connection.on_error`."""

    async def raising(_: Exception) -> None:
        raise RuntimeError

    heard: list[Msg] = []
    healthy_heard = asyncio.Event()

    async def hear(message: Msg) -> None:
        heard.append(message)

    async def hear_well(_: Msg) -> None:
        healthy_heard.set()

    with caplog.at_level(logging.CRITICAL, logger="nats"):
        async with (
            client(server, "rtc-gateway", error_cb=raising) as broken,
            client(server, "rtc-gateway") as healthy,
            client(server, "todo-store") as store,
        ):
            await broken.subscribe(subjects.todo_changed(OWNER), cb=hear)
            await healthy.subscribe(subjects.todo_changed(OWNER), cb=hear_well)
            await settled(broken, healthy)
            await broken.publish("not.permitted", b"")
            await asyncio.wait_for(asyncio.shield(broken._reading_task), BOUND_S)
            assert broken.is_connected
            await store.publish(subjects.todo_changed(OWNER), b"{}")
            await asyncio.wait_for(healthy_heard.wait(), BOUND_S)
            await broken.flush(timeout=BOUND_S)  # even this says that all is well
            assert heard == []


async def test_drain_hangs_after_a_pull_that_was_served_from_the_local_queue(server: RunningNats) -> None:
    """So a service unsubscribes, finishes, flushes and closes: `workers.Workers.close`, `Connection.close`. The message
    that an abandoned fetch leaves behind is why workers pull without waiting."""
    session = "drained"
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors.append(error)

    async with (
        client(server, "agent", drain_timeout=1, error_cb=note) as agent,
        client(server, "rtc-gateway") as gateway,
    ):
        consumer = streams.partition_consumer(partition_of(session))
        pulling = await agent.jetstream().pull_subscribe_bind(consumer, streams.CHAT)
        abandoned = asyncio.ensure_future(pulling.fetch(1, timeout=BOUND_S))
        await asyncio.sleep(0)  # until it waits for its answer
        await settled(agent)
        abandoned.cancel()
        await asyncio.wait({abandoned})
        await gateway.request(subjects.turn_started(session, "t"), b"{}", timeout=BOUND_S)
        async with asyncio.timeout(BOUND_S):
            while pulling._sub.pending_msgs == 0:  # noqa: ASYNC110 - nats-py tells nobody of it
                await asyncio.sleep(0.005)
        (message,) = await pulling.fetch(1, timeout=BOUND_S)
        await message.ack()
        assert not errors
        await agent.drain()
        assert any(isinstance(error, DrainTimeoutError) for error in errors)


async def test_a_request_on_a_streams_subject_is_answered_by_the_stream(pair: tuple[Client, Client]) -> None:
    """So requests and events are disjoint trees: `contracts.subjects`."""
    _, gateway = pair
    answer = await gateway.request(subjects.turn_started("asked", "t"), b"a question", timeout=BOUND_S)
    assert json.loads(answer.data)["stream"] == streams.CHAT


async def test_a_flush_overtakes_the_subscription_before_it(
    server: RunningNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a subscription is settled by two: `nats_bus.NatsBus._settle`."""
    async with client(server, "rtc-gateway") as gateway:
        await settled(gateway)
        transport = gateway._transport
        sent: list[bytes] = []
        write, writelines = transport.write, transport.writelines
        monkeypatch.setattr(transport, "write", lambda data: (sent.append(data), write(data))[1])
        monkeypatch.setattr(transport, "writelines", lambda data: (sent.extend(data), writelines(data))[1])
        await gateway.subscribe(subjects.todo_changed(OWNER))
        await gateway.flush(timeout=BOUND_S)
        assert [data.split(b" ")[0].strip() for data in sent] == [b"PING", b"SUB"]


def test_no_stream_captures_a_request() -> None:
    """The trap above cannot be stepped into: no subject of a stream is of the tree of requests or of control."""
    kinds = {subject.split(".")[0] for stream in streams.STREAMS for subject in stream.subjects}
    assert kinds == {"evt", "dlq", "$KV"}
