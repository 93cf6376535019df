"""History: every turn of a session once, in pages, whatever else the stream holds, and without reading all of it."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from bus.errors import UnavailableError
from bus.interface import Bus, Event, Stretch
from bus.memory_bus import MemoryBus
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.channel import HistoryGet, HistoryPage, HistoryTurn
from contracts.limits import MESSAGE_OUT_MAX_BYTES, REQUEST_MAX_BYTES
from contracts.message import ErrorCode, Message
from contracts.turns import Outcome, Receipt, TurnCompleted, TurnStarted
from local_stack.temporary import RunningNats
from rtc_gateway.history import History
from rtc_gateway.page_start import PageStart

OWNER = "a" * 26
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SEEDS = 40
LONG = 2000


class Unreadable(Message):
    nothing: str = "of a turn"


class CountedReads:
    """The part of a bus that history uses, and how much was read through it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.asked = 0
        self.events = 0
        self.at_once = 0
        self.most_at_once = 0

    async def stretch(self, stream: str, subject: str, *, behind: int = 0, limit: int) -> Stretch:
        found: Stretch = await self._noted(self._bus.stretch(stream, subject, behind=behind, limit=limit))
        self.events += len(found.events)
        return found

    async def stored(self, stream: str, subject: str) -> Event | None:
        self.events += 1
        found: Event | None = await self._noted(self._bus.stored(stream, subject))
        return found

    async def _noted(self, reading: Any) -> Any:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        try:
            return await reading
        finally:
            self.at_once -= 1


def history(bus: Any, session: str, **given: Any) -> History:
    return History(bus, session, asyncio.Semaphore(4), **given)


def started(session: str, turn: str, text: str = "add milk") -> TurnStarted:
    return TurnStarted(session=session, turn_id=turn, owner=OWNER, text=text, accepted_at=NOW)


def completed(session: str, turn: str, text: str = "Added milk.") -> TurnCompleted:
    return TurnCompleted(
        session=session, turn_id=turn, outcome=Outcome.CONFIRMED, text=text, receipt=Receipt(), completed_at=NOW
    )


async def start(bus: Bus, session: str, turn: str, text: str = "add milk") -> int:
    stored = await bus.store(subjects.turn_started(session, turn), started(session, turn, text))
    return stored.sequence or 0


async def start_many(bus: Bus, session: str, first: int, count: int) -> list[str]:
    """That many turns, numbered from `first`; returns their ids."""
    turns = [f"t{number}" for number in range(first, first + count)]
    done = 0
    while turns[done:]:
        await asyncio.gather(*(start(bus, session, turn) for turn in turns[done : done + 100]))
        done += 100
    return turns


async def complete(bus: Bus, session: str, turn: str, text: str = "Added milk.") -> None:
    await bus.store(subjects.turn_completed(session, turn), completed(session, turn, text))


async def page(of: History, **asked: Any) -> HistoryPage:
    answer = await of.page(HistoryGet(id="h1", **asked))
    assert isinstance(answer, HistoryPage), answer
    assert answer.ref == "h1"
    return answer


async def all_pages(of: History, limit: int, *, full: bool = False) -> list[HistoryTurn]:
    """Every turn, oldest first, by asking as a page does. `full`: each page but the last has all that it may have."""
    turns: list[HistoryTurn] = []
    before: int | None = None
    while True:
        got = await page(of, limit=limit, before=before)
        assert len(got.turns) == limit if full and got.more else len(got.turns) <= limit
        assert all(older.seq < newer.seq for older, newer in pairwise(got.turns))
        turns[:0] = got.turns
        if not got.more:
            return turns
        before = got.turns[0].seq


@pytest.fixture
async def memory() -> AsyncIterator[MemoryBus]:
    bus = MemoryBus()
    yield bus
    await bus.close()


@pytest.fixture
async def gateway(nats_server: RunningNats) -> AsyncIterator[NatsBus]:
    """The real bus, as the gateway's user with its permissions."""
    async with NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as bus:
        yield bus


@pytest.fixture
async def agent(nats_server: RunningNats) -> AsyncIterator[NatsBus]:
    async with NatsBus.connected_to(nats_server.bus_settings("agent")) as bus:
        yield bus


async def test_a_session_without_turns_has_one_empty_page(memory: MemoryBus) -> None:
    assert await page(history(memory, "s1")) == HistoryPage(ref="h1")


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_pages_hold_every_readable_turn_once_and_in_order(memory: MemoryBus, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed
    malformed = seed % 2
    kinds = ("done", "done", "done", "under way", "lost", "others", *("malformed",) * malformed)
    expected: list[tuple[str, str | None, bool]] = []
    for number in range(dice.randrange(80)):
        turn, kind = f"t{number}", dice.choice(kinds)
        if kind == "others":
            for other in range(dice.randrange(9)):
                await start(memory, f"s1x{dice.randrange(3)}", f"t{number}-{other}")
        elif kind == "malformed":
            await memory.store(subjects.turn_started("s1", turn), Unreadable())
        else:
            await start(memory, "s1", turn, f"text {number}")
            if kind == "done":
                await complete(memory, "s1", turn, f"answer {number}")
            elif kind == "lost":
                await memory.store(subjects.turn_completed("s1", turn), Unreadable())
            expected.append((turn, f"answer {number}" if kind == "done" else None, kind == "lost"))
    limit = dice.choice((1, 2, 7, 50))
    told = await all_pages(history(memory, "s1"), limit, full=not malformed)
    assert [(turn.turn_id, turn.completed and turn.completed.text, turn.outcome_lost) for turn in told] == expected


async def test_another_sessions_turns_are_never_told(memory: MemoryBus) -> None:
    await start(memory, "s2", "t1")
    await complete(memory, "s2", "t1")
    await start(memory, "s1", "t1", "mine")  # an id that another session has as well
    (turn,) = (await page(history(memory, "s1"))).turns
    assert (turn.text, turn.completed) == ("mine", None)


async def test_a_turn_whose_start_has_aged_out_is_not_told_and_those_behind_it_are(memory: MemoryBus) -> None:
    for turn in ("t1", "t2"):
        await start(memory, "s1", turn)
        await complete(memory, "s1", turn)
    kept = memory._streams[streams.CHAT].kept
    del kept[next(iter(kept))]
    got = await page(history(memory, "s1"))
    assert [(turn.turn_id, turn.completed is not None) for turn in got.turns] == [("t2", True)]
    assert not got.more


async def test_a_page_ends_where_a_message_is_full_and_the_next_goes_on_there(memory: MemoryBus) -> None:
    for number in range(10):
        await start(memory, "s1", f"t{number}")
        await complete(memory, "s1", f"t{number}", "x" * 3000)
    of = history(memory, "s1", page_bytes_max=10_000)
    first = await page(of)
    assert [turn.turn_id for turn in first.turns] == ["t8", "t9"]
    assert first.more
    assert len(first.to_json()) <= 10_000
    assert [turn.turn_id for turn in await all_pages(of, limit=50)] == [f"t{number}" for number in range(10)]


async def test_a_turn_that_alone_is_too_long_for_a_message_is_told_by_its_text(memory: MemoryBus) -> None:
    await start(memory, "s1", "t1", "the text")
    await complete(memory, "s1", "t1", "x" * 20_000)
    (turn,) = (await page(history(memory, "s1", page_bytes_max=10_000))).turns
    assert (turn.text, turn.completed, turn.outcome_lost) == ("the text", None, True)


async def test_a_page_of_unreadable_starts_alone_is_passed_over(memory: MemoryBus) -> None:
    await start(memory, "s1", "t0")
    for number in range(1, 8):
        await memory.store(subjects.turn_started("s1", f"t{number}"), Unreadable())
    got = await page(history(memory, "s1"), limit=2)
    assert [turn.turn_id for turn in got.turns] == ["t0"]


async def test_reads_at_once_have_a_bound(memory: MemoryBus) -> None:
    for number in range(30):
        await start(memory, "s1", f"t{number}")
    counted = CountedReads(memory)
    room = asyncio.Semaphore(3)
    await asyncio.gather(*(page(History(counted, "s1", room)) for _ in range(4)))  # type: ignore[arg-type]
    assert counted.most_at_once == 3


async def test_a_bus_that_is_away_is_told_as_such(memory: MemoryBus) -> None:
    memory.away = True
    answer = await history(memory, "s1").page(HistoryGet(id="h1"))
    assert (answer.type, getattr(answer, "code", None), answer.ref) == ("error", ErrorCode.UNAVAILABLE, "h1")


async def test_a_stream_that_does_not_answer_costs_a_bounded_time(
    memory: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> Stretch:
        raise await asyncio.Future[UnavailableError]()

    monkeypatch.setattr(memory, "stretch", never)
    monkeypatch.setattr("rtc_gateway.history.PAGE_TIMEOUT_S", 0.05)
    answer = await history(memory, "s1").page(HistoryGet(id="h1"))
    assert (answer.type, getattr(answer, "code", None)) == ("error", ErrorCode.TIMEOUT)


async def test_on_the_real_stream_a_page_of_a_long_session_reads_a_pages_worth(
    gateway: NatsBus, agent: NatsBus
) -> None:
    """Thousands of turns, in bursts among those of others, with a long pause: the newest page and older ones."""
    session, dice = f"s-{uuid4().hex}", random.Random(7)  # noqa: S311 - a seed
    others, mine = list[str](), list[str]()
    while len(mine) < LONG:
        pause = 800 if len(mine) > LONG - 60 else 0
        others += await start_many(gateway, f"{session}x", len(others), pause + dice.randrange(40))
        mine += await start_many(gateway, session, len(mine), dice.randrange(60))
    mine.append("last")
    await start(gateway, session, "last")
    await complete(agent, session, "last")
    counted = CountedReads(gateway)
    of = history(counted, session)

    newest = await page(of, limit=50)
    assert [turn.turn_id for turn in newest.turns] == mine[-50:]
    assert newest.more
    assert newest.turns[-1].completed == completed(session, "last")
    assert counted.asked < 100
    assert counted.events < 250

    await start(gateway, session, "newer")  # comes between two pages, and belongs to neither
    left, before = mine[:-50], newest.turns[0].seq
    for _ in range(6):
        counted.asked = counted.events = 0
        got = await page(of, limit=200, before=before)
        assert [turn.turn_id for turn in got.turns] == left[-200:]
        assert counted.asked < 250
        assert counted.events < 800
        left, before = left[:-200], got.turns[0].seq


async def test_on_the_real_stream_the_longest_texts_fill_a_page_by_bytes(gateway: NatsBus, agent: NatsBus) -> None:
    session = f"s-{uuid4().hex}"
    for number in range(6):
        await start(gateway, session, f"t{number}", "x" * REQUEST_MAX_BYTES)
        await complete(agent, session, f"t{number}", "x" * 1_000_000)
    of = history(gateway, session)
    got = await page(of)
    assert [turn.turn_id for turn in got.turns] == ["t2", "t3", "t4", "t5"]
    assert MESSAGE_OUT_MAX_BYTES * 0.9 < len(got.to_json()) <= MESSAGE_OUT_MAX_BYTES
    assert [turn.turn_id for turn in await all_pages(of, limit=5)] == [f"t{number}" for number in range(6)]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_beginning_of_a_page_is_found_in_few_questions_however_turns_lie(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed
    length = dice.choice((10, 1000, 10**6, 10**9))
    turns = sorted(
        {int(length * dice.random() ** dice.choice((1, 1, 5, 0.2))) + 1 for _ in range(dice.randrange(1, 3000))}
    )
    limit = dice.choice((1, 7, 50, 200))
    search = PageStart(limit=limit, end=turns[-1], held=len(turns))
    asked = 0
    while not search.found:
        place = search.place
        search.told(place, sum(turn > place for turn in turns))
        asked += 1
        assert asked <= 2 * length.bit_length()
    behind = sum(turn > search.place for turn in turns)
    assert min(limit, len(turns)) <= behind <= limit + max(8, limit // 2)
