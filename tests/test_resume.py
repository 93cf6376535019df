"""A session comes back to whichever gateway is there, and is told what it missed, once; what was asked is done once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar

import pytest

from client import AgentClient, AgentSession, ConnectError, Lost, Opened
from contracts import subjects
from contracts.message import ErrorCode
from contracts.streams import SESSIONS
from contracts.tokens import uuid7
from contracts.turns import Outcome

from .chaos.collect import purge
from .chaos.witness import Witness
from .resume.kills import PLANS, KillReport, Moment, gateways_killed
from .resume.processes import holding, until_back
from .resume.rolling import rolled
from .resume.world import World, running_world

BOUND_S = 60.0
NOTICED_WITHIN_S = 10.0
RECONNECTED_P95_S = 3.0
ResultT = TypeVar("ResultT")


async def soon(awaitable: Awaitable[ResultT]) -> ResultT:
    async with asyncio.timeout(BOUND_S):
        return await awaitable


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    async with running_world() as running:
        yield running


def lost_nothing(report: KillReport) -> None:
    assert report.answered_before == 0
    assert report.not_resumed == 0
    assert report.account.is_settled, report.account
    assert report.account.told > report.kills
    assert report.account.sent >= report.account.told
    assert len(report.noticed_s) >= report.kills
    assert max(report.noticed_s) <= NOTICED_WITHIN_S


@pytest.mark.timeout(240)
async def test_a_gateway_is_killed_twice_during_an_answer_and_nothing_is_lost_or_told_twice(world: World) -> None:
    report = await gateways_killed(world, 2)
    assert set(report.moments) == set(PLANS[0])
    lost_nothing(report)


@pytest.mark.long
async def test_fifty_gateways_are_killed_during_an_answer_and_nothing_is_lost_or_told_twice(world: World) -> None:
    report = await gateways_killed(world, 50)
    assert report.kills == 50
    assert set(report.moments) == set(Moment)
    lost_nothing(report)
    back_after = sorted(report.reconnected_with_another_s)
    assert back_after[int(len(back_after) * 0.95)] <= RECONNECTED_P95_S


async def test_a_gateway_that_is_told_to_stop_is_left_without_a_gap(world: World) -> None:
    witness = Witness()
    async with AgentSession.open(world.stack.url, on_change=witness.note) as session:
        name, gateway = holding(world.stack, witness.address)
        gateway.terminate()
        while witness.connections < 2:
            assert (await session.ask("what are my lists?", timeout=BOUND_S)).outcome is Outcome.ANSWERED
        assert (await session.ask("what are my lists?", timeout=BOUND_S)).outcome is Outcome.ANSWERED
    assert witness.outages == []
    assert len(witness.sessions) == 1
    await until_back(world.stack, name, gateway)


@pytest.mark.long
async def test_everything_is_restarted_and_sessions_that_ask_meanwhile_lose_nothing() -> None:
    report = await rolled()
    assert len(report.restarts) == 7
    assert report.violations == [], "\n".join(map(str, report.violations))
    assert report.account.is_settled, report.account
    assert report.not_resumed == 0
    assert report.account.told > report.turns
    assert max(report.outages_of("rtc-gateway"), default=0.0) < 1.0


async def test_a_second_connection_of_a_session_ends_the_first_one_for_good(world: World) -> None:
    changes: list[Opened | Lost] = []
    async with AgentSession.open(world.stack.url, on_change=changes.append) as session:
        await session.ask("what are my lists?", timeout=BOUND_S)
        events = session.events()
        async with AgentClient.connect(world.stack.url, resume=session.resumption) as second:
            assert second.ready.resumed
            with pytest.raises(ConnectError) as error:
                await soon(anext(events))
            assert (error.value.code, error.value.final) == (ErrorCode.SUPERSEDED, True)
            with pytest.raises(ConnectError, match="superseded"):
                await session.ask("what are my lists?")
            assert (await second.ask("what are my lists?", timeout=BOUND_S)).outcome is Outcome.ANSWERED
            assert second.lost_because is None
        assert [type(change) for change in changes] == [Opened, Lost]


async def test_what_was_asked_in_a_session_that_is_forgotten_is_answered_in_the_next_and_done_once(
    world: World,
) -> None:
    witness, turn_id = Witness(), uuid7()
    async with AgentSession.open(world.stack.url, on_change=witness.note) as session, asyncio.TaskGroup() as group:
        await world.model.hold()
        asking = group.create_task(session.ask("create a list called Forgotten", turn_id=turn_id, timeout=BOUND_S))
        await world.model.until_asked()
        (forgotten,) = witness.sessions
        await purge(world.directory, SESSIONS, subjects.session_record(forgotten))
        name, gateway = holding(world.stack, witness.address)
        gateway.terminate()
        await soon(witness.until_connected(2))
        await world.model.release()
        completed = await soon(asking)
    assert len(witness.sessions) == 2
    assert (completed.outcome, completed.turn_id) == (Outcome.CONFIRMED, turn_id)
    assert await world.changes(turn_id) == 1
    await until_back(world.stack, name, gateway)


async def test_a_turn_that_two_sessions_ask_for_is_done_once_and_told_both(world: World) -> None:
    async with AgentClient.connect(world.stack.url) as one, AgentClient.connect(world.stack.url) as other:
        turn_id, text = uuid7(), "create a list called Once"
        first = await one.ask(text, turn_id=turn_id, timeout=BOUND_S)
        again = await other.ask(text, turn_id=turn_id, timeout=BOUND_S)
    assert (first.outcome, again.outcome) == (Outcome.CONFIRMED, Outcome.CONFIRMED)
    assert again.receipt.change_id == first.receipt.change_id
    assert await world.changes(turn_id) == 1


async def test_a_turn_that_two_sessions_ask_for_at_once_is_done_once_and_told_both(world: World) -> None:
    turn_id, text = uuid7(), "create a list called At once"
    async with AsyncExitStack() as leaving, asyncio.TaskGroup() as group:
        by_partition: dict[str, AgentClient] = {}
        while len(by_partition) < 2:
            client = await leaving.enter_async_context(AgentClient.connect(world.stack.url))
            await client.ask("what are my lists?", timeout=BOUND_S)
            by_partition[await world.partition(client)] = client
        one, other = by_partition.values()
        await world.model.hold()
        slow = group.create_task(one.ask(text, turn_id=turn_id, timeout=BOUND_S))
        await world.model.until_asked()
        quick = await other.ask(text, turn_id=turn_id, timeout=BOUND_S)
        await world.model.release()
        late = await soon(slow)
    assert (quick.outcome, late.outcome) == (Outcome.CONFIRMED, Outcome.CONFIRMED)
    assert late.receipt.change_id == quick.receipt.change_id
    assert await world.changes(turn_id) == 1
