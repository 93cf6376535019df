"""A start that its consumer has lost is found and answered, once; one that waits or is in hand is left alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from nats.aio.client import Client
from real import BOUND_S, Agent, Asked, Gate, Stage, store_served
from tests.telemetry.measured import Measured

from agent import sweeping
from agent.sweeping import Sweeper
from bus.interface import Job
from bus.memory_streams import partition_of
from contracts import metrics, streams, subjects
from contracts.tokens import new_session_id
from contracts.turns import Outcome, TurnCompleted, Verdict
from local_stack.temporary import RunningNats, running_nats, temporary_directory

MAKE = {"op": "create_list", "text": "Groceries"}
WORDS = "create a list called Groceries"


@pytest.fixture(scope="module")
async def nats(database_url: str) -> AsyncIterator[RunningNats]:
    """A bus of this module's own, whose consumers it may lose."""
    with temporary_directory() as directory:
        async with running_nats(directory) as server, store_served(database_url, server):
            yield server


@pytest.fixture
async def stage(nats: RunningNats) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await Stage(nats, stack).begin()


def sweeper_of(agent: Agent, older_than_s: float = 0.0) -> Sweeper:
    return Sweeper(agent.bus, agent.handle, older_than_s=older_than_s)


async def swept(*sweepers: Sweeper) -> int:
    """Two sweeps of each, since the first only suspects; how many turns they ended."""
    assert [await sweeper.sweep() for sweeper in sweepers] == [0] * len(sweepers)
    return sum(await asyncio.wait_for(asyncio.gather(*(sweeper.sweep() for sweeper in sweepers)), BOUND_S))


async def settled(agent: Agent, asked: Asked) -> None:
    """Wait until the turn's consumer is done with it."""
    consumer = streams.partition_consumer(partition_of(asked.session))
    async with asyncio.timeout(BOUND_S):
        # Nobody tells of an ack's arrival.
        while (await agent.bus.settled(streams.CHAT, consumer) or 0) < (asked.stored.sequence or 0):  # noqa: ASYNC110
            await asyncio.sleep(0)


async def acked_without_an_answer(stage: Stage, agent: Agent, asked: Asked) -> None:
    """As by a bug in a worker."""

    async def nothing(_: Job) -> None:
        return

    async with stage.acking(agent, nothing):
        await settled(agent, asked)


async def outcome(stage: Stage, asked: Asked) -> TurnCompleted:
    completed = await stage.outcome(asked)
    assert completed is not None
    return completed


async def changes(agent: Agent, asked: Asked) -> tuple[int, list[str]]:
    """How often anything was changed for this turn's owner, and the lists there are."""
    snapshot = await agent.store.snapshot(asked.owner)
    return snapshot.revision, [row.name for row in snapshot.lists]


async def test_a_start_that_was_acked_without_an_answer_is_answered_once(stage: Stage, measured: Measured) -> None:
    agent = await stage.agent(MAKE)
    asked = await stage.ask(WORDS)
    await acked_without_an_answer(stage, agent, asked)
    sweeper = sweeper_of(agent)
    assert await swept(sweeper) == 1
    completed = await outcome(stage, asked)
    assert (completed.outcome, completed.receipt.attempt) == (Outcome.CONFIRMED, 2)
    assert await swept(sweeper, sweeper_of(agent)) == 0
    assert (await changes(agent, asked), agent.model.calls) == ((1, ["Groceries"]), 1)
    assert measured(metrics.SWEPT, {"result": "ended"}) == measured(metrics.SWEPT) == 1


async def test_a_start_that_was_lost_after_its_effect_is_confirmed_and_not_done_again(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    gate = agent.store.after_apply = Gate()

    async def dies_after_the_apply(job: Job) -> None:
        handling = asyncio.create_task(agent.turns.handle(job))
        await gate.reached.wait()
        handling.cancel()
        await asyncio.gather(handling, return_exceptions=True)

    async with stage.acking(agent, dies_after_the_apply):
        asked = await stage.ask(WORDS)
        await settled(agent, asked)
    assert await stage.outcome(asked) is None
    assert await swept(sweeper_of(agent)) == 1
    completed = await outcome(stage, asked)
    assert (completed.outcome, completed.receipt.verdict) == (Outcome.CONFIRMED, Verdict.CONFIRMED)
    assert (await changes(agent, asked), agent.model.calls) == ((1, ["Groceries"]), 1)


async def test_a_start_that_its_consumer_was_made_anew_behind_is_answered(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    asked = await stage.ask(WORDS)
    await made_anew_for_new_messages_only(stage.nats, partition_of(asked.session))
    assert await swept(sweeper_of(agent)) == 1
    assert (await outcome(stage, asked)).outcome is Outcome.CONFIRMED


async def made_anew_for_new_messages_only(nats: RunningNats, partition: int) -> None:
    settings = nats.bus_settings("topology")
    client = Client()
    await client.connect(
        settings.url, user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix
    )
    name = streams.partition_consumer(partition)
    configuration = {
        "name": name,
        "durable_name": name,
        "filter_subject": subjects.jobs(partition),
        "deliver_policy": "new",
        "ack_policy": "explicit",
        "max_ack_pending": 1,
    }
    asked = {
        f"CONSUMER.DELETE.CHAT.{name}": {},
        f"CONSUMER.DURABLE.CREATE.CHAT.{name}": {"stream_name": "CHAT", "config": configuration},
    }
    for call, body in asked.items():
        answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=BOUND_S)
        assert "error" not in json.loads(answer.data)
    await client.close()


@pytest.mark.parametrize("sealed_first", [True, False])
async def test_two_sweepers_at_once_answer_a_lost_start_once_with_what_was_done(
    stage: Stage, sealed_first: bool
) -> None:
    sealed, newest = [await stage.agent(MAKE) for _ in range(2)]
    asked = await stage.ask(WORDS)
    await acked_without_an_answer(stage, sealed, asked)
    sweepers = [sweeper_of(agent) for agent in (sealed, newest)]
    assert [await sweeper.sweep() for sweeper in sweepers] == [0, 0]
    sweeps, gates = [], []
    for agent, sweeper in zip((sealed, newest), sweepers, strict=True):
        # Both take it over and plan, one after the other; so the first one is sealed off.
        gates.append(Gate())
        agent.store.before_apply = gates[-1]
        sweeps.append(asyncio.create_task(sweeper.sweep()))
        await asyncio.wait_for(gates[-1].reached.wait(), BOUND_S)
    applied = newest.store.after_apply = Gate()
    if not sealed_first:
        gates[1].open.set()
        await asyncio.wait_for(applied.reached.wait(), BOUND_S)
    gates[0].open.set()
    assert await asyncio.wait_for(sweeps[0], BOUND_S) == 0
    assert await stage.outcome(asked) is None
    applied.open.set()
    gates[1].open.set()
    assert await asyncio.wait_for(sweeps[1], BOUND_S) == 1
    assert (await outcome(stage, asked)).outcome is Outcome.CONFIRMED
    assert await changes(newest, asked) == (1, ["Groceries"])
    assert [await sweeper.sweep() for sweeper in sweepers] == [0, 0]


async def test_starts_that_wait_or_are_in_hand_are_left_alone(stage: Stage) -> None:
    working, sweeping_one = await stage.agent(MAKE), await stage.agent(MAKE)
    gate = working.model.gate = Gate()
    session = new_session_id()
    in_hand, waiting = [await stage.ask(WORDS, session=session) for _ in range(2)]
    await stage.working(working)
    await asyncio.wait_for(gate.reached.wait(), BOUND_S)
    assert await swept(sweeper_of(sweeping_one)) == 0
    assert (sweeping_one.model.calls, await stage.outcome(in_hand), await stage.outcome(waiting)) == (0, None, None)
    gate.open.set()
    for asked in (in_hand, waiting):
        assert await asyncio.wait_for(working.handled.get(), BOUND_S) == asked.turn
        assert (await outcome(stage, asked)).receipt.attempt == 1


async def test_a_young_start_is_not_taken_for_lost_yet(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    asked = await stage.ask(WORDS)
    await acked_without_an_answer(stage, agent, asked)
    assert await swept(sweeper_of(agent, older_than_s=3600)) == 0
    assert await stage.outcome(asked) is None
    assert await swept(sweeper_of(agent)) == 1


async def test_a_sweep_looks_at_so_many_and_the_next_goes_on_behind_them(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = await stage.agent(MAKE)
    session = new_session_id()
    lost = [await stage.ask(WORDS, session=session) for _ in range(3)]
    await acked_without_an_answer(stage, agent, lost[-1])
    sweeper = sweeper_of(agent)
    monkeypatch.setattr(sweeping, "SUSPECTS_MAX", 2)
    ended = [await asyncio.wait_for(sweeper.sweep(), BOUND_S) for _ in range(3)]
    assert ended == [0, 2, 1]
    monkeypatch.setattr(sweeping, "LOOKS_MAX", 2)
    others = sweeper_of(agent)
    # Whatever is held by now: the walk of a second sweeper comes to all of it in steps of two.
    for _ in range(40):
        assert await others.sweep() == 0
    assert max(others._looked_at) >= (lost[-1].stored.sequence or 0)


async def test_a_start_that_nobody_can_handle_is_given_up_in_the_end_and_keeps_no_other_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, measured: Measured
) -> None:
    agent = await stage.agent(MAKE)
    session = new_session_id()
    bad, good = [await stage.ask(WORDS, session=session) for _ in range(2)]
    for asked in (bad, good):
        await acked_without_an_answer(stage, agent, asked)

    async def handle(job: Job) -> None:
        if bad.turn in job.subject:
            raise RuntimeError
        await agent.handle(job)

    monkeypatch.setattr(sweeping, "TURNS_MAX", 1)
    monkeypatch.setattr(sweeping, "TRIES_MAX", 3)
    sweeper = Sweeper(agent.bus, handle, older_than_s=0)
    assert [await sweeper.sweep() for _ in range(3)] == [0, 0, 1]
    assert (await outcome(stage, good)).outcome is Outcome.CONFIRMED
    for _ in range(2):
        assert sweeper._suspects
        await sweeper.sweep()
    assert not sweeper._suspects
    assert measured(metrics.SWEPT, {"result": "failed"}) == 3
