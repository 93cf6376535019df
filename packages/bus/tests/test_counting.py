"""What the bus counts, on a real NATS."""

import asyncio
from uuid import uuid4

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from tests.telemetry.measured import Measured

from bus import connection
from bus.errors import NoReplyError, Refusal, RemoteError, RetryLater, UnavailableError, Unprocessable
from bus.interface import PENDING_EVENTS, Event, Job
from bus.nats_bus import BusSettings, NatsBus
from contracts import metrics, streams, subjects
from contracts.limits import PARTITIONS
from contracts.message import ErrorCode, Problem
from local_stack.ports import free_port

from .two_buses import BOUND_S, OWNER, Number, OnNats

CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))
RUN = {"rpc.method": subjects.OPS_RUN}


async def test_requests_are_timed_by_both_ends_with_the_code_of_a_refusal(
    nats_buses: OnNats, measured: Measured
) -> None:
    async def answer(asked: Number) -> Number:
        if asked.n == 2:
            raise Refusal(Problem(code=ErrorCode.LIMIT))
        if asked.n == 3:
            raise RuntimeError("what people wrote")
        if asked.n == 4:
            await asyncio.sleep(BOUND_S)
        return asked

    agent, gateway = await nats_buses.of("agent"), await nats_buses.of("rtc-gateway")
    with pytest.raises(UnavailableError):
        await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=BOUND_S)
    served = await agent.serve(subjects.OPS_RUN, Number, answer, queue=subjects.QUEUE_OPS)
    await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=BOUND_S)
    for n in (2, 3):
        with pytest.raises(RemoteError):
            await gateway.request(subjects.OPS_RUN, Number(n=n), Number, timeout=BOUND_S)
    with pytest.raises(NoReplyError):
        await gateway.request(subjects.OPS_RUN, Number(n=4), Number, timeout=0.1)

    by_code = {code: measured(metrics.RPC_ASKED, RUN | {"error.type": code}) for code in ErrorCode}
    assert {code: count for code, count in by_code.items() if count} == {
        ErrorCode.UNAVAILABLE: 1,
        ErrorCode.LIMIT: 1,
        ErrorCode.INTERNAL: 1,
        ErrorCode.TIMEOUT: 1,
    }
    assert measured(metrics.RPC_ASKED, RUN) == 5
    assert measured(metrics.RPC_SERVED, RUN) == 3
    assert measured(metrics.RPC_SERVED, RUN | {"error.type": "limit"}) == 1
    for task in served.endpoint._running:  # type: ignore[attr-defined]
        task.cancel()
    await served.close()


async def test_a_job_that_comes_again_is_counted_as_such_and_each_by_how_it_left(
    nats_buses: OnNats, measured: Measured
) -> None:
    gateway, agent = await nats_buses.of("rtc-gateway"), await nats_buses.of("agent")
    session, done, free_before = uuid4().hex, asyncio.Event(), measured(metrics.SLOTS, {"state": "free"})
    busy: list[float] = []

    async def handle(job: Job) -> None:
        if session not in job.subject:
            return
        busy.append(measured(metrics.SLOTS, {"state": "busy"}))
        if job.subject.endswith(".bad"):
            raise Unprocessable("unreadable")
        if job.deliveries == 1:
            raise RetryLater("not now", 0.05)
        done.set()

    work = await agent.work(streams.CHAT, CONSUMERS, handle, slots=2, hints=subjects.LIVE_JOBS)
    await gateway.store(subjects.turn_started(session, "bad"), Number(n=1))
    await gateway.store(subjects.turn_started(session, "good"), Number(n=1))
    await asyncio.wait_for(done.wait(), BOUND_S)
    await work.close()

    assert measured(metrics.REDELIVERIES) >= 1
    assert measured(metrics.JOBS, {"result": "given_back"}) == 1
    assert measured(metrics.JOBS, {"result": "taken_out"}) == 1
    assert measured(metrics.JOBS, {"result": "acked"}) >= 1
    assert busy[0] >= 1
    assert measured(metrics.SLOTS, {"state": "busy"}) == 0
    assert measured(metrics.SLOTS, {"state": "free"}) == free_before


async def test_a_bus_that_goes_and_comes_back_is_counted_and_shown(nats_buses: OnNats, measured: Measured) -> None:
    before = measured(metrics.BUS_CONNECTED)
    gateway, back = await nats_buses.of("rtc-gateway"), asyncio.Event()
    assert before == 0
    assert measured(metrics.BUS_CONNECTED) == 1

    async def never(_: Event) -> None:
        raise AssertionError

    subscription = await gateway.subscribe(subjects.todo_changed(OWNER), never, on_loss=back.set)
    await nats_buses.interrupt("rtc-gateway")
    await asyncio.wait_for(back.wait(), BOUND_S)

    assert measured(metrics.BUS_LOST) == measured(metrics.BUS_BACK) == 1
    await subscription.close()


async def test_a_bus_that_was_never_there_is_shown_as_away_until_it_is_given_up(
    metric_reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> list[float]:
        data = metric_reader.get_metrics_data()
        return [
            point.value
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == metrics.BUS_CONNECTED.name
            for point in metric.data.data_points
            if isinstance(point, NumberDataPoint)
        ]

    async def connect() -> None:
        url = f"nats://127.0.0.1:{free_port()}"
        settings = BusSettings(url=url, user="agent", password="", inbox_prefix="_INBOX_agent", name="agent")
        async with NatsBus.connected_to(settings):
            raise AssertionError

    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 0.5)
    assert shown() == []
    connecting = asyncio.create_task(connect())
    await asyncio.sleep(0)
    assert shown() == [0]
    with pytest.raises(UnavailableError):
        await asyncio.wait_for(connecting, BOUND_S)
    assert shown() == []


async def test_events_that_a_slow_handler_loses_are_counted(nats_buses: OnNats, measured: Measured) -> None:
    store, gateway = await nats_buses.of("todo-store"), await nats_buses.of("rtc-gateway")
    release, told = asyncio.Event(), asyncio.Event()

    async def slow(_: Event) -> None:
        await release.wait()

    subscription = await gateway.subscribe(subjects.todo_changed(OWNER), slow, on_loss=told.set)
    for n in range(PENDING_EVENTS + 100):
        await store.publish(subjects.todo_changed(OWNER), Number(n=n))
    await asyncio.wait_for(told.wait(), BOUND_S)
    release.set()

    assert measured(metrics.BUS_SLOW) >= 1
    await subscription.close()


async def test_a_publish_that_the_bus_does_not_permit_is_counted(nats_buses: OnNats, measured: Measured) -> None:
    signaling = await nats_buses.of("signaling")
    await signaling.publish(subjects.todo_changed(OWNER), Number(n=1))
    await signaling._client.flush()
    await signaling._client.flush()

    assert measured(metrics.BUS_FORBIDDEN) == 1
