"""What a session is told: all of it, each once, in the order of its streams, whatever is lost on the way."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import trace

from bus.errors import UnavailableError
from bus.interface import Event
from bus.memory_bus import MemoryBus
from contracts import streams, subjects
from contracts.channel import GatewayMessage, SessionCurrent, TurnCompletedEvent, TurnDeltaEvent, TurnPhaseEvent
from contracts.limits import REPLAY_MAX
from contracts.signaling import Seen
from contracts.turns import Outcome, Phase, Receipt, TurnCompleted, TurnDelta, TurnPhase
from rtc_gateway import event_feed
from rtc_gateway.event_feed import LIVE_MAX, EventFeed
from rtc_gateway.measures import Measures

from .conftest import NOW

SESSION = "s1"
WAIT_S = 10
SEEDS = 150


@dataclass
class Reader:
    """A page that is told, and the feed that tells it."""

    feed: EventFeed
    told: list[GatewayMessage] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    reads: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell(self, message: GatewayMessage) -> None:
        await self.reads.wait()
        self.told.append(message)
        self.news.set()

    async def until(self, count: int, kind: type[GatewayMessage] = TurnCompletedEvent) -> None:
        async with asyncio.timeout(WAIT_S):
            while sum(isinstance(message, kind) for message in self.told) < count:
                self.news.clear()
                await self.news.wait()

    @property
    def outcomes(self) -> list[int | None]:
        return [message.seq for message in self.told if isinstance(message, TurnCompletedEvent)]

    @property
    def phases(self) -> list[int | None]:
        return [message.seq for message in self.told if isinstance(message, TurnPhaseEvent)]

    @property
    def current(self) -> SessionCurrent:
        (current,) = [message for message in self.told if isinstance(message, SessionCurrent)]
        return current


@asynccontextmanager
async def reading(
    bus: Any, measures: Measures, *, seen: Seen | None = None, fresh: bool = False
) -> AsyncIterator[Reader]:
    reader = Reader(EventFeed(bus, SESSION, measures, seen=seen, fresh=fresh))
    reader.reads.set()
    task = asyncio.get_running_loop().create_task(reader.feed.run(reader.tell))
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def outcome(turn: str) -> TurnCompleted:
    return TurnCompleted(
        session=SESSION, turn_id=turn, outcome=Outcome.ANSWERED, text="x", receipt=Receipt(), completed_at=NOW
    )


async def complete(bus: MemoryBus, turn: str) -> Event:
    stored = await bus.store(subjects.turn_completed(SESSION, turn), outcome(turn))
    return Event(f"live.{subjects.turn_completed(SESSION, turn)}", outcome(turn).to_json(), stored.sequence)


async def begin(bus: MemoryBus, turn: str, phase: Phase) -> Event:
    begun = TurnPhase(session=SESSION, turn_id=turn, phase=phase, attempt=1, elapsed_ms=1)
    stored = await bus.store(subjects.turn_phase(SESSION, turn, phase), begun)
    return Event(f"live.{subjects.turn_phase(SESSION, turn, phase)}", begun.to_json(), stored.sequence)


@pytest.fixture
async def memory() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    yield bus
    await bus.close()


async def test_what_was_missed_comes_first_then_that_it_is_all_then_what_is_new(
    memory: MemoryBus, measures: Measures
) -> None:
    await begin(memory, "t1", Phase.PLAN)
    await complete(memory, "t1")
    await begin(memory, "t2", Phase.PLAN)
    await complete(memory, "t2")
    async with reading(memory, measures, seen=Seen(chat=1, out=1)) as reader:
        await reader.until(1)
        live = await complete(memory, "t3")
        await reader.feed.take(live)
        await reader.until(2)
    assert [message.type for message in reader.told] == [
        "turn.phase",
        "turn.completed",
        "session.current",
        "turn.completed",
    ]
    assert (reader.outcomes, reader.phases) == ([2, 3], [2])
    assert reader.current == SessionCurrent(seen=Seen(chat=2, out=2), replayed=2)


async def test_what_comes_while_the_missed_is_read_is_told_once(memory: MemoryBus, measures: Measures) -> None:
    lives = [await complete(memory, f"t{number}") for number in range(4)]
    async with reading(memory, measures, seen=Seen()) as reader:
        for live in lives:
            await reader.feed.take(live)  # they are in the stream as well
        await reader.until(4)
        await reader.feed.take(await complete(memory, "last"))
        await reader.until(5)
    assert reader.outcomes == [1, 2, 3, 4, 5]


async def test_the_phases_of_a_turn_that_happens_while_outcomes_are_told_come_before_its_own(
    memory: MemoryBus, measures: Measures
) -> None:
    await complete(memory, "t1")
    async with reading(memory, measures, seen=Seen()) as reader:
        reader.reads.clear()
        await asyncio.sleep(0)
        lives = [await begin(memory, "t2", Phase.PLAN), await complete(memory, "t2")]
        for live in lives:
            await reader.feed.take(live)
        reader.reads.set()
        await reader.until(2)
    told = [message for message in reader.told if not isinstance(message, SessionCurrent)]
    assert [message.type for message in told] == ["turn.completed", "turn.phase", "turn.completed"]


async def test_an_outcome_that_is_asked_for_while_the_beginning_is_looked_up_is_told_at_once(
    memory: MemoryBus, measures: Measures
) -> None:
    memory.away = True
    async with reading(memory, measures) as reader:
        assert reader.feed.is_past(TurnCompletedEvent(turn=outcome("t1"), seq=7))


async def test_a_page_that_names_nothing_is_told_what_comes_from_now_on(memory: MemoryBus, measures: Measures) -> None:
    await begin(memory, "t1", Phase.PLAN)
    await complete(memory, "t1")
    async with reading(memory, measures) as reader:
        await reader.until(1, SessionCurrent)
        assert reader.current == SessionCurrent(seen=Seen(chat=1, out=1))
        reader.feed.look()
        await reader.feed.take(await complete(memory, "t2"))
        await reader.until(1)
    assert reader.outcomes == [2]


async def test_looking_into_the_streams_is_no_trace_of_its_own(
    memory: MemoryBus, measures: Measures, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []

    def noting(read: Any) -> Any:
        async def look(*given: Any, **named: Any) -> Event | None:
            current = trace.get_current_span().get_span_context()
            looked.append(current.is_valid and not current.trace_flags.sampled)
            return await read(*given, **named)  # type: ignore[no-any-return]

        return look

    monkeypatch.setattr(memory, "stored", noting(memory.stored))
    monkeypatch.setattr(memory, "next_stored", noting(memory.next_stored))
    await complete(memory, "t1")
    async with reading(memory, measures) as reader:  # its beginning
        await reader.until(1, SessionCurrent)
    async with reading(memory, measures, seen=Seen(chat=0, out=0)) as reader:  # what was missed
        await reader.until(1)
    assert len(looked) > 4
    assert all(looked)


async def test_a_session_that_is_new_is_not_looked_up(bus: Any, measures: Measures) -> None:
    async with reading(bus, measures, fresh=True) as reader:
        await reader.until(1, SessionCurrent)
    assert (bus.looked_up, bus.read) == ([], [])


async def test_streams_that_are_away_are_read_when_they_are_back(memory: MemoryBus, measures: Measures) -> None:
    await complete(memory, "t1")
    memory.away = True
    async with reading(memory, measures, seen=Seen()) as reader:
        await asyncio.sleep(0)
        assert reader.told == []
        memory.away = False
        await reader.until(1)
    assert reader.outcomes == [1]


async def test_more_than_may_be_replayed_is_said_to_be_left_out(
    memory: MemoryBus, measures: Measures, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert REPLAY_MAX > 10
    monkeypatch.setattr(event_feed, "REPLAY_MAX", 3)
    for number in range(5):
        await complete(memory, f"t{number}")
    async with reading(memory, measures, seen=Seen()) as reader:
        await reader.until(1, SessionCurrent)
        assert (reader.current.complete, reader.current.seen.chat, reader.outcomes) == (False, 3, [1, 2, 3])
        await reader.feed.take(await complete(memory, "new"))
        await reader.until(4)
    assert reader.outcomes == [1, 2, 3, 6]


async def test_more_live_events_than_can_wait_are_read_from_their_stream(
    memory: MemoryBus, measures: Measures, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LIVE_MAX > 20
    monkeypatch.setattr(event_feed, "LIVE_MAX", 20)
    async with reading(memory, measures, fresh=True) as reader:
        reader.reads.clear()
        for number in range(50):
            await reader.feed.take(await complete(memory, f"t{number}"))
        assert len(reader.feed._live) <= 20
        reader.reads.set()
        await reader.until(50)
    assert reader.outcomes == list(range(1, 51))


async def test_prose_is_passed_on_as_it_comes(memory: MemoryBus, measures: Measures) -> None:
    async with reading(memory, measures, fresh=True) as reader:
        delta = TurnDelta(session=SESSION, turn_id="t1", attempt=1, offset=0, text="Tea")
        await reader.feed.take(Event(subjects.turn_delta(SESSION, "t1"), delta.to_json()))
        await reader.until(1, TurnDeltaEvent)


class Losing:
    """A stream beside a live subscription that loses, and a bus that is away now and then."""

    def __init__(self, bus: MemoryBus, chance: random.Random) -> None:
        self._bus = bus
        self._chance = chance

    async def stored(self, stream: str, subject: str) -> Event | None:
        await self._shaken()
        return await self._bus.stored(stream, subject)

    async def next_stored(self, stream: str, subject: str, *, behind: int = 0, since: Any = None) -> Event | None:
        await self._shaken()
        return await self._bus.next_stored(stream, subject, behind=behind, since=since)

    async def _shaken(self) -> None:
        for _ in range(self._chance.randrange(3)):
            await asyncio.sleep(0)
        if self._chance.random() < 0.1:
            raise UnavailableError("away")


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_is_lost_doubled_or_out_of_order(
    memory: MemoryBus, measures: Measures, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtc_gateway.patience.RETRY_FIRST_S", 0)
    chance = random.Random(seed)  # noqa: S311 - the seed is to give the same run again
    before = chance.randrange(6)
    for number in range(before):
        await begin(memory, f"b{number}", Phase.PLAN)
        await complete(memory, f"b{number}")
    seen = Seen(chat=chance.randrange(before + 1), out=chance.randrange(before + 1))
    total = before
    async with reading(Losing(memory, chance), measures, seen=seen) as reader:
        for number in range(chance.randrange(1, 12)):
            lost = False
            for make in (begin(memory, f"t{number}", Phase.PLAN), complete(memory, f"t{number}")):
                event = await make
                if chance.random() < 0.3:
                    lost = True
                else:
                    await reader.feed.take(event)
                if chance.random() < 0.4:
                    await asyncio.sleep(0)
            if lost:
                reader.feed.look()  # as the bus says after it was away
            total += 1
        reader.feed.look()
        await reader.until(total - seen.chat)
        await reader.until(total - seen.out, TurnPhaseEvent)
        await reader.until(1, SessionCurrent)
    assert reader.outcomes == list(range(seen.chat + 1, total + 1))
    assert reader.phases == list(range(seen.out + 1, total + 1))


def test_both_streams_are_those_of_the_contracts() -> None:
    assert event_feed.stream_of("live.evt.chat.s.t.completed") == streams.CHAT
    assert event_feed.stream_of("evt.out.s.t.plan") == streams.OUT
    assert event_feed.stream_of("live.evt.prose.s.t.delta") is None
    assert event_feed.stream_of("live.evt.chat.s.t.start") is None
