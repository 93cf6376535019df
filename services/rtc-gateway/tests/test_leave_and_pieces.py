"""What ends by the clock: a page's leave to stay, and how long a piece of prose is held."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.errors import Reason, TokenRefusedError
from bus.errors import RemoteError
from bus.interface import Stored
from contracts import subjects
from contracts.channel import TurnDeltaEvent
from contracts.gateway import TokenVerified
from contracts.message import ErrorCode, Problem
from contracts.turns import TurnDelta
from rtc_gateway.pieces import JOINED_MAX_CHARS, Pieces
from rtc_gateway.session import SessionLimits

OWNER = "a" * 26
WAIT_S = 5
SOON = timedelta(seconds=0.3)
LATER = timedelta(hours=1)

OpenPage = Callable[..., Awaitable[Any]]


def piece(text: str, offset: int, turn: str = "t1", attempt: int = 1) -> TurnDeltaEvent:
    return TurnDeltaEvent(turn_id=turn, attempt=attempt, offset=offset, text=text)


async def test_a_page_whose_token_ends_is_told_so_and_closed(open_page: OpenPage) -> None:
    page = await open_page(until=datetime.now(UTC) + SOON)
    last = await page.next()
    assert (last.type, last.code, last.final) == ("error", ErrorCode.UNAUTHORISED, True)
    async with asyncio.timeout(WAIT_S):
        assert await asyncio.shield(page.ended) == "unauthorised"


async def test_a_new_token_lets_it_stay(open_page: OpenPage) -> None:
    first_end = datetime.now(UTC) + SOON
    page = await open_page(until=first_end)
    later = datetime.now(UTC) + LATER
    page.bus.answers[subjects.AUTH_VERIFY] = TokenVerified(owner=OWNER, expires_at=later)
    page.send({"type": "token.renew", "id": "r1", "token": "header.claims.signature"})
    renewed = await page.next()
    assert (renewed.type, renewed.ref, renewed.expires_at) == ("token.renewed", "r1", later)
    await asyncio.sleep((first_end - datetime.now(UTC)).total_seconds() + 0.05)
    await page.nothing_more()


@pytest.mark.parametrize(
    "answer",
    [
        RemoteError(TokenRefusedError(Reason.EXPIRED).problem),
        TokenVerified(owner="b" * 26, expires_at=datetime.now(UTC) + LATER),
    ],
)
async def test_a_token_that_is_refused_or_somebody_elses_changes_nothing(open_page: OpenPage, answer: Any) -> None:
    page = await open_page(until=datetime.now(UTC) + SOON)
    page.bus.answers[subjects.AUTH_VERIFY] = answer
    page.send({"type": "token.renew", "id": "r1", "token": "header.claims.signature"})
    refused = await page.next()
    assert (refused.type, refused.code, refused.ref, refused.final) == ("error", ErrorCode.UNAUTHORISED, "r1", False)
    last = await page.next()
    assert (last.code, last.final) == (ErrorCode.UNAUTHORISED, True)


async def test_an_older_token_does_not_shorten_the_stay(open_page: OpenPage) -> None:
    page = await open_page(until=datetime.now(UTC) + LATER)
    page.bus.answers[subjects.AUTH_VERIFY] = TokenVerified(owner=OWNER, expires_at=datetime.now(UTC))
    page.send({"type": "token.renew", "id": "r1", "token": "header.claims.signature"})
    assert (await page.next()).type == "token.renewed"
    for _ in range(5):
        await asyncio.sleep(0)
    await page.nothing_more()


async def test_a_last_piece_for_which_there_is_no_room_does_not_keep_a_session_from_ending(
    open_page: OpenPage,
) -> None:
    page = await open_page(SessionLimits(outbox_count_max=2))
    page.peer.room.clear()
    delta = TurnDelta(session="s1", turn_id="t1", attempt=1, offset=0, text="One list.")
    await page.event("live.evt.prose.s1.t1.delta", delta)
    for _ in range(5):
        await asyncio.sleep(0)
    page.send({"type": "ping", "id": "p1"})
    for _ in range(5):
        await asyncio.sleep(0)
    page.session.close(Problem(code=ErrorCode.SUPERSEDED, final=True))
    async with asyncio.timeout(WAIT_S):
        assert await asyncio.shield(page.ended) == "superseded"


async def test_pieces_that_follow_each_other_become_one_within_a_moment() -> None:
    told: asyncio.Queue[TurnDeltaEvent] = asyncio.Queue()
    pieces = Pieces(told.put_nowait)
    for offset, text in ((0, "Two "), (4, "lists "), (10, "are open.")):
        pieces.add(piece(text, offset))
    assert told.empty()
    async with asyncio.timeout(WAIT_S):
        assert await told.get() == piece("Two lists are open.", 0)
    assert told.empty()


async def test_what_does_not_follow_stays_apart_and_in_order() -> None:
    told: list[TurnDeltaEvent] = []
    pieces = Pieces(told.append)
    apart = [piece("a", 0), piece("b", 5), piece("c", 6, attempt=2), piece("d", 7, turn="t2")]
    for one in apart:
        pieces.add(one)
    pieces.flush()
    assert told == apart


async def test_a_long_piece_does_not_wait() -> None:
    told: list[TurnDeltaEvent] = []
    pieces = Pieces(told.append)
    pieces.add(piece("x" * (JOINED_MAX_CHARS - 1), 0))
    assert told == []
    pieces.add(piece("y", JOINED_MAX_CHARS - 1))
    assert [len(one.text) for one in told] == [JOINED_MAX_CHARS]


async def test_held_pieces_go_out_before_whatever_else_is_told(open_page: OpenPage) -> None:
    page = await open_page()
    page.bus.on_store = Stored(sequence=3)
    for offset, text in ((0, "One "), (4, "list.")):
        delta = TurnDelta(session="s1", turn_id="t1", attempt=1, offset=offset, text=text)
        await page.event("live.evt.prose.s1.t1.delta", delta)
    page.send({"type": "turn.start", "id": "m1", "turn_id": "t2", "text": "add tea"})
    heard = [await page.next(), await page.next()]
    # A short message goes before a long one, but the prose was handed over first.
    assert {message.type for message in heard} == {"turn.delta", "turn.accepted"}
    assert next(message.text for message in heard if message.type == "turn.delta") == "One list."
