"""The contract of a bus, over the real one and the one in memory: what is stored, and the work that comes of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from bus.errors import LetGo, RetryLater, Unprocessable
from bus.interface import Backlog, Event, Job
from bus.memory_streams import partition_of
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.turns import Phase, TurnPhase

from .two_buses import BOUND_S, Buses, Number


async def test_a_repeated_start_is_known_to_the_stream_and_kept_as_it_was(buses: Buses) -> None:
    gateway = await buses.of("rtc-gateway")
    subject = subjects.turn_started("dup", uuid4().hex)
    first, again = await gateway.store(subject, Number(n=1)), await gateway.store(subject, Number(n=2))
    assert not first.repeated
    assert first.sequence is not None
    assert again.repeated


async def test_what_is_stored_comes_live_with_its_sequence(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    arrived: asyncio.Queue[Event] = asyncio.Queue()
    session, turn = uuid4().hex, uuid4().hex
    subscription = await gateway.subscribe(subjects.live_of_session(session), arrived.put)
    phase = TurnPhase(session=session, turn_id=turn, phase=Phase.PLAN, attempt=1, elapsed_ms=0)
    await agent.publish(subjects.turn_phase(session, turn, "plan"), phase)
    stored = await agent.store(subjects.turn_completed(session, turn), Number(n=1))
    events = [await asyncio.wait_for(arrived.get(), BOUND_S) for _ in range(2)]
    completed = next(event for event in events if event.subject.endswith(".completed"))
    assert completed.sequence == stored.sequence
    assert all(event.sequence for event in events)
    await subscription.close()


async def test_a_second_outcome_of_a_turn_is_refused_and_nobody_hears_it(buses: Buses) -> None:
    agent, gateway = await buses.of("agent"), await buses.of("rtc-gateway")
    arrived: asyncio.Queue[Event] = asyncio.Queue()
    session, turn, other = uuid4().hex, uuid4().hex, uuid4().hex
    subscription = await gateway.subscribe(subjects.live_of_session(session), arrived.put)
    assert not (await agent.store(subjects.turn_completed(session, turn), Number(n=1))).repeated
    assert (await agent.store(subjects.turn_completed(session, turn), Number(n=2))).repeated
    await agent.store(subjects.turn_completed(session, other), Number(n=3))
    heard = [await asyncio.wait_for(arrived.get(), BOUND_S) for _ in range(2)]
    assert [Number.from_json(event.data).n for event in heard] == [1, 3]
    kept = await gateway.stored(streams.CHAT, subjects.turn_completed(session, turn))
    assert kept is not None
    assert Number.from_json(kept.data).n == 1
    await subscription.close()


class Working:
    """Collects the jobs that two agents' workers handle, and lets a test decide what becomes of each."""

    def __init__(self) -> None:
        self.handled: list[tuple[str, Job]] = []
        self.changed = asyncio.Condition()

    async def note(self, who: str, job: Job) -> None:
        async with self.changed:
            self.handled.append((who, job))
            self.changed.notify_all()


CONSUMERS = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))


async def test_two_agents_share_jobs_each_once_and_each_session_in_order(buses: Buses) -> None:
    gateway, first, second = await buses.of("rtc-gateway"), await buses.of("agent"), await buses.another("agent")
    working = Working()
    sessions = [uuid4().hex for _ in range(6)]
    running = [
        await agent.work(
            streams.CHAT, CONSUMERS, lambda job, who=who: working.note(who, job), slots=3, hints=subjects.LIVE_JOBS
        )
        for who, agent in (("first", first), ("second", second))
    ]
    for n in range(48):
        await gateway.store(subjects.turn_started(sessions[n % 6], f"turn{n:02d}"), Number(n=n))

    def ours() -> list[Job]:
        return [job for _, job in working.handled if job.subject.split(".")[3] in sessions]

    async with asyncio.timeout(30), working.changed:
        await working.changed.wait_for(lambda: len(ours()) >= 48)
    for work in running:
        await work.close()
    turns = [(job.subject.split(".")[3], job.subject.split(".")[4]) for job in ours()]
    assert len(turns) == len(set(turns)) == 48
    for session in sessions:
        mine = [turn for owner, turn in turns if owner == session]
        assert mine == sorted(mine)


async def test_a_job_given_back_comes_again_and_keeps_its_place(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    working, session = Working(), uuid4().hex
    refused: set[str] = set()

    async def handler(job: Job) -> None:
        if session in job.subject and not refused:
            refused.add(job.subject)
            raise RetryLater("not now", 0.05)
        await working.note("agent", job)

    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    for n in range(3):
        await gateway.store(subjects.turn_started(session, f"turn{n}"), Number(n=n))
    async with asyncio.timeout(30), working.changed:
        await working.changed.wait_for(lambda: len([job for _, job in working.handled if session in job.subject]) == 3)
    mine = [job for _, job in working.handled if session in job.subject]
    assert [job.subject.rsplit(".", 1)[1] for job in mine] == ["turn0", "turn1", "turn2"]
    assert [job.deliveries for job in mine] == [2, 1, 1]
    await work.close()


async def test_a_job_that_nobody_can_handle_is_taken_out_and_the_next_one_comes(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    session, tries, done = uuid4().hex, list[str](), asyncio.Event()

    async def handler(job: Job) -> None:
        if session in job.subject:
            turn = job.subject.rsplit(".", 1)[1]
            tries.append(turn)
            if turn == "bad":
                raise Unprocessable("unreadable")
            done.set()

    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    await gateway.store(subjects.turn_started(session, "bad"), Number(n=1))
    await gateway.store(subjects.turn_started(session, "good"), Number(n=2))
    await asyncio.wait_for(done.wait(), BOUND_S)
    await work.close()
    assert tries == ["bad", "good"]


async def test_closing_waits_for_the_job_in_hand_and_acks_it(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    session, began, go_on = uuid4().hex, asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def handler(job: Job) -> None:
        if session in job.subject:
            began.set()
            await go_on.wait()
            finished.append(job.subject)

    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    await gateway.store(subjects.turn_started(session, "turn"), Number(n=1))
    await asyncio.wait_for(began.wait(), BOUND_S)
    closing = asyncio.create_task(work.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await asyncio.wait_for(closing, BOUND_S)
    assert len(finished) == 1


async def test_a_session_has_the_same_partition_on_every_bus(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    sessions = {uuid4().hex for _ in range(20)}
    seen: dict[str, int] = {}
    all_seen = asyncio.Event()

    async def hinted(event: Event) -> None:
        session = event.subject.split(".")[4]
        if session in sessions:
            seen[session] = subjects.partition_of_live_job(event.subject)
        if len(seen) == len(sessions):
            all_seen.set()

    subscription = await agent.subscribe(subjects.LIVE_JOBS, hinted)
    for session in sessions:
        await gateway.store(subjects.turn_started(session, "t"), Number(n=1))
    await asyncio.wait_for(all_seen.wait(), BOUND_S)
    assert seen == {session: partition_of(session) for session in sessions}
    await subscription.close()


def in_two_partitions() -> tuple[str, str]:
    """Two sessions of which neither waits for the other: a partition has one message in flight."""
    first = uuid4().hex
    while partition_of(second := uuid4().hex) == partition_of(first):
        pass
    return first, second


async def test_a_job_whose_handler_fails_is_given_back_and_one_let_go_is_not_acked(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    failing, leaving = in_two_partitions()
    tries: list[str] = []
    let_go, done = asyncio.Event(), asyncio.Event()

    async def handler(job: Job) -> None:
        session = job.subject.split(".")[3]
        if session == leaving:
            tries.append("let go")
            let_go.set()
            raise LetGo
        if session == failing:
            tries.append("failing")
            if tries.count("failing") == 1:
                raise RuntimeError
            done.set()

    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    await gateway.store(subjects.turn_started(leaving, "t"), Number(n=1))
    await asyncio.wait_for(let_go.wait(), BOUND_S)
    await gateway.store(subjects.turn_started(failing, "t"), Number(n=1))
    await asyncio.wait_for(done.wait(), BOUND_S)
    await work.close()
    assert tries.count("failing") == 2
    assert tries.count("let go") == 1  # its lease of ten seconds is another worker's to wait for
    # A shared server: leave no job behind for those who come after.
    rest = asyncio.Event()

    async def finish(job: Job) -> None:
        if leaving in job.subject:
            rest.set()

    work = await agent.work(streams.CHAT, CONSUMERS, finish, slots=2, hints=subjects.LIVE_JOBS)
    await asyncio.wait_for(rest.wait(), 30)
    await work.close()


async def test_what_a_stream_holds_is_walked_in_order_from_a_sequence_or_a_moment(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    session = uuid4().hex
    starts = f"job.chat.*.{session}.*"
    before = datetime.now(UTC)
    for n in range(3):
        await gateway.store(subjects.turn_started(session, f"turn{n}"), Number(n=n))
        await agent.store(subjects.turn_completed(session, f"turn{n}"), Number(n=n))
    walked: list[Event] = []
    while (found := await agent.next_stored(streams.CHAT, starts, behind=_last(walked), since=before)) is not None:
        walked.append(found)
    assert [event.subject.split(".")[3:] for event in walked] == [[session, f"turn{n}"] for n in range(3)]
    assert [Number.from_json(event.data).n for event in walked] == [0, 1, 2]
    assert all(event.at is not None and before <= event.at <= datetime.now(UTC) for event in walked)
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert await agent.next_stored(streams.CHAT, starts, since=later) is None
    # A sequence is the word that counts.
    last = await agent.next_stored(streams.CHAT, starts, behind=_last(walked[:2]), since=later)
    assert last is not None
    assert last.sequence == _last(walked)
    first = await agent.next_stored(streams.CHAT, starts)
    assert first is not None
    assert first.sequence == walked[0].sequence


def _last(walked: list[Event]) -> int:
    return walked[-1].sequence or 0 if walked else 0


async def test_a_consumer_is_settled_up_to_what_was_acked_and_never_beyond_what_waits(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    session = uuid4().hex
    consumer = streams.partition_consumer(partition_of(session))
    first, second = [
        (await gateway.store(subjects.turn_started(session, turn), Number(n=1))).sequence or 0 for turn in ("t1", "t2")
    ]
    began: asyncio.Queue[Job] = asyncio.Queue()
    go_on: asyncio.Queue[str] = asyncio.Queue()

    async def handler(job: Job) -> None:
        if session in job.subject:
            await began.put(job)
            if await go_on.get() == "give back":
                raise RetryLater("not now", 0.05)

    async def settled() -> int:
        found = await agent.settled(streams.CHAT, consumer)
        assert found is not None
        return found

    assert await settled() < first
    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    for what in ("give back", "ack"):
        assert (await asyncio.wait_for(began.get(), BOUND_S)).sequence == first
        assert await settled() < first
        await go_on.put(what)
    assert (await asyncio.wait_for(began.get(), BOUND_S)).sequence == second
    assert first <= await settled() < second
    await go_on.put("ack")
    async with asyncio.timeout(BOUND_S):
        while await settled() < second:  # noqa: ASYNC110
            await asyncio.sleep(0)  # the ack is on its way, and nobody tells of its arrival
    await work.close()
    assert await agent.settled(streams.CHAT, "nobody") is None


async def test_what_waits_and_what_is_in_hand_is_told_of_each_consumer(buses: Buses) -> None:
    gateway, agent = await buses.of("rtc-gateway"), await buses.of("agent")
    session = uuid4().hex
    consumer = streams.partition_consumer(partition_of(session))
    held_before = await agent.holdings(streams.CHAT)

    async def backlog() -> Backlog:
        return next(one for one in await agent.backlogs(streams.CHAT) if one.consumer == consumer)

    before = await backlog()
    first, second = [
        (await gateway.store(subjects.turn_started(session, turn), Number(n=1))).sequence or 0 for turn in ("t1", "t2")
    ]
    began: asyncio.Queue[Job] = asyncio.Queue()
    go_on = asyncio.Event()

    async def handler(job: Job) -> None:
        if session in job.subject:
            await began.put(job)
            await go_on.wait()

    held, waits = await agent.holdings(streams.CHAT), await backlog()
    assert (waits.waiting, waits.in_hand) == (before.waiting + 2, before.in_hand)
    assert held.messages == held_before.messages + 2
    assert held_before.size < held.size < held.size_max
    work = await agent.work(streams.CHAT, CONSUMERS, handler, slots=2, hints=subjects.LIVE_JOBS)
    assert (await asyncio.wait_for(began.get(), BOUND_S)).sequence == first
    taken = await backlog()
    assert (taken.waiting, taken.in_hand, taken.handed_out) == (1, 1, first)
    go_on.set()
    assert (await asyncio.wait_for(began.get(), BOUND_S)).sequence == second
    await work.close()
    assert (await agent.holdings(streams.DLQ)).size_max > 0
