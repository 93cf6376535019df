"""A session over several connections, against a server that speaks the real wire and loses what the test says."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

import client.connection
from client import (
    AgentSession,
    ClientError,
    ConnectError,
    Feed,
    Lost,
    Missed,
    Opened,
    Rejected,
    SessionEvent,
    TimedOut,
)
from client.outbox import ROOM
from contracts.channel import (
    ChannelDraining,
    ChannelError,
    OperationCompleted,
    PageMessage,
    RunOperation,
    SessionCurrent,
    StateGet,
    StateList,
    TokenRenew,
    TokenRenewed,
    TurnAccepted,
    TurnCompletedEvent,
    TurnPhaseEvent,
    TurnRejected,
    TurnStart,
)
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES
from contracts.message import ErrorCode, Message
from contracts.operations import CreateList
from contracts.signaling import Hello, Limits, Ready, Seen, SignalingError
from contracts.turns import OperationsCompleted, Outcome, Phase, Receipt, TurnCompleted

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WAIT_S = 10
LIMITS = Limits(frame_bytes=FRAME_MAX_BYTES, message_bytes=MESSAGE_IN_MAX_BYTES, request_bytes=8192, title_chars=500)


def welcoming(hello: Hello) -> Ready:
    """A server that resumes every session, and gives out a new token each time."""
    number = 0 if hello.resume_token is None else int(hello.resume_token)
    return Ready(
        version=1,
        session="s1",
        owner_name="you",
        limits=LIMITS,
        resumed=hello.session == "s1",
        resume_token=str(number + 1),
    )


def forgetting(hello: Hello) -> Ready:
    """A server that resumes none."""
    number = 0 if hello.resume_token is None else int(hello.resume_token)
    return welcoming(hello).model_copy(update={"session": f"s{number + 1}", "resumed": False})


def outcome(turn_id: str, seq: int | None = None, ref: str | None = None) -> TurnCompletedEvent:
    turn = TurnCompleted(
        session="s1", turn_id=turn_id, outcome=Outcome.CONFIRMED, text="Done.", receipt=Receipt(), completed_at=NOW
    )
    return TurnCompletedEvent(turn=turn, seq=seq, ref=ref)


def phase(turn_id: str, seq: int, phase: Phase = Phase.PLAN) -> TurnPhaseEvent:
    return TurnPhaseEvent(turn_id=turn_id, phase=phase, attempt=1, elapsed_ms=1, seq=seq)


def accepting(message: PageMessage) -> list[Message]:
    """Takes every turn, and completes none."""
    return [TurnAccepted(ref=message.id, turn_id=message.turn_id)] if isinstance(message, TurnStart) else []


def completing(message: PageMessage) -> list[Message]:
    return [*accepting(message), outcome(message.turn_id, ref=message.id)] if isinstance(message, TurnStart) else []


class World:
    """The server, and what a session says of its connections."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.changes: list[Opened | Lost] = []
        self._changed = asyncio.Event()
        server.on_hello = welcoming

    def session(self, **options: Any) -> Any:
        return AgentSession.open(self.server.url, **{"chance": lambda: 0.0, "on_change": self.note, **options})

    def note(self, change: Opened | Lost) -> None:
        self.changes.append(change)
        self._changed.set()

    async def opened(self, times: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while sum(isinstance(one, Opened) for one in self.changes) < times:
                self._changed.clear()
                await self._changed.wait()

    def sent(self, kind: type[PageMessage] = TurnStart) -> list[Any]:
        return [message for message in self.server.received if isinstance(message, kind)]

    async def until_sent(self, times: int, kind: type[PageMessage] = TurnStart) -> None:
        await self.server.until(lambda: len(self.sent(kind)) >= times)


@pytest.fixture
def world(server: Any) -> World:
    return World(server)


async def told(feed: Feed[SessionEvent], count: int) -> list[SessionEvent]:
    async with asyncio.timeout(WAIT_S):
        return [await anext(feed) for _ in range(count)]


async def soon(task: "asyncio.Task[Any]") -> Any:
    async with asyncio.timeout(WAIT_S):
        return await task


class TestAsking:
    async def test_a_turn_is_asked_again_on_each_channel_until_its_outcome_comes_and_is_told_once(
        self, world: World
    ) -> None:
        world.server.respond = accepting
        async with world.session() as session, asyncio.TaskGroup() as group:
            asking = group.create_task(session.ask("add milk", turn_id="t1", timeout=WAIT_S))
            for times in (1, 2):
                await world.until_sent(times)
                await world.server.drop()
            await world.opened(3)
            await world.until_sent(3)
            world.server.say(outcome("t1", seq=4), outcome("t1", seq=4), outcome("t1", ref="t1"))
            assert (await soon(asking)).turn_id == "t1"
        assert {message.turn_id for message in world.sent()} == {"t1"}
        assert len(world.sent()) == 3

    async def test_what_is_asked_without_a_channel_goes_out_with_the_next_in_its_order(self, world: World) -> None:
        world.server.respond = completing
        async with world.session() as session, asyncio.TaskGroup() as group:
            world.server.on_hello = None
            await world.server.drop()
            asked = [group.create_task(session.ask("x", turn_id=f"t{n}", timeout=WAIT_S)) for n in range(12)]
            await asyncio.sleep(0)
            world.server.on_hello = welcoming
            await world.server.abort_sockets()
            assert [(await soon(task)).turn_id for task in asked] == [f"t{n}" for n in range(12)]
        assert [message.turn_id for message in world.sent()] == [f"t{n}" for n in range(12)]

    async def test_the_phases_that_were_missed_are_told_to_whoever_asked(self, world: World) -> None:
        world.server.respond = accepting
        phases: list[Phase] = []
        async with world.session() as session, asyncio.TaskGroup() as group:
            asking = group.create_task(session.ask("x", turn_id="t1", on_phase=lambda one: phases.append(one.phase)))
            await world.until_sent(1)
            events = session.events()
            world.server.say(phase("t1", 1))
            await told(events, 1)
            world.server.on_open = (phase("t1", 2, Phase.EXECUTE), phase("t1", 3, Phase.CONFIRM), outcome("t1", seq=9))
            await world.server.drop()
            await soon(asking)
        assert phases == [Phase.PLAN, Phase.EXECUTE, Phase.CONFIRM]

    async def test_operations_are_run_again_under_their_id(self, world: World) -> None:
        def second(message: PageMessage) -> list[Message]:
            if not isinstance(message, RunOperation) or len(world.sent(RunOperation)) < 2:
                return []
            result = OperationsCompleted(
                operation_id=message.operation_id, outcome=Outcome.CONFIRMED, text="Created.", receipt=Receipt()
            )
            return [OperationCompleted(ref=message.id, result=result)]

        world.server.respond = second
        async with world.session() as session, asyncio.TaskGroup() as group:
            running = group.create_task(session.run([CreateList(list_id="l1", name="Travel")], operation_id="o1"))
            await world.until_sent(1, RunOperation)
            await world.server.drop()
            assert (await soon(running)).operation_id == "o1"
        assert [message.operation_id for message in world.sent(RunOperation)] == ["o1", "o1"]

    async def test_lists_that_were_on_their_way_are_read_again(self, world: World) -> None:
        def second(message: PageMessage) -> list[Message]:
            again = isinstance(message, StateGet) and len(world.sent(StateGet)) == 2
            return [StateList(ref=message.id, revision=3, index=0, last=True)] if again else []

        world.server.respond = second
        async with world.session() as session, asyncio.TaskGroup() as group:
            reading = group.create_task(session.lists(timeout=WAIT_S))
            await world.until_sent(1, StateGet)
            await world.server.drop()
            assert (await soon(reading)).revision == 3

    async def test_a_refusal_that_passes_is_waited_out(self, world: World) -> None:
        def third(message: PageMessage) -> list[Message]:
            if not isinstance(message, TurnStart):
                return []
            if len(world.sent()) == 1:
                return [TurnRejected(code=ErrorCode.OVERLOADED, ref=message.id, retry_after_ms=1)]
            if len(world.sent()) == 2:
                return [ChannelError(code=ErrorCode.TIMEOUT, ref=message.id)]
            return completing(message)

        world.server.respond = third
        async with world.session() as session:
            assert (await session.ask("x", turn_id="t1", timeout=WAIT_S)).turn_id == "t1"
        assert len(world.sent()) == 3

    async def test_an_error_after_something_was_done_is_not_raised_as_if_nothing_was(self, world: World) -> None:
        def second(message: PageMessage) -> list[Message]:
            if not isinstance(message, RunOperation):
                return []
            if len(world.sent(RunOperation)) == 1:
                return [ChannelError(code=ErrorCode.INTERNAL, ref=message.id, error_id="e1")]
            result = OperationsCompleted(
                operation_id=message.operation_id, outcome=Outcome.CONFIRMED, text="Created.", receipt=Receipt()
            )
            return [OperationCompleted(ref=message.id, result=result)]

        world.server.respond = second
        async with world.session() as session:
            result = await session.run([CreateList(list_id="l1", name="Travel")], operation_id="o1", timeout=WAIT_S)
            assert result.outcome is Outcome.CONFIRMED
            world.server.respond = lambda message: [ChannelError(code=ErrorCode.INTERNAL, ref=message.id)]
            with pytest.raises(TimedOut, match="o2"):
                await session.run([CreateList(list_id="l2", name="Home")], operation_id="o2", timeout=0.5)

    async def test_what_a_gateway_leaves_unanswered_is_asked_again_on_the_same_channel(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("client.outbox.ANSWER_S", 0.2)
        world.server.respond = lambda message: completing(message) if len(world.sent()) > 1 else []
        async with world.session() as session:
            assert (await session.ask("x", turn_id="t1", timeout=WAIT_S)).turn_id == "t1"
        assert [message.turn_id for message in world.sent()] == ["t1", "t1"]
        assert len(world.server.hellos) == 1

    async def test_a_refusal_that_lasts_is_raised(self, world: World) -> None:
        world.server.respond = lambda message: [TurnRejected(code=ErrorCode.INVALID, detail="no", ref=message.id)]
        async with world.session() as session:
            with pytest.raises(Rejected, match="no"):
                await session.ask("x", timeout=WAIT_S)
        assert len(world.sent()) == 1

    async def test_one_that_passes_too_late_is_raised_too_where_nothing_was_done(self, world: World) -> None:
        world.server.respond = lambda message: [
            TurnRejected(code=ErrorCode.OVERLOADED, detail="is too much", ref=message.id, retry_after_ms=60_000)
        ]
        async with world.session() as session:
            with pytest.raises(Rejected, match="is too much"):
                await session.ask("x", timeout=0.5)

    async def test_without_an_outcome_it_says_under_which_id_to_ask_again(self, world: World) -> None:
        world.server.respond = accepting
        async with world.session() as session:
            with pytest.raises(TimedOut, match="t1"):
                await session.ask("x", turn_id="t1", timeout=0.3)
            await world.server.drop()
            await world.opened(2)
            world.server.respond = completing
            assert (await session.ask("y", turn_id="t2", timeout=WAIT_S)).turn_id == "t2"
        assert [message.turn_id for message in world.sent()] == ["t1", "t2"]  # nobody waits for the first any more

    async def test_what_would_be_refused_is_not_sent(self, world: World) -> None:
        async with world.session() as session:
            with pytest.raises(Rejected) as error:
                await session.ask("x" * 9000)
            assert error.value.problem.field == "text"
            with pytest.raises(Rejected):
                await session.run([])
        assert world.server.received == []

    async def test_no_more_wait_than_there_is_room_for(self, world: World) -> None:
        async with world.session() as session, asyncio.TaskGroup() as group:
            asking = [group.create_task(session.ask("x", turn_id=f"t{n}")) for n in range(ROOM)]
            await asyncio.sleep(0)
            with pytest.raises(Rejected, match="requests wait"):
                await session.ask("one more")
            with pytest.raises(ClientError, match="t7 is being asked already"):
                await session.ask("x", turn_id="t7")
            for task in asking:
                task.cancel()


class TestConnections:
    async def test_each_connection_names_the_session_its_newest_token_and_what_was_told(self, world: World) -> None:
        async with world.session(token="secret", time_zone="Europe/Vienna") as session:
            events = session.events()
            world.server.say(phase("t1", 3), outcome("t1", seq=5))
            await told(events, 2)
            await world.server.drop()
            await world.opened(2)
            await world.server.drop()
            await world.opened(3)
        named = [(hello.session, hello.resume_token, hello.last_seen) for hello in world.server.hellos]
        assert named == [(None, None, None), ("s1", "1", Seen(chat=5, out=3)), ("s1", "2", Seen(chat=5, out=3))]
        assert {(hello.token, hello.time_zone) for hello in world.server.hellos} == {("secret", "Europe/Vienna")}

    async def test_events_come_in_order_and_once_whatever_is_told_again(self, world: World) -> None:
        async with world.session() as session:
            events = session.events()
            world.server.say(phase("t1", 1), phase("t1", 2), outcome("t1", seq=7))
            before = await told(events, 3)
            again = (phase("t1", 2), outcome("t1", seq=7))
            missed = (phase("t2", 4), outcome("t2", seq=9))
            current = SessionCurrent(seen=Seen(chat=9, out=4), replayed=4)
            world.server.on_open = (*again, *missed, current, outcome("t2", seq=9, ref="t2"), outcome("t3", seq=10))
            await world.server.drop()
            assert await told(events, 3) == [*missed, outcome("t3", seq=10)]
        assert before == [phase("t1", 1), phase("t1", 2), outcome("t1", seq=7)]

    async def test_a_draining_gateway_is_left_before_it_goes(self, world: World) -> None:
        world.server.respond = accepting
        async with world.session() as session, asyncio.TaskGroup() as group:
            events = session.events()
            asking = group.create_task(session.ask("x", turn_id="t1", timeout=WAIT_S))
            await world.until_sent(1)
            hold = asyncio.Event()
            world.server.before_answer = hold.wait
            world.server.say(ChannelDraining(retry_after_ms=0))
            await world.server.until(lambda: len(world.server.hellos) == 2)
            world.server.say(phase("t1", 1), on=0)  # the old channel still serves
            assert await told(events, 1) == [phase("t1", 1)]
            hold.set()
            await world.opened(2)
            await world.until_sent(2)
            world.server.say(phase("t1", 1), outcome("t1", seq=2))
            await soon(asking)
            assert await told(events, 1) == [outcome("t1", seq=2)]
            await world.server.closed(0)
        assert [type(change) for change in world.changes] == [Opened, Opened]  # never without

    async def test_gateways_that_all_drain_are_tried_less_and_less_often(self, world: World) -> None:
        now = asyncio.get_running_loop().time
        world.server.on_open = (ChannelDraining(retry_after_ms=100),)
        asked_at = []
        async with world.session(chance=lambda: 0.6):
            for number in range(1, 5):
                await world.server.until_hellos(number)
                asked_at.append(now())
        waited = [later - earlier for earlier, later in pairwise(asked_at)]
        for wait, least in zip(waited, (0.4, 0.7, 1.3), strict=True):
            assert wait >= least

    async def test_a_session_that_cannot_be_resumed_is_followed_by_a_new_one_that_asks_again(
        self, world: World
    ) -> None:
        world.server.on_hello = forgetting
        world.server.respond = accepting
        async with world.session() as session, asyncio.TaskGroup() as group:
            events = session.events()
            asking = group.create_task(session.ask("x", turn_id="t1", timeout=WAIT_S))
            await world.until_sent(1)
            world.server.say(phase("t1", 70))
            await told(events, 1)
            await world.server.drop()
            await world.until_sent(2)
            with pytest.raises(Missed, match="new session"):
                await told(events, 1)
            after = session.events()
            world.server.say(phase("t1", 2), outcome("t1", seq=3))  # numbers of another session
            assert (await soon(asking)).turn_id == "t1"
            assert await told(after, 2) == [phase("t1", 2), outcome("t1", seq=3)]
        assert [change.resumed for change in world.changes if isinstance(change, Opened)] == [False, False]
        assert [hello.session for hello in world.server.hellos] == [None, "s1"]

    async def test_who_follows_events_is_told_where_some_are_missing(self, world: World) -> None:
        async with world.session() as session:
            events = session.events()
            world.server.on_open = (
                phase("t1", 1), SessionCurrent(seen=Seen(chat=900, out=900), complete=False), outcome("t1", seq=901)
            )  # fmt: skip
            await world.server.drop()
            assert await told(events, 1) == [phase("t1", 1)]
            with pytest.raises(Missed, match="look at the lists"):
                await told(events, 1)

    async def test_a_server_that_is_away_is_tried_until_it_is_back(self, world: World) -> None:
        async with world.session() as session:
            world.server.on_hello = SignalingError(code=ErrorCode.CAPACITY, detail="no gateway has room")
            await world.server.drop()
            await world.server.until_hellos(4)
            world.server.on_hello = welcoming
            world.server.respond = completing
            await session.ask("x", timeout=WAIT_S)
        assert [type(change) for change in world.changes] == [Opened, Lost, Opened]

    async def test_it_does_not_come_back_before_the_time_that_was_drawn(self, world: World) -> None:
        now = asyncio.get_running_loop().time
        async with world.session(chance=lambda: 0.4):
            await world.server.drop()
            await world.server.until(lambda: isinstance(world.changes[-1], Lost))
            since = now()
            await world.server.until_hellos(2)
            assert now() - since > 0.1  # of 0.2 s

    async def test_where_nothing_answers_it_says_so_in_time(self, unused_port: int) -> None:
        with pytest.raises(ConnectError, match="make up"):
            async with AgentSession.open(f"http://127.0.0.1:{unused_port}", timeout=0.5):
                pytest.fail("connected to nothing")

    async def test_a_gateway_that_falls_silent_is_left(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        async with world.session() as session:
            monkeypatch.setattr(client.connection, "SILENT_MAX_S", 0.3)
            monkeypatch.setattr(client.connection, "PING_EVERY_S", 0.1)
            await world.server.drop()
            await world.opened(2)  # whose heartbeat is the faster one
            world.server.answers_pings = False
            await world.opened(3)
            world.server.answers_pings = True
            world.server.respond = completing
            await session.ask("x", timeout=WAIT_S)


class TestEnding:
    @pytest.mark.parametrize("code", [ErrorCode.SUPERSEDED, ErrorCode.UNAUTHORISED, ErrorCode.UNSUPPORTED_VERSION])
    async def test_a_final_error_ends_the_session_for_everybody_and_for_good(
        self, world: World, code: ErrorCode
    ) -> None:
        async with world.session() as session, asyncio.TaskGroup() as group:
            events = session.events()
            asking = group.create_task(raised(session.ask("x", timeout=WAIT_S)))
            reading = group.create_task(raised(session.lists(timeout=WAIT_S)))
            await world.until_sent(1)
            world.server.say(ChannelError(code=code, detail="over", final=True))
            for error in (await soon(asking), await soon(reading), await raised(anext(events))):
                assert isinstance(error, ConnectError)
                assert (error.code, error.final) == (code, True)
            assert isinstance(await raised(session.ask("y")), ConnectError)
        assert len(world.server.hellos) == 1

    async def test_another_final_error_is_a_loss_like_any_other(self, world: World) -> None:
        async with world.session() as session:
            world.server.say(ChannelError(code=ErrorCode.SLOW_READER, final=True))
            await world.opened(2)
            world.server.respond = completing
            await session.ask("x", timeout=WAIT_S)

    async def test_one_that_refuses_entry_is_raised_at_the_door(self, world: World) -> None:
        world.server.on_hello = SignalingError(code=ErrorCode.UNAUTHORISED, detail="who are you?", final=True)
        with pytest.raises(ConnectError, match="who are you") as error:
            async with world.session():
                pytest.fail("entered all the same")
        assert error.value.final

    async def test_superseded_on_the_channel_that_is_being_left_means_nothing(self, world: World) -> None:
        async with world.session() as session:
            hold = asyncio.Event()
            world.server.before_answer = hold.wait
            world.server.say(ChannelDraining(retry_after_ms=0))
            await world.server.until(lambda: len(world.server.hellos) == 2)
            world.server.say(ChannelError(code=ErrorCode.SUPERSEDED, final=True), on=0)
            hold.set()
            await world.opened(2)
            world.server.respond = completing
            await session.ask("x", timeout=WAIT_S)

    async def test_superseded_before_another_connection_was_begun_is_final(self, world: World) -> None:
        async with world.session() as session:
            messages = session.messages()
            world.server.say(ChannelDraining(retry_after_ms=60_000))
            while not isinstance(await anext(messages), ChannelDraining):
                pass
            world.server.respond = completing
            await session.ask("x", timeout=WAIT_S)  # the channel still serves
            world.server.say(ChannelError(code=ErrorCode.SUPERSEDED, final=True))
            error = await raised(anext(session.events()))
            assert isinstance(error, ConnectError)
            assert error.code is ErrorCode.SUPERSEDED
        assert len(world.server.hellos) == 1

    async def test_leaving_says_goodbye_ends_what_is_awaited_and_leaves_no_task(self, world: World) -> None:
        before = asyncio.all_tasks()
        async with world.session() as session:
            asking = asyncio.create_task(raised(session.ask("x", timeout=WAIT_S)))
            await world.until_sent(1)
        assert isinstance(await soon(asking), ConnectError)
        async with asyncio.timeout(WAIT_S):
            await world.server.bye.wait()
        ours = [task for task in asyncio.all_tasks() - before if "client" in str(task.get_coro())]
        assert ours == []

    async def test_a_fault_of_a_callers_own_handler_ends_the_session_and_comes_out(self, world: World) -> None:
        def broken(_: object) -> None:
            raise KeyError("mine")

        world.server.respond = lambda message: [phase("t1", 1)]
        entered = world.session()
        session = await entered.__aenter__()
        failed = await raised(session.ask("x", turn_id="t1", on_phase=broken, timeout=WAIT_S))
        assert isinstance(failed, ConnectError)
        with pytest.raises(ExceptionGroup) as error:
            await entered.__aexit__(None, None, None)
        assert error.group_contains(KeyError, match="mine")

    async def test_an_error_in_the_block_comes_out_as_it_is(self, world: World) -> None:
        with pytest.raises(KeyError):
            async with world.session():
                raise KeyError("mine")


class TestTokens:
    async def test_a_fresh_token_is_asked_for_each_connection_and_renewed_before_it_expires(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tokens = [f"token {number}" for number in range(9)]

        async def fresh() -> str:
            return tokens.pop(0)

        def expiring(hello: Hello) -> Ready:
            return welcoming(hello).model_copy(update={"token_expires_at": datetime.now(UTC) + timedelta(seconds=1)})

        def renewing(message: PageMessage) -> list[Message]:
            if not isinstance(message, TokenRenew):
                return []
            return [TokenRenewed(ref=message.id, expires_at=datetime.now(UTC) + timedelta(hours=1))]

        monkeypatch.setattr("client.backoff.RENEWAL_LEAST_S", 0.1)
        world.server.on_hello = expiring
        world.server.respond = renewing
        async with world.session(token=fresh):
            await world.until_sent(1, TokenRenew)
            await world.server.drop()
            await world.opened(2)
            await world.until_sent(2, TokenRenew)
        assert [hello.token for hello in world.server.hellos] == ["token 0", "token 2"]
        assert [message.token for message in world.sent(TokenRenew)] == ["token 1", "token 3"]

    async def test_a_source_that_is_away_is_asked_again(self, world: World) -> None:
        asked: list[int] = []

        async def fresh() -> str:
            asked.append(1)
            if len(asked) < 3:
                raise ConnectError(ErrorCode.UNAVAILABLE, "no token just now")
            return "token"

        async with world.session(token=fresh):
            assert len(asked) == 3


async def raised(awaitable: Any) -> BaseException:
    with pytest.raises(ClientError) as error:
        await awaitable
    return error.value
