"""What is acknowledged stays: a full stream refuses, a repeat is known at any age, a killed leader loses nothing."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from nats.aio.client import Client

from bus.errors import BusError, RemoteError
from bus.interface import Job
from bus.nats_bus import BusSettings, NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.message import ErrorCode, Message
from local_stack.cluster import running_cluster
from local_stack.temporary import running_again, running_nats, temporary_directory
from provision.topology import stream_configuration

BOUND_S = 30
CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))
CHAT = next(stream for stream in streams.STREAMS if stream.name == streams.CHAT)
SESSIONS, TURNS = 20, 15


class Text(Message):
    text: str


async def api(settings: BusSettings, call: str, body: dict[str, Any]) -> dict[str, Any]:
    client = Client()
    await client.connect(
        settings.url.split(","), user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix
    )
    try:
        answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=5)
    finally:
        await client.close()
    found: dict[str, Any] = json.loads(answer.data)
    assert "error" not in found, found
    return found


async def test_a_full_stream_refuses_and_never_lets_go_of_what_it_has() -> None:
    with temporary_directory() as directory:
        async with running_nats(directory) as server:
            topology = server.bus_settings("topology")
            tiny = stream_configuration(replace(CHAT, max_bytes=4096))
            await api(topology, f"STREAM.UPDATE.{streams.CHAT}", tiny)
            async with NatsBus.connected_to(server.bus_settings("rtc-gateway")) as gateway:
                kept = 0

                async def fill() -> None:
                    nonlocal kept
                    for n in range(20):
                        await gateway.store(subjects.turn_started("s", f"t{n}"), Text(text="x" * 500))
                        kept += 1

                with pytest.raises(RemoteError) as refused:
                    await fill()
                assert refused.value.problem.code is ErrorCode.OVERLOADED
                # A repeat takes no room, so even a full stream says that it has it.
                assert (await gateway.store(subjects.turn_started("s", "t0"), Text(text="again"))).repeated
            state = (await api(topology, f"STREAM.INFO.{streams.CHAT}", {}))["state"]
    assert kept > 3
    assert (state["messages"], state["first_seq"]) == (kept, 1)


async def test_a_repeated_start_or_completion_is_known_after_its_work_and_a_restart() -> None:
    started, completed = subjects.turn_started("s", "t"), subjects.turn_completed("s", "t")
    done = asyncio.Event()

    async def handler(_: Job) -> None:
        done.set()

    with temporary_directory() as directory:
        async with running_nats(directory) as server:
            async with (
                NatsBus.connected_to(server.bus_settings("rtc-gateway")) as gateway,
                NatsBus.connected_to(server.bus_settings("agent")) as agent,
            ):
                work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=1, hints=subjects.LIVE_JOBS)
                await gateway.store(started, Text(text="first"))
                await asyncio.wait_for(done.wait(), BOUND_S)
                await work.close()
                await agent.store(completed, Text(text="first"))
            server.child.kill()
            await server.child.wait()
            # Nothing that a server only remembers is left: no window of ids, no cache.
            async with running_again(server, directory) as again:
                async with (
                    NatsBus.connected_to(again.bus_settings("rtc-gateway")) as gateway,
                    NatsBus.connected_to(again.bus_settings("agent")) as agent,
                ):
                    assert (await gateway.store(started, Text(text="second"))).repeated
                    assert (await agent.store(completed, Text(text="second"))).repeated
                state = (await api(again.bus_settings("topology"), f"STREAM.INFO.{streams.CHAT}", {}))["state"]
    assert (state["messages"], state["last_seq"]) == (2, 2)


async def insisting(store: Callable[[], Awaitable[Any]]) -> None:
    """Store until it is acknowledged, as a gateway's client does."""
    for _ in range(300):
        try:
            await store()
        except BusError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("never acknowledged")


@pytest.mark.long
async def test_a_killed_leader_of_three_loses_no_acknowledged_message_and_no_job() -> None:
    handled: Counter[str] = Counter()
    all_handled = asyncio.Event()

    async def handler(job: Job) -> None:
        handled[job.subject.split(".", 3)[3]] += 1
        if len(handled) == SESSIONS * TURNS:
            all_handled.set()

    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(running_cluster(stack.enter_context(temporary_directory())))
        topology = cluster.bus_settings("topology")
        connect = NatsBus.connected_to
        gateway = await stack.enter_async_context(connect(cluster.bus_settings("rtc-gateway")))
        agents = [await stack.enter_async_context(connect(cluster.bus_settings("agent"))) for _ in range(2)]
        works = [
            await agent.work(streams.CHAT, CONSUMERS, handler, slots=4, hints=subjects.LIVE_JOBS) for agent in agents
        ]
        half = asyncio.Event()
        acknowledged = 0

        async def session(name: str) -> None:
            nonlocal acknowledged
            for n in range(TURNS):
                subject = subjects.turn_started(name, f"t{n:02d}")
                await insisting(lambda subject=subject: gateway.store(subject, Text(text="x")))
                acknowledged += 1
                if acknowledged == SESSIONS * TURNS // 2:
                    half.set()

        storing = asyncio.gather(*(session(f"s{n:02d}") for n in range(SESSIONS)))
        await asyncio.wait_for(half.wait(), BOUND_S)
        info = await api(topology, f"STREAM.INFO.{streams.CHAT}", {})
        assert info["config"]["num_replicas"] == 3
        leader = cluster.servers[info["cluster"]["leader"]].child
        leader.kill()
        await asyncio.wait_for(leader.wait(), BOUND_S)
        assert not storing.done()
        await asyncio.wait_for(storing, 2 * BOUND_S)
        await asyncio.wait_for(all_handled.wait(), 2 * BOUND_S)
        for work in works:
            await work.close()
        after = await api(topology, f"STREAM.INFO.{streams.CHAT}", {})
        assert (await gateway.store(subjects.turn_started("s00", "t00"), Text(text="again"))).repeated

    assert after["cluster"]["leader"] != info["cluster"]["leader"]  # the kill was felt
    assert after["state"]["messages"] == SESSIONS * TURNS
    assert len(handled) == SESSIONS * TURNS
    # A job in hand, or its ack on the way, when the leader died comes again; a partition has one of those at a time.
    twice = [turn for turn, count in handled.items() if count > 1]
    assert max(handled.values()) <= 2
    assert len({turn.split(".")[0] for turn in twice}) == len(twice)
