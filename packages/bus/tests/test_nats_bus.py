"""The bus on a real NATS, each service as its own user: what a request, an event, a store and a job come to."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from bus import headers
from bus.errors import (
    BusPermissionError,
    NoReplyError,
    Refusal,
    RemoteError,
    RetryLater,
    TooLargeError,
    UnavailableError,
)
from bus.interface import Event, Job
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import BUS_PAYLOAD_MAX_BYTES, PARTITIONS
from contracts.message import ErrorCode, Message, Problem
from contracts.store import SnapshotPart, SnapshotRequest
from contracts.turns import Phase, TurnPhase

OWNER = "b" * 26
BOUND_S = 10


class Number(Message):
    n: int


class Buses:
    """One connection a user, made when first asked for."""

    def __init__(self, server: "RunningNats", stack: AsyncExitStack) -> None:  # noqa: F821 - a fixture's type
        self._server = server
        self._stack = stack
        self._made: dict[str, NatsBus] = {}

    async def of(self, user: str) -> NatsBus:
        if user not in self._made:
            settings = self._server.bus_settings(user)
            self._made[user] = await self._stack.enter_async_context(NatsBus.connected_to(settings))
        return self._made[user]


@pytest.fixture
async def buses(nats_server) -> AsyncIterator[Buses]:  # type: ignore[no-untyped-def]
    async with AsyncExitStack() as stack:
        yield Buses(nats_server, stack)


async def test_requests_are_served_concurrently_although_callbacks_are_serial(buses: Buses) -> None:
    all_here = asyncio.Barrier(5)

    async def handler(asked: Number) -> Number:
        await all_here.wait()  # nobody is answered until five are being served at once
        return Number(n=asked.n + 1)

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    asked = (gateway.request(subjects.OPS_RUN, Number(n=n), Number, timeout=BOUND_S) for n in range(5))
    assert [answer.n for answer in await asyncio.gather(*asked)] == [1, 2, 3, 4, 5]
    await served.close()


async def test_a_refusal_arrives_as_it_was_raised_and_a_fault_without_its_text(buses: Buses) -> None:
    async def handler(asked: Number) -> Number:
        if asked.n:
            raise Refusal(Problem(code=ErrorCode.NOT_FOUND, detail="no such thing", field="n"))
        raise RuntimeError("password=hunter2")

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    with pytest.raises(RemoteError) as refused:
        await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=BOUND_S)
    assert refused.value.problem.field == "n"
    with pytest.raises(RemoteError) as failed:
        await gateway.request(subjects.OPS_RUN, Number(n=0), Number, timeout=BOUND_S)
    assert failed.value.problem.code is ErrorCode.INTERNAL
    assert failed.value.problem.error_id
    assert "hunter2" not in failed.value.problem.model_dump_json()
    await served.close()


async def test_a_malformed_request_is_refused_by_field(buses: Buses) -> None:
    class Text(Message):
        n: str

    async def handler(asked: Number) -> Number:
        return asked

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    with pytest.raises(RemoteError) as refused:
        await gateway.request(subjects.OPS_RUN, Text(n="many"), Number, timeout=BOUND_S)
    assert (refused.value.problem.code, refused.value.problem.field) == (ErrorCode.INVALID, "n")
    await served.close()


async def test_nobody_serving_is_told_at_once_and_silence_as_not_known(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    started = time.monotonic()
    with pytest.raises(UnavailableError):
        await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=BOUND_S)
    assert time.monotonic() - started < BOUND_S / 2

    release = asyncio.Event()

    async def handler(asked: Number) -> Number:
        await release.wait()
        return asked

    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    with pytest.raises(NoReplyError):
        await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=0.05)
    release.set()
    await served.close()


async def test_a_request_that_nobody_waits_for_any_more_is_not_carried_out(buses: Buses) -> None:
    seen: list[int] = []

    async def handler(asked: Number) -> Number:
        seen.append(asked.n)
        return asked

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    late = {headers.DEADLINE: str(int(time.time() * 1000) - 1)}
    await gateway._client.publish(
        subjects.OPS_RUN, Number(n=1).to_json(), reply=gateway._client.new_inbox(), headers=late
    )
    await gateway.request(subjects.OPS_RUN, Number(n=2), Number, timeout=BOUND_S)
    assert seen == [2]
    await served.close()


async def test_a_series_arrives_whole_in_order_and_an_empty_one_ends(buses: Buses) -> None:
    async def handler(asked: SnapshotRequest) -> AsyncIterator[Message]:
        for revision in range(asked.journal_since or 0):
            yield SnapshotPart(revision=revision)

    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    served = await store.serve_many(subjects.TODO_SNAPSHOT, SnapshotRequest, handler, queue=subjects.QUEUE_TODO)
    for count in (0, 1, 500):
        request = SnapshotRequest(owner=OWNER, journal_since=count)
        parts = gateway.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=BOUND_S)
        assert [part.revision async for part in parts] == list(range(count))
    await served.close()


async def test_a_series_that_is_refused_midway_raises(buses: Buses) -> None:
    async def handler(_: SnapshotRequest) -> AsyncIterator[Message]:
        yield SnapshotPart(revision=1)
        yield SnapshotPart(revision=1)
        raise Refusal(Problem(code=ErrorCode.UNAVAILABLE, detail="the database went away"))

    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    served = await store.serve_many(subjects.TODO_SNAPSHOT, SnapshotRequest, handler, queue=subjects.QUEUE_TODO)
    request = SnapshotRequest(owner=OWNER)
    parts = gateway.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=BOUND_S)
    with pytest.raises(RemoteError):
        _ = [part async for part in parts]
    await served.close()


async def test_a_repeated_start_is_known_to_the_stream_and_kept_as_it_was(buses: Buses) -> None:
    gateway = await buses.of("rtc-gateway")
    subject = subjects.turn_started("dup", uuid4().hex)
    first, again = await gateway.store(subject, Number(n=1)), await gateway.store(subject, Number(n=2))
    assert not first.repeated
    assert first.sequence is not None
    assert again.repeated


async def test_what_a_stream_holds_on_a_subject_can_be_read_or_is_known_to_be_missing(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    subject = subjects.turn_completed(f"s-{uuid4().hex}", "t1")
    assert await gateway.stored(streams.CHAT, subject) is None
    kept = await agent.store(subject, Number(n=5))
    found = await gateway.stored(streams.CHAT, subject)
    assert found is not None
    assert (found.subject, found.sequence, Number.from_json(found.data)) == (subject, kept.sequence, Number(n=5))


async def test_what_is_stored_comes_live_with_its_sequence(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    arrived: asyncio.Queue[Event] = asyncio.Queue()
    session, turn = uuid4().hex, uuid4().hex
    subscription = await gateway.subscribe(subjects.live_of_session(session), arrived.put)
    phase = TurnPhase(session=session, turn_id=turn, phase=Phase.PLAN, attempt=1, elapsed_ms=0)
    await agent.publish(subjects.turn_phase(session, turn, "plan"), phase)
    stored = await agent.store(subjects.turn_completed(session, turn), Number(n=1))
    events = [await asyncio.wait_for(arrived.get(), BOUND_S) for _ in range(2)]
    completed = next(event for event in events if event.subject.endswith(".completed"))
    assert completed.sequence == stored.sequence
    assert all(event.sequence for event in events)
    await subscription.close()


async def test_an_event_handler_that_raises_loses_only_its_event(buses: Buses) -> None:
    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    arrived: asyncio.Queue[Event] = asyncio.Queue()

    async def handler(event: Event) -> None:
        if b"999" in event.data:
            raise RuntimeError
        await arrived.put(event)

    subscription = await gateway.subscribe(subjects.todo_changed(OWNER), handler)
    for n in (999, 1):
        await store.publish(subjects.todo_changed(OWNER), Number(n=n))
    assert b"1" in (await asyncio.wait_for(arrived.get(), BOUND_S)).data
    await subscription.close()


async def test_a_subscription_that_permissions_forbid_stops_the_service(buses: Buses) -> None:
    signaling = await buses.of("signaling")

    async def never(_: Event) -> None:
        raise AssertionError

    with pytest.raises(BusPermissionError):
        await signaling.subscribe(subjects.todo_changed(OWNER), never)
    with pytest.raises(BusPermissionError):
        await signaling.serve(subjects.TODO_APPLY, Number, never, queue="todo")  # type: ignore[arg-type]


async def test_a_request_that_permissions_forbid_is_never_heard(buses: Buses) -> None:
    signaling, store = await buses.of("signaling"), await buses.of("todo-store")
    heard: list[Number] = []

    async def handler(asked: Number) -> Number:
        heard.append(asked)
        return asked

    served = await store.serve(subjects.TODO_APPLY, Number, handler, queue=subjects.QUEUE_TODO)
    with pytest.raises(NoReplyError):
        await signaling.request(subjects.TODO_APPLY, Number(n=1), Number, timeout=0.2)
    assert heard == []
    await served.close()


async def test_replies_carry_none_of_the_requests_headers(buses: Buses) -> None:
    async def handler(asked: Number) -> Number:
        return asked

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    sent = {"X-Secret": "s", headers.DEADLINE: str(int(time.time() * 1000) + 5000)}
    answer = await gateway._client.request(subjects.OPS_RUN, Number(n=1).to_json(), timeout=BOUND_S, headers=sent)
    assert set(answer.headers or {}) == {headers.LAST}
    await served.close()


class Working:
    """Collects the jobs that two agents' workers handle, and lets a test decide what becomes of each."""

    def __init__(self) -> None:
        self.handled: list[tuple[str, Job]] = []
        self.changed = asyncio.Condition()

    async def note(self, who: str, job: Job) -> None:
        async with self.changed:
            self.handled.append((who, job))
            self.changed.notify_all()

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: len(self.handled) >= wanted)


CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))


async def test_two_agents_share_jobs_each_once_and_each_session_in_order(buses: Buses, nats_server) -> None:  # type: ignore[no-untyped-def]
    gateway, first = await buses.of("rtc-gateway"), await buses.of("agent")
    working = Working()
    sessions = [uuid4().hex for _ in range(6)]
    async with NatsBus.connected_to(nats_server.bus_settings("agent")) as second:
        running = [
            await agent.work(
                streams.CHAT, CONSUMERS, lambda job, who=who: working.note(who, job), slots=3, hints=subjects.LIVE_JOBS
            )
            for who, agent in (("first", first), ("second", second))
        ]
        before = len(working.handled)
        for n in range(48):
            await gateway.store(subjects.turn_started(sessions[n % 6], f"turn{n:02d}"), Number(n=n))

        def ours() -> list[Job]:
            return [job for _, job in working.handled if job.subject.split(".")[3] in sessions]

        async with asyncio.timeout(30), working.changed:
            await working.changed.wait_for(lambda: len(ours()) >= 48)
        for work in running:
            await work.close()
    assert before <= len(working.handled)
    turns = [(job.subject.split(".")[3], job.subject.split(".")[4]) for job in ours()]
    assert len(turns) == len(set(turns)) == 48
    for session in sessions:
        mine = [turn for owner, turn in turns if owner == session]
        assert mine == sorted(mine)


async def test_a_job_given_back_comes_again_and_keeps_its_place(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    working, session = Working(), uuid4().hex
    refused: set[str] = set()

    async def handler(job: Job) -> None:
        if session in job.subject and not refused:
            refused.add(job.subject)
            raise RetryLater("not now", 0.05)
        await working.note("agent", job)

    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    for n in range(3):
        await gateway.store(subjects.turn_started(session, f"turn{n}"), Number(n=n))
    mine: list[Job] = []
    async with asyncio.timeout(30), working.changed:
        await working.changed.wait_for(lambda: len([job for _, job in working.handled if session in job.subject]) == 3)
    mine = [job for _, job in working.handled if session in job.subject]
    assert [job.subject.rsplit(".", 1)[1] for job in mine] == ["turn0", "turn1", "turn2"]
    assert [job.deliveries for job in mine] == [2, 1, 1]
    await work.close()


async def test_closing_waits_for_the_job_in_hand_and_acks_it(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    session, began, go_on = uuid4().hex, asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def handler(job: Job) -> None:
        if session in job.subject:
            began.set()
            await go_on.wait()
            finished.append(job.subject)

    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    await gateway.store(subjects.turn_started(session, "turn"), Number(n=1))
    await asyncio.wait_for(began.wait(), BOUND_S)
    closing = asyncio.create_task(work.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await asyncio.wait_for(closing, BOUND_S)
    assert len(finished) == 1


async def test_what_does_not_fit_on_the_bus_is_not_called_an_outage(buses: Buses) -> None:
    class Text(Message):
        text: str

    agent = await buses.of("agent")
    with pytest.raises(TooLargeError) as caught:
        await agent.store(subjects.turn_completed("big", uuid4().hex), Text(text="x" * BUS_PAYLOAD_MAX_BYTES))
    assert not caught.value.passing
    assert UnavailableError("away").passing
