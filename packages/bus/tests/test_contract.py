"""The contract of a bus, over the real one and over the one in memory: requests and events.

On the real one each service is its own user, with the permissions that it has in production.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from bus.errors import BusError, NoReplyError, Refusal, RemoteError, UnavailableError
from bus.interface import STRETCH_MAX_BYTES, Event, Stretch
from contracts import streams, subjects
from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.message import ErrorCode, Message, Problem
from contracts.store import SnapshotPart, SnapshotRequest

from .two_buses import BOUND_S, OWNER, Buses, Number, OnNats


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


async def test_a_request_that_waited_longer_than_its_caller_is_not_carried_out(buses: Buses) -> None:
    seen: list[int] = []
    all_busy, release = asyncio.Event(), asyncio.Event()

    async def handler(asked: Number) -> Number:
        seen.append(asked.n)
        if len(seen) == 64:
            all_busy.set()
        await release.wait()
        return asked

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    # As many as are served at once, so that the next has to wait until it is late.
    busy = [
        asyncio.ensure_future(gateway.request(subjects.OPS_RUN, Number(n=0), Number, timeout=30)) for _ in range(64)
    ]
    await asyncio.wait_for(all_busy.wait(), BOUND_S)
    with pytest.raises(NoReplyError):
        await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=0.05)
    release.set()
    await asyncio.gather(*busy)
    await gateway.request(subjects.OPS_RUN, Number(n=2), Number, timeout=BOUND_S)
    assert sorted(seen) == [0] * 64 + [2]
    await served.close()


async def test_one_of_a_queue_group_answers_and_everyone_without_a_group_hears(buses: Buses) -> None:
    heard: list[str] = []

    def noting(name: str):  # type: ignore[no-untyped-def]
        async def handler(asked: Number) -> Number:
            heard.append(name)
            return asked

        return handler

    first, second = await buses.of("agent"), await buses.another("agent")
    gateway = await buses.of("rtc-gateway")
    served = [
        await bus.serve(subjects.OPS_RUN, Number, noting(name), queue=subjects.QUEUE_OPS)
        for name, bus in (("first", first), ("second", second))
    ]
    for n in range(20):
        await gateway.request(subjects.OPS_RUN, Number(n=n), Number, timeout=BOUND_S)
    assert len(heard) == 20
    assert set(heard) == {"first", "second"}  # by chance all of one in a run out of 500,000
    for one in served:
        await one.close()


async def test_a_closed_endpoint_answers_what_it_has_and_is_gone(buses: Buses) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def handler(asked: Number) -> Number:
        began.set()
        await go_on.wait()
        return asked

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    asked = asyncio.ensure_future(gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=BOUND_S))
    await began.wait()
    closing = asyncio.ensure_future(served.close())
    go_on.set()
    assert (await asked).n == 1
    await asyncio.wait_for(closing, BOUND_S)
    with pytest.raises(UnavailableError):
        await gateway.request(subjects.OPS_RUN, Number(n=2), Number, timeout=BOUND_S)


async def test_what_another_service_lacks_reaches_the_caller_as_it_is(buses: Buses) -> None:
    async def handler(_: Number) -> Number:
        raise UnavailableError("the store is away")

    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    with pytest.raises(BusError) as caught:
        await gateway.request(subjects.OPS_RUN, Number(n=1), Number, timeout=BOUND_S)
    assert (caught.value.problem.code, caught.value.problem.detail) == (ErrorCode.UNAVAILABLE, "the store is away")
    await served.close()


async def test_events_reach_a_subscription_in_order_one_at_a_time_until_it_is_closed(buses: Buses) -> None:
    seen: list[int] = []
    at_once = 0
    done = asyncio.Event()

    async def handler(event: Event) -> None:
        nonlocal at_once
        at_once += 1
        assert at_once == 1
        await asyncio.sleep(0)
        at_once -= 1
        seen.append(Number.from_json(event.data).n)
        if seen[-1] == 99:
            done.set()

    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    subscription = await gateway.subscribe(subjects.todo_changed(OWNER), handler)
    for n in range(100):
        await store.publish(subjects.todo_changed(OWNER), Number(n=n))
    await asyncio.wait_for(done.wait(), BOUND_S)
    await subscription.close()

    again: asyncio.Queue[Event] = asyncio.Queue()
    second = await gateway.subscribe(subjects.todo_changed(OWNER), again.put)
    await store.publish(subjects.todo_changed(OWNER), Number(n=100))
    await asyncio.wait_for(again.get(), BOUND_S)
    assert seen == list(range(100))
    await second.close()


async def test_what_a_stream_holds_on_a_subject_can_be_read_or_is_known_to_be_missing(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    subject = subjects.turn_completed(f"s-{uuid4().hex}", "t1")
    assert await gateway.stored(streams.CHAT, subject) is None
    kept = await agent.store(subject, Number(n=5))
    found = await gateway.stored(streams.CHAT, subject)
    assert found is not None
    assert (found.subject, found.sequence, Number.from_json(found.data)) == (subject, kept.sequence, Number(n=5))


async def test_the_last_message_of_many_subjects_is_the_newest_of_them(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    session = f"s-{uuid4().hex}"
    assert await gateway.stored(streams.CHAT, subjects.completed_of_session(session)) is None
    kept = [await agent.store(subjects.turn_completed(session, turn), Number(n=n)) for n, turn in enumerate("abc")]
    found = await gateway.stored(streams.CHAT, subjects.completed_of_session(session))
    assert found is not None
    assert (found.subject, found.sequence) == (subjects.turn_completed(session, "c"), kept[-1].sequence)


async def test_a_stretch_is_read_at_once_and_says_how_much_is_behind_it(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    session = f"s-{uuid4().hex}"
    subject = subjects.starts_of_session(session)
    assert await gateway.stretch(streams.CHAT, subject, limit=5) == Stretch()
    kept = [(await gateway.store(subjects.turn_started(session, f"t{n}"), Number(n=n))).sequence or 0 for n in range(8)]
    await agent.store(subjects.turn_completed(session, "t0"), Number(n=99))
    await gateway.store(subjects.turn_started(f"{session}-other", "t0"), Number(n=99))

    async def read(behind: int, limit: int) -> tuple[list[int], list[int | None], int]:
        found = await gateway.stretch(streams.CHAT, subject, behind=behind, limit=limit)
        assert all(event.at is not None for event in found.events)
        numbers = [Number.from_json(event.data).n for event in found.events]
        return numbers, [event.sequence for event in found.events], found.rest

    assert await read(0, 3) == ([0, 1, 2], kept[:3], 5)
    assert await read(kept[2], 1) == ([3], [kept[3]], 4)
    assert await read(kept[4], 5) == ([5, 6, 7], kept[5:], 0)
    assert await read(kept[7], 5) == ([], [], 0)


async def test_a_stretch_of_large_messages_ends_early_and_goes_on_where_it_ended(buses: Buses) -> None:
    class Large(Message):
        text: str

    gateway = await buses.of("rtc-gateway")
    session = f"s-{uuid4().hex}"
    subject = subjects.starts_of_session(session)
    each = BUS_PAYLOAD_MAX_BYTES - 10_000
    for n in range(7):
        await gateway.store(subjects.turn_started(session, f"t{n}"), Large(text="x" * each))
    found = await gateway.stretch(streams.CHAT, subject, limit=7)
    assert STRETCH_MAX_BYTES // BUS_PAYLOAD_MAX_BYTES <= len(found.events) < 7
    assert found.rest == 7 - len(found.events)
    behind = found.events[-1].sequence or 0
    assert len((await gateway.stretch(streams.CHAT, subject, behind=behind, limit=7)).events) == found.rest


async def test_a_stretch_that_cannot_be_read_is_told_as_such(nats_buses: OnNats) -> None:
    gateway = await nats_buses.of("rtc-gateway")
    with pytest.raises(RemoteError) as refused:
        await gateway.stretch(streams.CHAT, subjects.starts_of_session("s"), behind=-9, limit=5)
    assert refused.value.problem.code is ErrorCode.OVERLOADED


async def test_of_two_who_replace_the_same_message_one_does_and_the_other_is_told(buses: Buses) -> None:
    signaling = await buses.of("signaling")
    subject = subjects.session_record(f"s-{uuid4()}")
    assert await signaling.stored(streams.SESSIONS, subject) is None
    first = await signaling.replace(subject, Number(n=1), seen=0)
    assert first is not None
    assert await signaling.replace(subject, Number(n=2), seen=0) is None
    replaced = await asyncio.gather(*(signaling.replace(subject, Number(n=n), seen=first) for n in (3, 4)))
    assert [sequence is None for sequence in replaced].count(True) == 1
    kept = await signaling.stored(streams.SESSIONS, subject)
    assert kept is not None
    assert kept.sequence == max(sequence or 0 for sequence in replaced)
    assert Number.from_json(kept.data).n in {3, 4}
