"""Which peers a gateway holds, and what signaling is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from tests.telemetry.measured import Measured

from bus.errors import Refusal, UnavailableError
from bus.interface import Event
from contracts import metrics, subjects
from contracts.gateway import AddCandidate, ClosePeer, OpenPeer, SessionEntered
from contracts.message import ErrorCode, Problem
from contracts.signaling import IceCandidate
from rtc_gateway.measures import Measures
from rtc_gateway.model_news import ModelNews
from rtc_gateway.peer import PeerError
from rtc_gateway.registry import PEERS_OF_A_SESSION_MAX, SPARE_MIN, Registry
from rtc_gateway.session import SessionLimits

OWNER = "a" * 26
WAIT_S = 5

Running = Callable[..., AbstractAsyncContextManager[Registry]]


def offer(session: str = "s1", attempt: int = 1, epoch: int = 1) -> OpenPeer:
    return OpenPeer(session=session, owner=OWNER, attempt=attempt, epoch=epoch, sdp="offer")


@pytest.fixture
def running(bus: Any, peers: Any, measures: Measures) -> Running:
    @asynccontextmanager
    async def run(capacity: int = 10, owner_capacity: int = 10) -> AsyncIterator[Registry]:
        registry = Registry(
            instance="g1",
            bus=bus,
            peers=peers,
            capacity=capacity,
            owner_capacity=owner_capacity,
            limits=SessionLimits(),
            measures=measures,
            model=ModelNews(bus, silent_after_s=300),
        )
        async with asyncio.timeout(WAIT_S), registry.running():
            yield registry

    return run


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the doubles have no event for it
            await asyncio.sleep(0)


async def refused(call: Any) -> Problem:
    with pytest.raises(Refusal) as refusal:
        await call
    return refusal.value.problem


async def test_an_offer_is_answered_once_events_of_session_and_owner_arrive(
    running: Running, bus: Any, peers: Any
) -> None:
    async with running() as registry:
        opened = await registry.open(offer())
        assert (opened.instance, opened.sdp) == ("g1", "answer to offer")
        assert [subscription.subject for subscription in bus.subscriptions] == [
            subjects.ANY_SESSION_ENTERED,
            subjects.live_of_session("s1"),
            subjects.todo_changed(OWNER),
        ]
        assert registry.sessions == 1
        assert not peers.made[0].closed
    assert peers.made[0].closed
    assert not any(subscription.open for subscription in bus.subscriptions)
    assert registry.sessions == 0


async def superseded(page: Any) -> None:
    """It hears the last word, and is closed."""
    last = await page.messages.get()
    while last.type in {"ping", "session.current"}:
        last = await page.messages.get()
    assert (last.type, last.code, last.final) == ("error", ErrorCode.SUPERSEDED, True)
    await until(lambda: page.closed)


async def test_an_older_peer_serves_until_the_newer_one_is_open_and_hears_who_has_the_session_then(
    running: Running, bus: Any, peers: Any
) -> None:
    async with running() as registry:
        await registry.open(offer())
        older = peers.made[0]
        older.handlers.on_open()
        await registry.open(offer(epoch=2))
        older.handlers.on_message('{"type": "ping", "id": "p1"}')
        while (await older.messages.get()).type != "pong":
            pass
        peers.made[1].handlers.on_open()
        await superseded(older)
        assert not peers.made[1].closed
        await until(lambda: registry.sessions == 1)
        assert (subjects.session_entered("s1"), SessionEntered(session="s1", epoch=2, attempt=1)) in bus.published
        await until(lambda: sum(subscription.open for subscription in bus.subscriptions) == 3)


@pytest.mark.parametrize(("rank", "lets_go"), [((2, 1), True), ((1, 3), True), ((1, 2), False), ((1, 1), False)])
async def test_the_word_of_another_gateway_closes_what_is_older(
    running: Running, bus: Any, peers: Any, rank: tuple[int, int], lets_go: bool
) -> None:
    async with running() as registry:
        await registry.open(offer(attempt=2))
        page = peers.made[0]
        page.handlers.on_open()
        entered = SessionEntered(session="s1", epoch=rank[0], attempt=rank[1])
        await bus.subscriptions[0].handler(Event(subjects.session_entered("s1"), entered.to_json()))
        if lets_go:
            await superseded(page)
        else:
            assert not page.closed


async def hear(bus: Any, epoch: int, attempt: int = 1) -> None:
    """What another gateway says of the session."""
    entered = SessionEntered(session="s1", epoch=epoch, attempt=attempt)
    await bus.subscriptions[0].handler(Event(subjects.session_entered("s1"), entered.to_json()))


async def test_whoever_hears_of_an_older_connection_than_theirs_says_which_is_newer(
    running: Running, bus: Any, peers: Any
) -> None:
    said = (subjects.session_entered("s1"), SessionEntered(session="s1", epoch=3, attempt=1))
    async with running() as registry:
        await registry.open(offer(epoch=3))
        await hear(bus, epoch=2)
        assert bus.published == []  # what is not open has nothing to say
        peers.made[0].handlers.on_open()
        await until(lambda: bus.published == [said])
        await hear(bus, epoch=2)
        assert bus.published == [said, said]
        await hear(bus, epoch=3)  # our own word comes back to us
        assert len(bus.published) == 2
        assert not peers.made[0].closed


async def test_after_words_may_have_been_lost_what_is_open_is_said_again_until_it_is_said(
    running: Running, bus: Any, peers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtc_gateway.patience.RETRY_FIRST_S", 0)
    async with running() as registry:
        await registry.open(offer())
        peers.made[0].handlers.on_open()
        await until(lambda: len(bus.published) == 1)
        bus.on_publish = [UnavailableError("away"), UnavailableError("away")]
        bus.subscriptions[0].on_loss()
        await until(lambda: len(bus.published) == 2)
        assert bus.on_publish == []
        await hear(bus, epoch=2)
        await superseded(peers.made[0])


async def test_a_word_that_is_malformed_changes_nothing(running: Running, bus: Any, peers: Any) -> None:
    async with running() as registry:
        await registry.open(offer())
        await bus.subscriptions[0].handler(Event(subjects.session_entered("s1"), b"{"))
        assert not peers.made[0].closed


async def test_offers_that_never_open_take_nothing_from_the_connection_that_works(running: Running, peers: Any) -> None:
    async with running() as registry:
        await registry.open(offer())
        peers.made[0].handlers.on_open()
        for epoch in range(2, 3 + PEERS_OF_A_SESSION_MAX):
            await registry.open(offer(epoch=epoch))
        await until(lambda: registry.sessions == PEERS_OF_A_SESSION_MAX)
        assert not peers.made[0].closed


async def test_moving_sessions_have_a_few_places_beyond_the_capacity_and_no_more(running: Running) -> None:
    async with running(capacity=2) as registry:
        await registry.open(offer("s1"))
        await registry.open(offer("s2"))
        for session in ("s1", "s2"):
            for attempt in (2, 3):
                await registry.open(offer(session, attempt=attempt))
        assert registry.sessions == 2 + SPARE_MIN
        with pytest.raises(Refusal):
            await registry.open(offer("s3"))


async def test_a_session_has_a_few_peers_at_most(running: Running, peers: Any) -> None:
    async with running() as registry:
        for attempt in range(1, 6):
            await registry.open(offer(attempt=attempt))
        await until(lambda: registry.sessions == PEERS_OF_A_SESSION_MAX)
        assert [peer.closed for peer in peers.made] == [True, True, False, False, False]


async def test_one_owner_does_not_take_every_place(running: Running, measured: Measured) -> None:
    async with running(owner_capacity=1) as registry:
        await registry.open(offer("s1"))
        assert (await refused(registry.open(offer("s2")))).code is ErrorCode.LIMIT
        await registry.open(offer("s1", attempt=2))
        await registry.open(OpenPeer(session="s3", owner="b" * 26, attempt=1, sdp="offer"))
    assert measured(metrics.RTC_OFFERS, {"result": "limit"}) == 1


async def test_an_offer_of_an_older_epoch_is_refused_for_good(running: Running, peers: Any) -> None:
    async with running() as registry:
        await registry.open(offer(epoch=3))
        problem = await refused(registry.open(offer(epoch=2)))
        assert (problem.code, problem.final) == (ErrorCode.SUPERSEDED, True)
        assert not peers.made[0].closed


async def test_a_full_gateway_refuses_new_sessions_and_serves_those_it_has(
    running: Running, measured: Measured
) -> None:
    async with running(capacity=1) as registry:
        assert await registry.ready() is None
        await registry.open(offer("s1"))
        assert await registry.ready() == "full"
        assert (await refused(registry.open(offer("s2")))).code is ErrorCode.CAPACITY
        await registry.open(offer("s1", attempt=2))
        assert measured(metrics.SESSIONS) == 2
    assert measured(metrics.SESSIONS) == 0
    assert measured(metrics.CLOSED, {"reason": "closed"}) == 2
    assert measured(metrics.RTC_OFFERS, {"result": "answered"}) == 2
    assert measured(metrics.RTC_OFFERS, {"result": "capacity"}) == 1


async def test_an_offer_that_the_peer_refuses_leaves_nothing_behind(running: Running, bus: Any, peers: Any) -> None:
    peers.on_accept = PeerError(Problem(code=ErrorCode.INVALID, field="sdp", detail="is no SDP"))
    async with running() as registry:
        problem = await refused(registry.open(offer()))
        assert (problem.code, problem.field) == (ErrorCode.INVALID, "sdp")
        await until(lambda: registry.sessions == 0)
        assert peers.made[0].closed
        await until(lambda: sum(subscription.open for subscription in bus.subscriptions) == 1)


async def test_without_events_there_is_no_answer(running: Running, bus: Any, peers: Any) -> None:
    async with running() as registry:
        bus.on_subscribe = UnavailableError("the bus is away")
        assert (await refused(registry.open(offer()))).code is ErrorCode.UNAVAILABLE
        await until(lambda: registry.sessions == 0)
        assert peers.made[0].closed


async def test_candidates_reach_the_peer_of_their_attempt_only_and_their_end_reaches_none(
    running: Running, peers: Any
) -> None:
    candidate = IceCandidate(candidate="candidate:1 1 udp 1 192.0.2.9 5000 typ host", sdp_mid="0")
    async with running() as registry:
        await registry.open(offer())
        await registry.add_candidate(AddCandidate(session="s1", attempt=1, candidate=candidate))
        await registry.add_candidate(AddCandidate(session="s1", attempt=1, candidate=None))
        assert peers.made[0].candidates == [candidate]
        for session, attempt in (("s1", 2), ("s2", 1)):
            request = AddCandidate(session=session, attempt=attempt, candidate=candidate)
            assert (await refused(registry.add_candidate(request))).code is ErrorCode.NOT_FOUND
        assert peers.made[0].candidates == [candidate]


async def test_bye_closes_the_peer_of_its_attempt_only(running: Running, peers: Any) -> None:
    async with running() as registry:
        await registry.open(offer(attempt=2))
        await registry.close(ClosePeer(session="s1", attempt=1))
        await registry.close(ClosePeer(session="unknown", attempt=1))
        assert registry.sessions == 1
        await registry.close(ClosePeer(session="s1", attempt=2))
        await until(lambda: registry.sessions == 0)
        assert peers.made[0].closed


async def test_a_peer_that_closes_frees_its_place(running: Running, peers: Any) -> None:
    async with running(capacity=1) as registry:
        await registry.open(offer("s1"))
        peers.made[0].close()
        await until(lambda: registry.sessions == 0)
        await registry.open(offer("s2"))


async def test_draining_refuses_offers_tells_pages_and_waits_until_they_have_left(running: Running, peers: Any) -> None:
    async with running() as registry:
        await registry.open(offer())
        page = peers.made[0]
        page.handlers.on_open()
        draining = asyncio.ensure_future(registry.drain(patience_s=WAIT_S))
        while (await page.messages.get()).type != "draining":
            pass
        assert await registry.ready() == "draining"
        assert (await refused(registry.open(offer("s2")))).code is ErrorCode.UNAVAILABLE
        assert not draining.done()
        page.close()
        await draining


async def test_pages_are_told_to_leave_one_after_the_other_over_half_of_the_time(running: Running, peers: Any) -> None:
    async with running() as registry:
        for number in range(4):
            await registry.open(offer(f"s{number}"))
            peers.made[number].handlers.on_open()
        await registry.drain(patience_s=0.4)
        waits: list[int] = []
        for page in peers.made:
            message = await page.messages.get()
            while message.type != "draining":
                message = await page.messages.get()
            waits.append(message.retry_after_ms)
        assert sorted(waits) == [0, 50, 100, 150]


async def test_draining_does_not_wait_longer_than_it_may(running: Running, peers: Any) -> None:
    async with running() as registry:
        await registry.open(offer())
        peers.made[0].handlers.on_open()
        await registry.drain(patience_s=0.05)
        assert not peers.made[0].closed
    assert peers.made[0].closed


async def test_a_gateway_without_a_bus_is_not_ready(running: Running, bus: Any) -> None:
    async with running() as registry:
        bus.lacks = "bus"
        assert await registry.ready() == "bus"
