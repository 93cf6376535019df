"""The client against a server that speaks the real wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeVar

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

import client.connection
from client import AgentClient, ClientError, ConnectError, Rejected, Resumption, TimedOut
from client.channel import PRIVATE, Path, PeerChannel, _ice
from client.feed import UNREAD_MAX, Feed
from client.inbox import Inbox
from client.signaling import socket_url
from contracts.channel import (
    ChannelDraining,
    ChannelError,
    GatewayMessage,
    OperationCompleted,
    PageMessage,
    Ping,
    Pong,
    RunOperation,
    SessionCurrent,
    StateChanged,
    StateGet,
    StateList,
    TokenRenewed,
    TurnAccepted,
    TurnCompletedEvent,
    TurnPhaseEvent,
    TurnRejected,
    TurnStart,
)
from contracts.limits import PROTOCOL_VERSION
from contracts.message import ErrorCode, Message
from contracts.operations import CreateItem, CreateList
from contracts.signaling import Answer, IceServer, Limits, Ready, Seen, SignalingError
from contracts.todo import Author, JournalEntry, TodoItem, TodoList
from contracts.turns import OperationsCompleted, Outcome, Phase, Receipt, TurnCompleted

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WAIT_S = 10
READY = Ready(
    version=1,
    session="s1",
    owner_name="you",
    limits=Limits(frame_bytes=16384, message_bytes=65536, request_bytes=8192, title_chars=500),
)
CREATE = CreateList(list_id="l1", name="Travel")
T = TypeVar("T")


async def soon(awaitable: Awaitable[T]) -> T:
    async with asyncio.timeout(WAIT_S):
        return await awaitable


async def said(feed: Feed[GatewayMessage]) -> GatewayMessage:
    """The next message that is no answer to a ping."""
    message = await soon(anext(feed))
    return await said(feed) if isinstance(message, Pong) else message


def outcome_of(
    turn_id: str, text: str = "Added milk.", seq: int | None = None, ref: str | None = None
) -> TurnCompletedEvent:
    turn = TurnCompleted(
        session="s1", turn_id=turn_id, outcome=Outcome.CONFIRMED, text=text, receipt=Receipt(), completed_at=NOW
    )
    return TurnCompletedEvent(turn=turn, seq=seq, ref=ref)


def obey(message: PageMessage) -> list[Message]:
    """A gateway that accepts and completes everything."""
    match message:
        case TurnStart():
            phases = [TurnPhaseEvent(turn_id=message.turn_id, phase=phase, attempt=1, elapsed_ms=1) for phase in Phase]
            return [
                TurnAccepted(ref=message.id, turn_id=message.turn_id), *phases, outcome_of("other"),
                outcome_of(message.turn_id),
            ]  # fmt: skip
        case RunOperation():
            result = OperationsCompleted(
                operation_id=message.operation_id, outcome=Outcome.CONFIRMED, text="Created.", receipt=Receipt()
            )
            return [OperationCompleted(ref="unknown", result=result), OperationCompleted(ref=message.id, result=result)]
        case _:
            return []


class TestConnecting:
    async def test_it_introduces_itself_and_says_goodbye(self, server: Any) -> None:
        async with AgentClient.connect(server.url, token="secret", time_zone="Europe/Vienna") as connected:
            assert connected.ready.session == "s1"
            [hello] = server.hellos
            assert (hello.version, hello.token, hello.time_zone) == (PROTOCOL_VERSION, "secret", "Europe/Vienna")
            assert not server.bye.is_set()
        await soon(server.bye.wait())

    async def test_it_names_the_session_that_it_goes_on_with_and_what_it_has_seen_of_it(self, server: Any) -> None:
        before = Resumption("s0", "earlier token", Seen(chat=4, out=9))
        async with AgentClient.connect(server.url, resume=before):
            [hello] = server.hellos
            assert (hello.session, hello.resume_token, hello.last_seen) == ("s0", "earlier token", Seen(chat=4, out=9))

    async def test_it_reports_the_way_that_ice_found_once(self, server: Any, client: AgentClient) -> None:
        await opened(server, client)
        [report] = server.reports
        assert (report.local, report.remote, report.protocol) == ("host", "host", "udp")
        assert client.path is not None
        assert client.path.report(report.id) == report
        assert 0 < report.connect_ms < WAIT_S * 1000

    async def test_where_nothing_listens_it_says_what_to_do(self, unused_port: int) -> None:
        with pytest.raises(ConnectError, match="make up") as error:
            async with AgentClient.connect(f"http://127.0.0.1:{unused_port}"):
                pytest.fail("connected to nothing")
        assert error.value.code is ErrorCode.UNAVAILABLE

    async def test_what_is_no_address_is_said(self) -> None:
        with pytest.raises(ConnectError, match="is no address"):
            async with AgentClient.connect("ftp://here"):
                pytest.fail("connected to nothing")

    async def test_a_server_that_refuses_is_quoted(self, server: Any) -> None:
        server.on_hello = SignalingError(code=ErrorCode.UNAUTHORISED, field="token", detail="is expired", final=True)
        with pytest.raises(ConnectError, match="token is expired") as error:
            async with AgentClient.connect(server.url):
                pytest.fail("entered all the same")
        assert error.value.code is ErrorCode.UNAUTHORISED

    async def test_a_gateway_without_room_is_quoted(self, server: Any) -> None:
        server.on_offer = SignalingError(code=ErrorCode.CAPACITY, detail="no gateway has room; try again")
        with pytest.raises(ConnectError) as error:
            async with AgentClient.connect(server.url):
                pytest.fail("entered all the same")
        assert error.value.code is ErrorCode.CAPACITY

    async def test_a_server_that_says_nothing_is_not_waited_for_without_end(self, server: Any) -> None:
        server.on_hello = None
        with pytest.raises(ConnectError, match="may enter") as error:
            async with AgentClient.connect(server.url, timeout=0.2):
                pytest.fail("entered all the same")
        assert error.value.code is ErrorCode.CONNECT_FAILED

    async def test_a_gateway_that_cannot_be_reached_is_not_waited_for_without_end(self, server: Any) -> None:
        async with unreachable_answer() as sdp:
            server.on_offer = Answer(attempt=1, sdp=sdp)
            with pytest.raises(ConnectError, match="UDP") as error:
                async with AgentClient.connect(server.url, timeout=0.5):
                    pytest.fail("connected to nothing")
            assert error.value.code is ErrorCode.CONNECT_FAILED

    async def test_an_answer_that_is_no_sdp_is_said(self, server: Any) -> None:
        server.on_offer = Answer(attempt=1, sdp="hello")
        with pytest.raises(ConnectError, match="no SDP"):
            async with AgentClient.connect(server.url):
                pytest.fail("connected to nothing")

    async def test_an_error_in_the_block_comes_out_as_it_is(self, server: Any) -> None:
        with pytest.raises(KeyError):
            async with AgentClient.connect(server.url):
                raise KeyError("mine")
        await soon(server.bye.wait())

    @pytest.mark.parametrize(
        ("url", "socket"),
        [
            ("http://localhost:5173", "ws://localhost:5173/ai/ws"),
            ("https://todo.example/", "wss://todo.example/ai/ws"),
            ("ws://10.0.0.1:8000/ai/ws", "ws://10.0.0.1:8000/ai/ws"),
            ("localhost:5173", "ws://localhost:5173/ai/ws"),
        ],
    )
    def test_a_pages_address_leads_to_the_socket(self, url: str, socket: str) -> None:
        assert socket_url(url) == socket

    async def test_servers_that_aiortc_cannot_read_are_left_out(self) -> None:
        channel = PeerChannel(
            (
                IceServer(urls=("turn:[::1]:3478", "stun:x?transport=udp")),
                IceServer(urls=("stun:127.0.0.1:3478", "nonsense")),
            ),
            on_frame=lambda _: None,
            on_closed=lambda: None,
        )
        ice = _ice(channel._connection)
        assert ice is not None
        assert ice.stun_server == ("127.0.0.1", 3478)
        await channel.close()

    def test_the_installed_aiortc_is_the_one_whose_insides_are_known(self) -> None:
        assert version("aiortc").split(".")[:2] == ["1", "16"]
        assert version("aioice").split(".")[:2] == ["0", "13"]
        for kind, names in PRIVATE.items():
            assert [name for name in names if not hasattr(kind(ice_controlling=True), name)] == []

    async def test_without_a_network_it_gathers_on_loopback(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in ("client.channel", "aioice.ice"):
            monkeypatch.setattr(f"{module}.get_host_addresses", lambda **_: [])
        channel = PeerChannel((), on_frame=lambda _: None, on_closed=lambda: None)
        assert " 127.0.0.1 " in await channel.offer()
        await channel.close()


class TestAsking:
    async def test_ask_tells_the_phases_and_returns_the_outcome(self, server: Any, client: AgentClient) -> None:
        server.respond = obey
        phases: list[Phase] = []
        turn = await client.ask("add milk", on_phase=lambda event: phases.append(event.phase), timeout=WAIT_S)
        assert (turn.outcome, turn.text) == (Outcome.CONFIRMED, "Added milk.")
        assert phases == [Phase.PLAN, Phase.EXECUTE, Phase.CONFIRM]
        [sent] = server.received
        assert (sent.text, sent.turn_id) == ("add milk", turn.turn_id)

    async def test_many_turns_at_once_each_get_their_own_outcome(self, server: Any, client: AgentClient) -> None:
        server.respond = obey
        turns = await asyncio.gather(*(client.ask("x", turn_id=f"t{n}", timeout=WAIT_S) for n in range(20)))
        assert [turn.turn_id for turn in turns] == [f"t{n}" for n in range(20)]

    async def test_a_rejection_carries_the_problem(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [
            TurnRejected(code=ErrorCode.OVERLOADED, detail="the stream is full", ref=message.id, retry_after_ms=1000)
        ]
        with pytest.raises(Rejected, match="the stream is full") as error:
            await client.ask("add milk", timeout=WAIT_S)
        assert error.value.problem.code is ErrorCode.OVERLOADED

    async def test_what_would_be_refused_is_not_sent(self, server: Any, client: AgentClient) -> None:
        with pytest.raises(Rejected) as error:
            await client.ask("x" * 9000)
        assert error.value.problem.field == "text"
        # 24 KB of UTF-8, which escaped are over 64 KiB.
        titles = [CreateItem(item_id=f"i{n}", list_id="l1", title="é" * 300) for n in range(40)]
        with pytest.raises(Rejected) as error:
            await client.run(titles)
        assert error.value.problem.code is ErrorCode.TOO_LARGE
        assert server.received == []

    async def test_in_doubt_it_sends_the_same_turn_again(self, server: Any, client: AgentClient) -> None:
        def doubtful(message: PageMessage) -> list[Message]:
            assert isinstance(message, TurnStart)
            if len(server.received) == 1:
                return [ChannelError(code=ErrorCode.TIMEOUT, ref=message.id)]
            return obey(message)

        server.respond = doubtful
        turn = await client.ask("add milk", timeout=WAIT_S)
        first, second = server.received
        assert first.turn_id == second.turn_id == turn.turn_id
        assert first.id != second.id

    async def test_an_error_that_may_come_after_a_change_is_no_refusal(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [ChannelError(code=ErrorCode.INTERNAL, ref=message.id)]
        with pytest.raises(TimedOut, match="could not tell"):
            await client.run([CREATE], operation_id="o1", timeout=WAIT_S)
        assert [message.operation_id for message in server.received] == ["o1"] * 3

    async def test_a_refusal_after_a_doubt_does_not_say_that_nothing_was_done(
        self, server: Any, client: AgentClient
    ) -> None:
        def doubtful(message: PageMessage) -> list[Message]:
            code = ErrorCode.TIMEOUT if len(server.received) == 1 else ErrorCode.UNAVAILABLE
            return [ChannelError(code=code, ref=message.id)]

        server.respond = doubtful
        with pytest.raises(TimedOut, match="could not tell"):
            await client.ask("add milk", timeout=WAIT_S)
        assert len(server.received) == 3

    async def test_lasting_doubt_is_said(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [ChannelError(code=ErrorCode.TIMEOUT, ref=message.id)]
        with pytest.raises(TimedOut, match="could not tell"):
            await client.ask("add milk", timeout=WAIT_S)
        assert len(server.received) == 3

    async def test_without_an_outcome_it_says_that_one_may_still_come(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [TurnAccepted(ref=message.id, turn_id=message.turn_id)]
        with pytest.raises(TimedOut, match="may still come"):
            await client.ask("add milk", timeout=0.1)

    async def test_cancel_names_the_turn(self, server: Any, client: AgentClient) -> None:
        await client.cancel("t1")
        await server.until(lambda: bool(server.received))
        assert (server.received[0].type, server.received[0].turn_id) == ("turn.cancel", "t1")

    async def test_run_returns_the_result_of_its_own_operation(self, server: Any, client: AgentClient) -> None:
        server.respond = obey
        result = await client.run([CREATE], operation_id="o1", expected_revision=3, timeout=WAIT_S)
        assert (result.operation_id, result.outcome) == ("o1", Outcome.CONFIRMED)
        [sent] = server.received
        assert (sent.operations, sent.expected_revision) == ((CREATE,), 3)

    async def test_a_request_longer_than_a_frame_arrives_whole(self, server: Any, client: AgentClient) -> None:
        server.respond = obey
        operations = [CreateItem(item_id=f"i{n}", list_id="l1", title="é" * 80) for n in range(60)]
        await client.run(operations, timeout=WAIT_S)
        assert server.received[0].operations == tuple(operations)

    async def test_run_raises_what_the_gateway_refuses(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [ChannelError(code=ErrorCode.UNAVAILABLE, detail="agent away", ref=message.id)]
        with pytest.raises(Rejected, match="agent away"):
            await client.run([CREATE], timeout=WAIT_S)


def todo_list(number: int) -> TodoList:
    return TodoList(id=f"l{number}", name=f"List {number}", position="a", version=1)


def todo_item(number: int, notes: str = "") -> TodoItem:
    return TodoItem(id=f"i{number}", list_id="l0", title="milk", position="a", version=1, notes=notes)


class TestLists:
    async def test_all_lists_come_with_their_items_and_revision(self, server: Any, client: AgentClient) -> None:
        items = tuple(todo_item(number, notes="ü" * 5000) for number in range(10))  # several frames

        def respond(message: PageMessage) -> list[Message]:
            assert isinstance(message, StateGet)
            return [
                StateList(ref=message.id, revision=5, index=0, last=False, list=todo_list(0), items=items),
                StateList(ref=message.id, revision=5, index=1, last=True, list=todo_list(1)),
            ]

        server.respond = respond
        state = await client.lists(timeout=WAIT_S)
        assert state.revision == 5
        assert state.lists == ((todo_list(0), items), (todo_list(1), ()))

    async def test_no_lists_are_no_lists(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [StateList(ref=message.id, revision=0, index=0, last=True)]
        state = await client.lists(timeout=WAIT_S)
        assert (state.revision, state.lists) == (0, ())

    async def test_an_error_is_raised(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [ChannelError(code=ErrorCode.UNAVAILABLE, detail="store away", ref=message.id)]
        with pytest.raises(Rejected, match="store away"):
            await client.lists(timeout=WAIT_S)

    async def test_silence_is_said(self, client: AgentClient) -> None:
        with pytest.raises(TimedOut, match="lists"):
            await client.lists(timeout=0.1)


class TestLiving:
    async def test_a_ping_is_answered(self, server: Any, client: AgentClient) -> None:
        await opened(server, client)
        server.say(Ping(id="p1"))
        await server.until(lambda: Pong(ref="p1") in server.received)

    async def test_changes_and_messages_reach_every_reader(self, server: Any, client: AgentClient) -> None:
        await opened(server, client)
        changes, others, messages = client.changes(), client.changes(), client.messages()
        entry = JournalEntry(revision=3, change_id="c1", operation_id="o1", author=Author.MCP, at=NOW)
        server.say(StateChanged(entry=entry), ChannelDraining(retry_after_ms=5))
        assert await soon(anext(changes)) == entry
        assert await soon(anext(others)) == entry
        assert [(await said(messages)).type for _ in range(2)] == ["state.changed", "draining"]
        await soon(client.draining.wait())

    async def test_unknown_and_broken_frames_are_ignored(self, server: Any, client: AgentClient) -> None:
        await opened(server, client)
        server.respond = obey
        for frame in ('{"type": "turn.sung"}', "{", '{"part": 3, "id": "x", "last": true, "data": ""}'):
            server.channel.send(frame)
        assert (await client.ask("still there?", timeout=WAIT_S)).outcome is Outcome.CONFIRMED

    async def test_a_final_error_ends_everything_with_its_reason(self, server: Any, client: AgentClient) -> None:
        await opened(server, client)
        feed = client.messages()
        asking = asyncio.ensure_future(client.ask("add milk", timeout=WAIT_S))
        await server.until(lambda: len(server.received) == 2)
        server.say(ChannelError(code=ErrorCode.SUPERSEDED, detail="another connection has this session", final=True))
        with pytest.raises(ConnectError, match="another connection") as error:
            await soon(asking)
        assert error.value.code is ErrorCode.SUPERSEDED
        assert (await said(feed)).type == "error"
        with pytest.raises(ConnectError):
            await soon(anext(feed))
        with pytest.raises(ConnectError):
            await client.lists()

    async def test_a_gateway_that_goes_ends_what_is_awaited(self, server: Any, client: AgentClient) -> None:
        await opened(server, client)
        asking = asyncio.ensure_future(client.ask("add milk", timeout=WAIT_S))
        await server.until(lambda: len(server.received) == 2)
        await server.drop()
        with pytest.raises(ConnectError, match="closed the connection"):
            await soon(asking)

    async def test_a_channel_that_is_closing_is_lost_as_soon_as_it_refuses_a_message(
        self, server: Any, client: AgentClient
    ) -> None:
        await opened(server, client)
        client._channel._channel.close()  # which goes on until the server has answered
        assert client.lost_because is None
        with pytest.raises(ConnectError, match="connect again"):
            await client.lists(timeout=WAIT_S)
        assert client.lost_because is not None

    async def test_a_gateway_that_falls_silent_is_noticed(self, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client.connection, "SILENT_MAX_S", 0.1)
        async with AgentClient.connect(server.url) as connected:
            with pytest.raises(ConnectError, match="nothing came"):
                await connected.ask("add milk", timeout=WAIT_S)

    async def test_a_channel_that_took_longer_to_open_than_a_silence_may_last_lives(
        self, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client.connection, "SILENT_MAX_S", 1.0)
        monkeypatch.setattr(client.connection, "PING_EVERY_S", 0.05)
        server.before_answer = lambda: asyncio.sleep(1.1)  # a slow gateway
        async with AgentClient.connect(server.url) as connected:
            await server.until(lambda: len(server.pings) == 3)
            assert connected.lost_because is None

    async def test_a_gateway_that_answers_pings_is_not_taken_for_silent(
        self, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client.connection, "SILENT_MAX_S", 0.5)
        monkeypatch.setattr(client.connection, "PING_EVERY_S", 0.05)
        async with AgentClient.connect(server.url) as connected:
            await server.until(lambda: len(server.pings) == 20)
            assert connected.lost_because is None

    async def test_a_token_is_renewed_on_the_living_channel(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [TokenRenewed(ref=message.id, expires_at=NOW)]
        assert await client.renew("fresh", timeout=WAIT_S) == NOW == client.token_expires_at
        assert [message.token for message in server.received] == ["fresh"]

    async def test_a_token_that_is_refused_changes_nothing(self, server: Any, client: AgentClient) -> None:
        server.respond = lambda message: [
            ChannelError(code=ErrorCode.UNAUTHORISED, field="token", detail="is another owner's", ref=message.id)
        ]
        with pytest.raises(Rejected, match="another owner's"):
            await client.renew("stolen", timeout=WAIT_S)
        assert client.token_expires_at is None
        assert client.lost_because is None

    async def test_closing_ends_what_is_awaited(self, server: Any) -> None:
        async with AgentClient.connect(server.url) as connected:
            asking = asyncio.ensure_future(connected.ask("add milk", timeout=WAIT_S))
            await server.until(lambda: bool(server.received))
        with pytest.raises(ConnectError, match="was closed"):
            await soon(asking)

    async def test_raw_frames_go_out_as_they_are(self, server: Any, client: AgentClient) -> None:
        client.send_raw('{"type": "ack", "id": "a", "seq": 1}')
        await server.until(lambda: bool(server.received))
        assert server.received[0].seq == 1


def phase_of(turn_id: str, seq: int) -> TurnPhaseEvent:
    return TurnPhaseEvent(turn_id=turn_id, phase=Phase.PLAN, attempt=1, elapsed_ms=1, seq=seq)


class TestResuming:
    async def told(self, feed: Feed[GatewayMessage], until: Message) -> list[GatewayMessage]:
        """Everything that was told before `until`."""
        messages = []
        while (message := await said(feed)) != until:
            messages.append(message)
        return messages

    async def test_what_is_told_while_the_channel_opens_is_heard(
        self, server: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        came, take, connect = asyncio.Event(), Inbox.on_frame, PeerChannel.connect

        def on_frame(inbox: Inbox, frame: str | bytes) -> None:
            take(inbox, frame)
            came.set()

        async def connect_slowly(channel: PeerChannel, answer: str) -> Path:
            path = await connect(channel, answer)
            await came.wait()
            return path

        monkeypatch.setattr(Inbox, "on_frame", on_frame)
        monkeypatch.setattr(PeerChannel, "connect", connect_slowly)
        server.on_open = (phase_of("t1", 1), outcome_of("t1", seq=2))
        async with AgentClient.connect(server.url) as client:
            feed = client.messages()
            server.say(Ping(id="end"))
            assert await self.told(feed, Ping(id="end")) == list(server.on_open)

    async def test_an_event_that_was_told_before_is_dropped_and_an_answer_with_a_ref_is_not(self, server: Any) -> None:
        server.on_hello = READY.model_copy(update={"resumed": True})
        before = Resumption("s1", "token", Seen(chat=5, out=7))
        async with AgentClient.connect(server.url, resume=before) as client:
            feed = client.messages()
            await opened(server, client)
            new = [phase_of("t2", 8), outcome_of("t2", seq=6), outcome_of("t1", seq=5, ref="m1")]
            old = [phase_of("t1", 7), outcome_of("t1", seq=5), phase_of("t2", 8), outcome_of("t2", seq=6)]
            server.say(old[0], new[0], old[1], new[1], new[2], *old, Ping(id="end"))
            assert await self.told(feed, Ping(id="end")) == new

    async def test_who_asks_for_messages_as_they_are_told_hears_repeats_too(self, server: Any) -> None:
        server.on_open = (phase_of("t1", 1), outcome_of("t1", seq=2), phase_of("t1", 1))
        async with AgentClient.connect(server.url) as client:
            as_told, once = client.messages_as_told(), client.messages()
            await opened(server, client)
            server.say(outcome_of("t1", seq=2), Ping(id="end"))
            assert await self.told(as_told, Ping(id="end")) == [*server.on_open, outcome_of("t1", seq=2)]
            assert await self.told(once, Ping(id="end")) == [*server.on_open[:2]]

    async def test_it_knows_what_it_has_been_told_in_order(self, server: Any) -> None:
        server.on_hello = READY.model_copy(update={"resumed": True, "resume_token": "next"})
        before = Resumption("s1", "token", Seen(chat=5, out=7))
        async with AgentClient.connect(server.url, resume=before) as client:
            await opened(server, client)
            feed = client.messages()
            server.say(phase_of("t2", 8), outcome_of("t2", seq=6), outcome_of("t9", seq=90, ref="m1"), Ping(id="end"))
            await self.told(feed, Ping(id="end"))
            assert client.resumption == Resumption("s1", "next", Seen(chat=6, out=8))
            server.say(SessionCurrent(seen=Seen(chat=11, out=3)), Ping(id="end"))
            await self.told(feed, Ping(id="end"))
            assert client.resumption == Resumption("s1", "next", Seen(chat=11, out=8))

    async def test_of_a_new_session_nothing_was_told_before(self, server: Any) -> None:
        server.on_hello = READY.model_copy(update={"resumed": False, "resume_token": "next"})
        async with AgentClient.connect(server.url, resume=Resumption("s0", "token", Seen(chat=5, out=7))) as client:
            assert client.resumption == Resumption("s1", "next", Seen())
            feed = client.messages()
            await opened(server, client)
            server.say(outcome_of("t1", seq=1), Ping(id="end"))
            assert await self.told(feed, Ping(id="end")) == [outcome_of("t1", seq=1)]


class TestFeed:
    async def test_a_reader_that_falls_behind_is_told_after_what_it_has(self) -> None:
        feed = Feed[int]()
        for number in range(UNREAD_MAX + 5):
            feed.put(number)
        for number in range(UNREAD_MAX):
            assert await anext(feed) == number
        with pytest.raises(ClientError, match="unread"):
            await anext(feed)


@asynccontextmanager
async def unreachable_answer() -> AsyncIterator[str]:
    """A well-formed answer of a peer that has left."""
    offering, answering = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    offering.createDataChannel("x")
    await offering.setLocalDescription()
    await answering.setRemoteDescription(offering.localDescription)
    await answering.setLocalDescription()
    sdp: str = answering.localDescription.sdp
    await asyncio.gather(offering.close(), answering.close())
    yield sdp


async def opened(server: Any, connected: AgentClient) -> None:
    """Until the server has the channel too."""
    connected.send_raw('{"type": "ack", "id": "first", "seq": 0}')
    await server.until(lambda: bool(server.received))
