"""How far the agents are behind, as the metrics show it: looked at now and then, whoever scrapes how often."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.telemetry.measured import Measured

from agent import lag
from agent.lag import Lag
from bus.interface import Backlog, Job
from bus.memory_bus import MemoryBus
from contracts import metrics, streams, subjects
from contracts.limits import PARTITIONS
from contracts.tokens import new_session_id
from contracts.turns import DeadTurn

BOUND_S = 10
CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))
DEAD = DeadTurn(session="s", turn_id="t", crashes=3, at=datetime.now(UTC))


class CountingBus(MemoryBus):
    """Tells when it was asked for its backlogs."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: asyncio.Queue[None] = asyncio.Queue()

    async def backlogs(self, stream: str) -> tuple[Backlog, ...]:
        try:
            return await super().backlogs(stream)
        finally:
            self.asked.put_nowait(None)

    async def asked_again(self) -> None:
        async with asyncio.timeout(BOUND_S):
            await self.asked.get()
            await self.asked.get()


@pytest.fixture
async def bus() -> AsyncIterator[CountingBus]:
    bus = CountingBus()
    yield bus
    await bus.close()


async def test_what_waits_and_for_how_long_what_is_in_hand_and_what_was_given_up(bus: CountingBus) -> None:
    session, began, go_on = new_session_id(), asyncio.Event(), asyncio.Event()

    async def handle(_: Job) -> None:
        began.set()
        await go_on.wait()

    seen = await Lag(bus).look()
    assert (seen.waiting, seen.in_hand, seen.oldest_s) == (0, 0, 0.0)

    for turn in ("t1", "t2", "t3"):
        await bus.store(subjects.turn_started(session, turn), DEAD)
    await bus.store(subjects.dead_turn(session, "t0"), DEAD)
    work = await bus.work(streams.CHAT, CONSUMERS, handle, slots=4, hints=subjects.LIVE_JOBS)
    await asyncio.wait_for(began.wait(), BOUND_S)
    seen = await Lag(bus, now=lambda: datetime.now(UTC) + timedelta(seconds=40)).look()
    go_on.set()
    await work.close()

    assert (seen.waiting, seen.in_hand) == (2, 1)
    assert 40 <= seen.oldest_s < 40 + BOUND_S
    assert seen.holdings[streams.DLQ].messages == 1
    assert seen.holdings[streams.CHAT].messages == 3
    assert 0 < seen.holdings[streams.CHAT].size < seen.holdings[streams.CHAT].size_max


async def test_a_scrape_shows_the_last_look_and_asks_nobody(bus: CountingBus, measured: Measured) -> None:
    await bus.store(subjects.turn_started(new_session_id(), "t"), DEAD)
    await bus.store(subjects.dead_turn("s", "t"), DEAD)
    async with Lag(bus).shown(every_s=0.001):
        await bus.asked_again()
        assert measured(metrics.CONSUMER_PENDING) == 1
        assert measured(metrics.CONSUMER_ACK_PENDING) == 0
        assert measured(metrics.STREAM_MESSAGES, {"stream": "DLQ"}) == 1
        assert (
            0 < measured(metrics.STREAM_SIZE, {"stream": "CHAT"}) < measured(metrics.STREAM_LIMIT, {"stream": "CHAT"})
        )
    async with Lag(bus).shown(every_s=3600):
        await asyncio.wait_for(bus.asked.get(), BOUND_S)
        while not bus.asked.empty():
            bus.asked.get_nowait()
        for _ in range(20):
            measured(metrics.CONSUMER_PENDING)
        assert bus.asked.empty()
    assert measured(metrics.CONSUMER_PENDING) == 0


async def test_a_look_that_fails_in_a_way_that_nobody_foresaw_is_told_and_not_the_last(
    bus: CountingBus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: str) -> None:
        raise ValueError("buy milk")

    monkeypatch.setattr(bus, "holdings", fail)
    async with Lag(bus).shown(every_s=0.001):
        await bus.asked_again()
        await bus.asked_again()
    errors = {(record.message, record.levelname, vars(record)["error_type"]) for record in caplog.records}
    assert errors == {("lag not seen", "ERROR", "ValueError")}


async def test_what_could_not_be_looked_at_for_long_is_not_shown(
    bus: CountingBus, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bus.store(subjects.turn_started(new_session_id(), "t"), DEAD)
    async with Lag(bus).shown(every_s=0.001):
        await bus.asked_again()
        bus.away = True
        await bus.asked_again()
        assert measured(metrics.CONSUMER_PENDING) == 1
        monkeypatch.setattr(lag, "SHOWN_S", -1.0)
        assert measured(metrics.CONSUMER_PENDING) == 0
        bus.away = False
