"""Sessions in the bucket of a real NATS server: who goes on with one, and who gets one of their own."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bus.errors import NoReplyError, UnavailableError
from bus.interface import Event
from bus.memory_bus import MemoryBus
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.message import ErrorCode, Message, Problem
from contracts.sessions import SessionRecord
from contracts.tokens import new_session_id, owner_key
from local_stack.temporary import running_nats, temporary_directory
from provision import topology
from signaling.sessions import TRIES, EnteredSession, Sessions, digest

ADA, EVE = owner_key("local", "ada"), owner_key("local", "eve")


@pytest.fixture
async def bus(nats_server: Any) -> AsyncIterator[NatsBus]:
    async with NatsBus.connected_to(nats_server.bus_settings("signaling")) as bus:
        yield bus


async def entered(
    sessions: Sessions, owner: str, session: str | None = None, token: str | None = None
) -> EnteredSession:
    async with asyncio.timeout(20):
        answer = await sessions.enter(owner, session, token)
    assert isinstance(answer, EnteredSession), answer
    return answer


async def record_of(bus: Any, session: str) -> SessionRecord:
    kept = await bus.stored(streams.SESSIONS, subjects.session_record(session))
    assert kept is not None
    return SessionRecord.from_json(kept.data)


async def test_whoever_comes_without_a_session_gets_one_and_no_token_is_kept(bus: NatsBus) -> None:
    before = datetime.now(UTC)
    first, second = await entered(Sessions(bus), ADA), await entered(Sessions(bus), ADA)
    assert (first.epoch, first.resumed) == (1, False)
    assert first.session != second.session
    assert first.resume_token != second.resume_token
    assert len(first.resume_token) == 43, "256 bits in base64"
    record = await record_of(bus, first.session)
    assert (record.owner, record.epoch, record.resume_before) == (ADA, 1, None)
    assert record.resume == digest(first.resume_token)
    assert before <= record.entered_at <= datetime.now(UTC)
    assert first.resume_token not in repr(first)


async def test_going_on_raises_the_epoch_and_changes_the_token(bus: NatsBus) -> None:
    first = await entered(Sessions(bus), ADA)
    second = await entered(Sessions(bus), ADA, first.session, first.resume_token)
    third = await entered(Sessions(bus), ADA, second.session, second.resume_token)
    assert [one.session for one in (second, third)] == [first.session] * 2
    assert [(one.epoch, one.resumed) for one in (second, third)] == [(2, True), (3, True)]
    late = await entered(Sessions(bus), ADA, first.session, first.resume_token)
    assert (late.session == first.session, late.resumed) == (False, False), "a token twice removed is good no more"
    assert (await record_of(bus, first.session)).epoch == 3


async def test_where_the_answer_was_lost_the_token_it_answered_is_still_good(bus: NatsBus) -> None:
    first = await entered(Sessions(bus), ADA)
    for epoch in (2, 3, 4):  # nobody hears of the first two
        again = await entered(Sessions(bus), ADA, first.session, first.resume_token)
        assert (again.session, again.epoch, again.resumed) == (first.session, epoch, True)


async def test_a_session_out_of_a_backup_is_gone_on_with_and_counts_as_new_until_its_new_token_is_shown(
    bus: NatsBus,
) -> None:
    first = await entered(Sessions(bus), ADA)
    kept = await bus.stored(streams.SESSIONS, subjects.session_record(first.session))
    assert kept is not None
    marked = (await record_of(bus, first.session)).model_copy(update={"restored": (digest(first.resume_token),)})
    await bus.replace(subjects.session_record(first.session), marked, seen=kept.sequence or 0)
    for epoch in (2, 3):  # nobody hears of the first, and so the old token comes again
        again = await entered(Sessions(bus), ADA, first.session, first.resume_token)
        assert (again.session, again.epoch, again.resumed) == (first.session, epoch, False)
    later = await entered(Sessions(bus), ADA, first.session, again.resume_token)
    assert (later.session, later.epoch, later.resumed) == (first.session, 4, True)
    assert (await record_of(bus, first.session)).restored == ()


@pytest.mark.parametrize("token", [None, "", "guessed", "\ud800"])
async def test_an_id_without_its_token_opens_nothing(bus: NatsBus, token: str | None) -> None:
    first = await entered(Sessions(bus), ADA)
    thief = await entered(Sessions(bus), ADA, first.session, token)
    assert (thief.session == first.session, thief.resumed, thief.epoch) == (False, False, 1)
    assert (await record_of(bus, first.session)).epoch == 1


async def test_the_hash_that_is_kept_is_no_token(bus: NatsBus) -> None:
    first = await entered(Sessions(bus), ADA)
    thief = await entered(Sessions(bus), ADA, first.session, (await record_of(bus, first.session)).resume)
    assert not thief.resumed


async def test_a_session_of_another_owner_opens_nothing_even_with_its_token(bus: NatsBus) -> None:
    first = await entered(Sessions(bus), ADA)
    eve = await entered(Sessions(bus), EVE, first.session, first.resume_token)
    assert (eve.session == first.session, eve.resumed) == (False, False)
    assert (await record_of(bus, eve.session)).owner == EVE
    assert (await entered(Sessions(bus), ADA, first.session, first.resume_token)).resumed


async def test_a_session_that_is_not_there_is_replaced_by_a_new_one(bus: NatsBus) -> None:
    gone = await entered(Sessions(bus), ADA, new_session_id(), "token")
    assert not gone.resumed


class Anything(Message):
    """Not a record."""

    owner: str = "?"


async def test_a_record_that_cannot_be_read_counts_as_none(bus: NatsBus) -> None:
    session = new_session_id()
    await bus.replace(subjects.session_record(session), Anything(), seen=0)
    assert not (await entered(Sessions(bus), ADA, session, "token")).resumed


async def test_a_record_that_was_deleted_counts_as_none(bus: NatsBus) -> None:
    """As `nats kv del` does it: an empty message in its place."""
    first = await entered(Sessions(bus), ADA)
    client = bus._client
    await client.request(subjects.session_record(first.session), b"", headers={"KV-Operation": "DEL"}, timeout=5)
    again = await entered(Sessions(bus), ADA, first.session, first.resume_token)
    assert (again.session == first.session, again.resumed) == (False, False)


async def test_sockets_that_go_on_with_one_session_at_once_get_an_epoch_each(bus: NatsBus) -> None:
    first = await entered(Sessions(bus), ADA)
    both = await asyncio.gather(*(entered(Sessions(bus), ADA, first.session, first.resume_token) for _ in range(2)))
    assert {one.session for one in both} == {first.session}
    assert sorted(one.epoch for one in both) == [2, 3]
    newest = max(both, key=lambda one: one.epoch)
    assert (await entered(Sessions(bus), ADA, first.session, newest.resume_token)).epoch == 4


async def test_a_full_bucket_forgets_who_has_not_entered_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    small = [replace(stream, max_bytes=1024**2) for stream in streams.STREAMS if stream.name == streams.SESSIONS]
    monkeypatch.setattr(topology, "STREAMS", small)
    monkeypatch.setattr(topology, "CONSUMERS", ())
    with temporary_directory() as directory:
        async with running_nats(directory) as server, NatsBus.connected_to(server.bus_settings("signaling")) as bus:
            first = await entered(Sessions(bus), ADA)
            filling = Anything(owner="x" * 100_000)
            for _ in range(12):
                await bus.replace(subjects.session_record(new_session_id()), filling, seen=0)
            kept = await entered(Sessions(bus), ADA, first.session, first.resume_token)
            assert (kept.session == first.session, kept.resumed) == (False, False)
            for _ in range(12):
                kept = await entered(Sessions(bus), ADA, kept.session, kept.resume_token)
                assert kept.resumed  # who goes on entering is not forgotten
                await bus.replace(subjects.session_record(new_session_id()), filling, seen=0)


class Troubled(MemoryBus):
    """A bus on which writes are done and their answers lost, or not done, and reads come from a replica behind."""

    def __init__(self) -> None:
        super().__init__()
        self.lost_answers = 0
        self.lost_requests = 0
        self.stale_reads: list[Event | None] = []

    async def replace(self, subject: str, message: Message, *, seen: int) -> int | None:
        if self.lost_requests > 0:
            self.lost_requests -= 1
            raise NoReplyError("no answer")
        kept = await super().replace(subject, message, seen=seen)
        if self.lost_answers > 0:
            self.lost_answers -= 1
            raise NoReplyError("no answer")
        return kept

    async def stored(self, stream: str, subject: str) -> Event | None:
        return self.stale_reads.pop(0) if self.stale_reads else await super().stored(stream, subject)


async def test_a_write_whose_answer_was_lost_is_found_by_reading() -> None:
    bus = Troubled()
    bus.lost_answers = 1
    first = await entered(Sessions(bus), ADA)
    assert len(bus.kept(streams.SESSIONS)) == 1
    bus.lost_answers = 1
    second = await entered(Sessions(bus), ADA, first.session, first.resume_token)
    assert (second.epoch, second.resumed) == (2, True), "one entering, one epoch"
    assert (await record_of(bus, first.session)).resume == digest(second.resume_token)


async def test_a_write_that_was_not_done_is_done_again() -> None:
    bus = Troubled()
    bus.lost_requests = 1
    first = await entered(Sessions(bus), ADA)
    bus.lost_requests = 1
    second = await entered(Sessions(bus), ADA, first.session, first.resume_token)
    assert (second.epoch, len(bus.kept(streams.SESSIONS))) == (2, 1)


async def test_a_replica_that_is_behind_costs_nobody_their_session() -> None:
    bus = Troubled()
    first = await entered(Sessions(bus), ADA)
    old = await bus.stored(streams.SESSIONS, subjects.session_record(first.session))
    second = await entered(Sessions(bus), ADA, first.session, first.resume_token)
    bus.stale_reads = [old]
    third = await entered(Sessions(bus), ADA, first.session, second.resume_token)
    assert (third.session, third.epoch) == (first.session, 3)
    bus.stale_reads = [None]
    assert (await entered(Sessions(bus), ADA, first.session, third.resume_token)).epoch == 4
    bus.stale_reads = [old] * TRIES
    crowded = await Sessions(bus).enter(ADA, first.session, first.resume_token)
    assert isinstance(crowded, Problem), "but not for ever"
    assert (crowded.code, crowded.final) == (ErrorCode.OVERLOADED, False)


@pytest.mark.parametrize("error", [UnavailableError("away"), NoReplyError("away")])
async def test_without_the_bus_the_client_may_try_again(error: Exception) -> None:
    class Away(MemoryBus):
        async def stored(self, stream: str, subject: str) -> Event | None:
            raise error

    bus = Away()
    problem = await Sessions(bus).enter(ADA, "s-1", "token")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.final) == (ErrorCode.UNAVAILABLE, False)
    bus.away = True
    assert await Sessions(bus).enter(ADA, None, None) == problem
