"""A cancelled turn is stopped at once while nothing was applied for it, and never otherwise."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from boards import OWNER, snapshot_of
from fake_store import FakeStore
from real import BOUND_S, Agent, Asked, Gate, Stage, store_served

from agent import cancelling as cancelling_module
from agent.cancelling import REMEMBERED_MAX, REMEMBERED_S, Cancelling
from bus.errors import RemoteError, RetryLater
from bus.interface import Event, Job
from contracts import subjects
from contracts.message import ErrorCode, Problem
from contracts.tokens import owner_key
from contracts.turns import Outcome, TurnCancel, TurnCompleted, Verdict
from local_stack.temporary import RunningNats, running_nats, temporary_directory

MAKE = {"op": "create_list", "text": "Groceries"}
WORDS = "create a list called Groceries"
AT_ONCE_S = 1.0


@pytest.fixture(scope="module")
async def nats(database_url: str) -> AsyncIterator[RunningNats]:
    """A bus of this module's own, with a store on it: its jobs are nobody else's."""
    with temporary_directory() as directory:
        async with running_nats(directory) as server, store_served(database_url, server):
            yield server


@pytest.fixture
async def stage(nats: RunningNats) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await Stage(nats, stack).begin()


async def reached(gate: Gate) -> None:
    await asyncio.wait_for(gate.reached.wait(), BOUND_S)


async def ended(stage: Stage, agent: Agent, asked: Asked) -> TurnCompleted:
    assert await asyncio.wait_for(agent.handled.get(), BOUND_S) == asked.turn
    completed = await stage.outcome(asked)
    assert completed is not None
    return completed


async def names(agent: Agent, owner: str) -> list[str]:
    return [row.name for row in (await agent.store.snapshot(owner)).lists]


async def test_a_cancel_while_the_model_thinks_stops_it_at_once_and_nothing_is_changed(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    agent.model.gate = Gate()
    await stage.working(agent)
    asked = await stage.ask(WORDS)
    await reached(agent.model.gate)
    assert await stage.cancel(asked) is False
    await asyncio.wait_for(agent.model.stopped.wait(), AT_ONCE_S)
    completed = await ended(stage, agent, asked)
    assert (completed.outcome, completed.text) == (Outcome.CANCELLED, "Cancelled. Nothing was changed.")
    assert completed.receipt.request == WORDS
    assert await names(agent, asked.owner) == []


async def test_a_cancel_exactly_between_plan_and_execute_is_cancelled(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    gate = agent.store.before_apply = Gate()
    await stage.working(agent)
    asked = await stage.ask(WORDS)
    await reached(gate)
    assert await stage.cancel(asked) is False
    gate.open.set()
    assert (await ended(stage, agent, asked)).outcome is Outcome.CANCELLED
    assert await names(agent, asked.owner) == []


async def test_without_a_word_on_the_bus_the_mark_alone_keeps_the_plan_from_being_applied(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    gate = agent.store.before_apply = Gate()
    await stage.working(agent)
    asked = await stage.ask(WORDS)
    await reached(gate)
    assert await agent.store.cancel(asked.owner, asked.turn) is False
    gate.open.set()
    assert (await ended(stage, agent, asked)).outcome is Outcome.CANCELLED
    assert await names(agent, asked.owner) == []


async def test_a_cancel_after_the_apply_is_too_late_and_the_turn_is_confirmed(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    gate = agent.store.after_apply = Gate()
    await stage.working(agent)
    asked = await stage.ask(WORDS)
    await reached(gate)
    assert await stage.cancel(asked) is True
    assert await asyncio.wait_for(agent.store.asked_to_cancel.get(), BOUND_S) is True
    gate.open.set()
    completed = await ended(stage, agent, asked)
    assert (completed.outcome, completed.receipt.verdict) == (Outcome.CONFIRMED, Verdict.CONFIRMED)
    assert await names(agent, asked.owner) == ["Groceries"]


async def test_a_word_about_another_owners_turn_of_the_same_id_has_no_effect(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    gate = agent.model.gate = Gate()
    await stage.working(agent)
    asked, stranger = await stage.ask(WORDS), owner_key("test", "stranger")
    await reached(gate)
    assert await stage.cancel(asked, owner=stranger) is False
    assert (await asyncio.wait_for(agent.words.get(), BOUND_S)).owner == stranger
    assert not agent.model.stopped.is_set()
    gate.open.set()
    assert (await ended(stage, agent, asked)).outcome is Outcome.CONFIRMED


async def test_a_word_alone_is_not_believed(stage: Stage) -> None:
    """That a turn is cancelled is said once the store has the mark; a word without it makes the agent ask for it."""
    agent = await stage.agent(MAKE)
    gate = agent.store.after_apply = Gate()
    await stage.working(agent)
    asked = await stage.ask(WORDS)
    await reached(gate)
    word = TurnCancel(session=asked.session, turn_id=asked.turn, owner=asked.owner)
    await stage.gateway.publish(subjects.cancel_turn(asked.turn), word)
    assert await asyncio.wait_for(agent.store.asked_to_cancel.get(), BOUND_S) is True
    gate.open.set()
    assert (await ended(stage, agent, asked)).outcome is Outcome.CONFIRMED


async def test_a_turn_cancelled_while_it_waits_in_the_queue_never_reaches_the_model(stage: Stage) -> None:
    agent = await stage.agent(MAKE)
    asked = await stage.ask(WORDS)
    assert await stage.cancel(asked) is False
    await asyncio.wait_for(agent.words.get(), BOUND_S)
    await stage.working(agent)
    assert (await ended(stage, agent, asked)).outcome is Outcome.CANCELLED
    assert agent.model.calls == 0


async def test_a_cancelled_turn_that_is_delivered_again_never_reaches_the_model(stage: Stage) -> None:
    """Its word was heard by an agent that is gone; the mark is found when the turn is taken over."""
    asked = await stage.ask(WORDS)
    assert await stage.cancel(asked) is False
    agent = await stage.agent(MAKE)
    deliveries: list[int] = []

    async def given_back_once(job: Job) -> None:
        deliveries.append(job.deliveries)
        if len(deliveries) == 1:
            raise RetryLater("as if this worker had died", 0.05)
        await agent.handle(job)

    await stage.working(agent, given_back_once)
    assert (await ended(stage, agent, asked)).outcome is Outcome.CANCELLED
    assert (deliveries, agent.model.calls) == ([1, 2], 0)


class Alone:
    """`Cancelling` over a store in memory, and work that ends when it is told to."""

    def __init__(self) -> None:
        self.store = FakeStore(snapshot_of())
        self.time = 0.0
        self.cancelling = Cancelling(self.store, now=lambda: self.time)
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def hear(self, turn: str, owner: str = OWNER) -> None:
        word = TurnCancel(session="s", turn_id=turn, owner=owner)
        await self.cancelling.hear(Event(subjects.cancel_turn(turn), word.to_json()))

    async def work(self) -> str:
        self.begun.set()
        await self.go_on.wait()
        return "done"

    def doing(self, turn: str) -> asyncio.Task[str | None]:
        return asyncio.create_task(self.cancelling.unless_cancelled(OWNER, turn, self.work))


async def test_work_that_is_not_cancelled_comes_to_what_it_comes_to() -> None:
    alone = Alone()
    alone.go_on.set()
    assert await asyncio.wait_for(alone.doing("t"), BOUND_S) == "done"
    assert alone.store.cancelled == set()


async def test_a_store_that_is_away_is_asked_again_until_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancelling_module, "ASK_AGAIN_S", 0.0)
    alone = Alone()
    doing = alone.doing("t")
    await asyncio.wait_for(alone.begun.wait(), BOUND_S)
    alone.store.away = 3
    await alone.hear("t")
    assert await asyncio.wait_for(doing, BOUND_S) is None
    assert alone.store.away == 0


async def test_a_store_that_refuses_to_cancel_leaves_the_work_alone() -> None:
    alone = Alone()

    asked: list[str] = []

    async def refuse(_: str, turn: str) -> bool:
        asked.append(turn)
        raise RemoteError(Problem(code=ErrorCode.INVALID, detail="no"))

    alone.store.cancel = refuse  # type: ignore[method-assign]
    doing = alone.doing("t")
    await alone.hear("t")
    alone.go_on.set()
    assert await asyncio.wait_for(doing, BOUND_S) == "done"
    assert asked == ["t"]


async def test_a_word_is_remembered_for_a_while_and_for_so_many() -> None:
    alone = Alone()
    await alone.hear("early")
    alone.go_on.set()
    alone.time += REMEMBERED_S + 1
    assert await asyncio.wait_for(alone.doing("early"), BOUND_S) == "done"
    await alone.hear("first")
    for number in range(REMEMBERED_MAX - 1):
        await alone.hear(f"t{number}")
    assert await asyncio.wait_for(alone.doing("first"), BOUND_S) is None
    await alone.hear("one-more")
    assert await asyncio.wait_for(alone.doing("first"), BOUND_S) == "done"
    assert await asyncio.wait_for(alone.doing("t1"), BOUND_S) is None


async def test_a_word_that_nobody_can_read_is_ignored() -> None:
    alone = Alone()
    await alone.cancelling.hear(Event(subjects.cancel_turn("t"), b"{}"))
    alone.go_on.set()
    assert await asyncio.wait_for(alone.doing("t"), BOUND_S) == "done"
