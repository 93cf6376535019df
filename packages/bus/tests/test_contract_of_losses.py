"""The contract of a bus, over the real one and over the one in memory: who subscribed hears that events may be lost."""

import asyncio

from bus.interface import PENDING_EVENTS, Event
from contracts import subjects

from .two_buses import BOUND_S, OWNER, Buses, Number


async def test_a_slow_handler_is_told_that_events_were_lost_and_hears_what_comes_later(buses: Buses) -> None:
    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    release, told, last_seen = asyncio.Event(), asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def slow(event: Event) -> None:
        await release.wait()
        seen.append(Number.from_json(event.data).n)
        if seen[-1] == -1:
            last_seen.set()

    subscription = await gateway.subscribe(subjects.todo_changed(OWNER), slow, on_loss=told.set)
    too_many = PENDING_EVENTS + 100
    for n in range(too_many):
        await store.publish(subjects.todo_changed(OWNER), Number(n=n))
    async with asyncio.timeout(BOUND_S):
        await told.wait()
        release.set()
        while not last_seen.is_set():  # until there is room for it
            await store.publish(subjects.todo_changed(OWNER), Number(n=-1))
            await asyncio.sleep(0)
    kept = [n for n in seen if n >= 0]
    assert kept == sorted(kept)
    assert len(kept) < too_many
    await subscription.close()


async def test_after_an_outage_whoever_subscribed_is_told_once_what_is_sent_arrives_again(buses: Buses) -> None:
    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    told: asyncio.Queue[None] = asyncio.Queue()
    closed_told: list[None] = []
    seen: asyncio.Queue[Event] = asyncio.Queue()

    def on_loss() -> None:
        told.put_nowait(None)
        raise RuntimeError("what a handler does wrong must not silence the bus")

    failing = await gateway.subscribe(subjects.todo_changed(OWNER), seen.put, on_loss=on_loss)
    closed = await gateway.subscribe(subjects.todo_changed(OWNER), seen.put, on_loss=lambda: closed_told.append(None))
    await closed.close()
    for n in range(2):
        assert told.empty()
        await buses.interrupt("rtc-gateway")
        async with asyncio.timeout(BOUND_S):
            await told.get()
        await store.publish(subjects.todo_changed(OWNER), Number(n=n))
        event = await asyncio.wait_for(seen.get(), BOUND_S)
        assert Number.from_json(event.data).n == n
    assert closed_told == []
    await failing.close()


async def test_nobody_is_told_of_a_loss_where_nothing_is_lost(buses: Buses) -> None:
    store, gateway = await buses.of("todo-store"), await buses.of("rtc-gateway")
    told: list[None] = []
    seen: asyncio.Queue[Event] = asyncio.Queue()
    subscription = await gateway.subscribe(subjects.todo_changed(OWNER), seen.put, on_loss=lambda: told.append(None))
    for n in range(PENDING_EVENTS // 2):
        await store.publish(subjects.todo_changed(OWNER), Number(n=n))
    async with asyncio.timeout(BOUND_S):
        for _ in range(PENDING_EVENTS // 2):
            await seen.get()
    assert told == []
    await subscription.close()
