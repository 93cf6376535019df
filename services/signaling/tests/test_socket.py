"""The socket as a client sees it: the real server, a real WebSocket, gateways played by a fake."""

import asyncio
import contextlib
import logging

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bus.errors import NoReplyError, RemoteError, UnavailableError
from contracts import metrics
from contracts.gateway import AddCandidate, ClosePeer, OpenPeer, PeerOpened
from contracts.limits import SIGNALING_FRAME_MAX_BYTES
from contracts.message import ErrorCode, Problem
from contracts.signaling import Seen
from contracts.tokens import owner_key
from signaling import socket as socket_module
from signaling.gateways import OFFER_TRIES

from .fake_gateways import ANSWER_SDP, INSTANCE
from .stack import OFFER_SDP, running


@pytest.fixture
async def stack(tmp_path):
    async with running(tmp_path) as stack:
        yield stack


def forwarded(stack) -> list[str | None]:
    return [
        item.candidate.candidate if item.candidate else None
        for item in stack.bus.delivered
        if isinstance(item, AddCandidate)
    ]


async def test_a_client_says_hello_offers_and_is_answered(stack, measured):
    async with stack.client() as client:
        ready = await client.hello()
        assert ready.owner_name == "me"
        assert ready.ice_servers == ()
        assert ready.limits.title_chars == 500
        await client.offer()
        assert (await client.answer()).sdp == ANSWER_SDP
    assert stack.bus.offers == [
        OpenPeer(
            session=ready.session,
            owner=owner_key("local", "me"),
            attempt=1,
            time_zone="Europe/Berlin",
            sdp=OFFER_SDP,
        )
    ]
    assert stack.bus.delivered == [], "a socket that goes away leaves its peer alone"
    assert measured(metrics.OFFERS, {"result": "answered"}) == measured(metrics.HELLOS, {"outcome": "admitted"}) == 1


async def test_a_session_is_gone_on_with_by_its_token_and_what_was_seen_goes_along(stack):
    async with stack.client() as client:
        first = await client.hello(last_seen={"chat": 1})
        assert (first.resumed, first.token_expires_at) == (False, None)
        await client.offer()
        await client.answer()
    async with stack.client() as client:
        second = await client.hello(
            session=first.session, resume_token=first.resume_token, last_seen={"chat": 3, "out": 9}
        )
        assert (second.session, second.resumed) == (first.session, True)
        assert second.resume_token not in {None, first.resume_token}
        await client.offer()
        await client.answer()
    new, old = stack.bus.offers[1], stack.bus.offers[0]
    assert (old.epoch, old.resumed, old.last_seen) == (1, False, None)
    assert (new.epoch, new.resumed, new.last_seen) == (2, True, Seen(chat=3, out=9))


async def test_a_session_that_is_only_named_is_not_entered_and_an_ill_formed_name_is_refused(stack):
    async with stack.client() as client:
        first = await client.hello(session="s-42")
        assert first.session != "s-42"
    async with stack.client() as client:
        assert (await client.hello(session=first.session)).session != first.session
    async with stack.client() as client:
        await client.send({"type": "hello", "version": 1, "session": "s.*.>"})
        error = await client.error()
        assert (error.code, error.field, error.value) == (ErrorCode.INVALID, "hello.session", "s.*.>")
        await client.hello()


async def test_without_the_bus_nobody_enters_and_may_try_again(stack):
    stack.bus.memory.away = True
    async with stack.client() as client:
        await client.send({"type": "hello", "version": 1})
        error = await client.error()
        assert (error.code, error.final) == (ErrorCode.UNAVAILABLE, False)
        assert await client.closed() == (1013, "unavailable")
    stack.bus.memory.away = False
    async with stack.client() as client:
        await client.hello()


async def test_whoever_waits_to_be_let_in_can_leave_and_is_not_counted_any_more(stack):
    reading = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        reading.set()
        await asyncio.Event().wait()

    stack.bus.memory.replace = never
    async with stack.client() as client:
        await client.send({"type": "hello", "version": 1})
        async with asyncio.timeout(5):
            await reading.wait()
        await client.send({"type": "bye"})
        assert await client.closed() == (1000, "bye")
    await stack.sockets.drain(5)
    assert len(stack.sockets) == 0


async def test_an_entrance_that_takes_too_long_is_given_up(tmp_path):
    async with running(tmp_path, enter_timeout_s=0.05) as stack:

        async def never(*_: object, **__: object) -> None:
            await asyncio.Event().wait()

        stack.bus.memory.replace = never
        async with stack.client() as client:
            await client.send({"type": "hello", "version": 1})
            error = await client.error()
            assert (error.code, error.final) == (ErrorCode.UNAVAILABLE, False)
            assert await client.closed() == (1013, "unavailable")


async def test_turn_credentials_come_with_ready(tmp_path):
    async with (
        running(tmp_path, turn_urls="turn:t.example:3478", turn_secret="s3cret") as stack,
        stack.client() as client,
    ):
        ready = await client.hello()
    (server,) = ready.ice_servers
    assert server.urls == ("turn:t.example:3478",)
    assert server.username == f"{int(ready.expires_at.timestamp())}:{owner_key('local', 'me')}"
    assert server.credential


async def test_candidates_before_the_answer_are_held_and_then_go_in_order(stack):
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def answer_late(_: OpenPeer) -> PeerOpened:
        asked.set()
        await may_answer.wait()
        assert stack.bus.delivered == []
        return PeerOpened(instance=INSTANCE, sdp=ANSWER_SDP)

    stack.bus.answer = answer_late
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        early = [f"early-{number}" for number in range(20)]
        for text in early:
            await client.candidate(text)
        await client.send("{")  # answered in turn: so the candidates have been taken by now
        await client.error()
        may_answer.set()
        await client.answer()
        late = [f"late-{number}" for number in range(20)]
        for text in late:
            await client.candidate(text)
        await client.candidate(None)
        await stack.bus.until(lambda: len(stack.bus.delivered) == 41)
    assert forwarded(stack) == [*early, *late, None]


async def test_a_slow_gateway_does_not_stop_the_reader(stack):
    let_go = asyncio.Event()

    async def slow(_: object) -> None:
        await let_go.wait()

    stack.bus.take = slow
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        await client.answer()
        await client.candidate("one")
        await client.candidate("two")
        await client.send({"type": "nope"})
        assert (await client.error()).code == ErrorCode.UNKNOWN_TYPE
        let_go.set()
        await stack.bus.until(lambda: forwarded(stack) == ["one", "two"])


async def test_what_was_taken_still_arrives_when_the_client_leaves(stack):
    taking, let_go = asyncio.Event(), asyncio.Event()

    async def slow(_: object) -> None:
        taking.set()
        await let_go.wait()

    stack.bus.take = slow
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        await client.answer()
        await client.candidate("one")
        await client.candidate("two")
        async with asyncio.timeout(5):
            await taking.wait()
    let_go.set()
    await stack.bus.until(lambda: forwarded(stack) == ["one", "two"])


async def test_a_client_that_says_bye_and_goes_is_not_called_lost(stack, caplog):
    caplog.set_level(logging.INFO, logger="signaling")
    gone = asyncio.Event()

    async def take(_):
        await gone.wait()

    stack.bus.take = take
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        await client.answer()
        await client.send({"type": "bye"})
    gone.set()
    async with asyncio.timeout(5):
        while len(stack.sockets):  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0.01)
    said = [record.getMessage() for record in caplog.records if record.name == "signaling.socket"]
    assert said[-1] == "socket closed"


async def test_a_newer_offer_wins_and_the_late_answer_of_the_older_is_hung_up(stack):
    may_answer = asyncio.Event()

    async def first_is_late(offer: OpenPeer) -> PeerOpened:
        if offer.attempt == 1:
            await may_answer.wait()
        return PeerOpened(instance=INSTANCE, sdp=f"answer {offer.attempt}")

    stack.bus.answer = first_is_late
    async with stack.client() as client:
        ready = await client.hello()
        await client.offer(1)
        await client.candidate("of the first", 1)
        await client.offer(2)
        assert (await client.answer()).sdp == "answer 2"
        await client.candidate("of the first", 1)
        await client.candidate("of the second", 2)
        may_answer.set()
        await stack.bus.until(lambda: len(stack.bus.delivered) == 2)
    hung_up = ClosePeer(session=ready.session, attempt=1)
    assert hung_up in stack.bus.delivered
    assert forwarded(stack) == ["of the second"]


async def test_bye_closes_the_peer_after_its_candidates_and_then_the_socket(stack):
    async with stack.client() as client:
        ready = await client.hello()
        await client.offer()
        await client.answer()
        await client.candidate("last")
        await client.send({"type": "bye"})
        assert await client.closed() == (1000, "bye")
    assert forwarded(stack) == ["last"]
    assert stack.bus.delivered[-1] == ClosePeer(session=ready.session, attempt=1)


@pytest.mark.parametrize(
    ("frame", "code", "field", "detail"),
    [
        ("{nope", ErrorCode.INVALID, None, "is not valid JSON"),
        ('["hello"]', ErrorCode.INVALID, None, "should be an object"),
        (b"\x00\xff", ErrorCode.INVALID, None, "binary"),
        ('{"type":"subscribe"}', ErrorCode.UNKNOWN_TYPE, "type", "not a message type"),
        ('{"type":"offer","attempt":0,"sdp":"v=0"}', ErrorCode.INVALID, "offer.attempt", "greater than or equal to 1"),
        ('{"type":"offer","attempt":1,"sdp":""}', ErrorCode.INVALID, "offer.sdp", "at least 1"),
        ('{"type":"offer","attempt":1,"sdp":"' + "x" * 65537 + '"}', ErrorCode.INVALID, "offer.sdp", "at most 65536"),
        ("x" * (SIGNALING_FRAME_MAX_BYTES + 1), ErrorCode.TOO_LARGE, None, f"at most {SIGNALING_FRAME_MAX_BYTES}"),
        ("9" * 5000, ErrorCode.INVALID, None, ""),
        ("[" * 5000, ErrorCode.INVALID, None, "is not valid JSON"),
        ('{"type":"hello","version":1}', ErrorCode.INVALID, "type", "was said before"),
        ('{"type":"candidate","attempt":5}', ErrorCode.INVALID, "attempt", "not offered"),
    ],
)
async def test_a_bad_frame_is_named_and_survived(stack, frame, code, field, detail):
    async with stack.client() as client:
        await client.hello()
        await client.send(frame)
        error = await client.error()
        assert (error.code, error.field, error.final) == (code, field, False)
        assert detail in error.detail
        assert len(error.value or "") <= 64
        await client.offer()
        assert (await client.answer()).attempt == 1
    assert len(stack.bus.offers) == 1


async def test_a_frame_far_beyond_the_limit_closes_the_socket(stack):
    async with stack.client() as client:
        await client.hello()
        with contextlib.suppress(ConnectionClosed):  # the server need not wait for all of it
            await client.send("x" * 1_000_000)
        assert (await client.closed())[0] == 1009


async def test_the_twentieth_error_closes_the_socket(stack):
    async with stack.client() as client:
        await client.hello()
        for _ in range(20):
            await client.send("nope")
            await client.error()
        assert await client.closed() == (1008, "too many errors")


async def test_without_a_hello_in_time_the_socket_closes(tmp_path):
    async with running(tmp_path, hello_timeout_s=0.05) as stack, stack.client() as client:
        error = await client.error()
        assert (error.code, error.final) == (ErrorCode.TIMEOUT, False)
        assert await client.closed() == (1008, "no hello")


async def test_an_offer_before_hello_is_refused_and_hello_may_still_come(stack):
    async with stack.client() as client:
        await client.offer()
        error = await client.error()
        assert (error.code, error.field, error.value) == (ErrorCode.INVALID, "type", "offer")
        await client.hello()
    assert stack.bus.offers == []


async def test_another_version_is_final(stack):
    async with stack.client() as client:
        await client.send({"type": "hello", "version": 2})
        error = await client.error()
        assert (error.code, error.field, error.value, error.final) == (
            ErrorCode.UNSUPPORTED_VERSION,
            "version",
            "2",
            True,
        )
        assert (await client.closed())[0] == 1008


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
async def test_a_page_of_another_origin_is_refused_and_that_is_no_error_of_ours(stack, origin, caplog, measured):
    with pytest.raises(InvalidStatus) as refused:
        async with stack.client(origin=origin):
            pass
    assert refused.value.response.status_code == 403
    async with stack.client() as client:
        await client.hello()  # by now the server has done with the one before
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert measured(metrics.SOCKETS_REFUSED, {"reason": "origin"}) == 1


async def test_a_page_of_this_origin_may_connect(stack):
    async with stack.client(origin=f"http://127.0.0.1:{stack.port}") as client:
        await client.hello()


async def test_a_foreign_name_for_this_machine_is_refused(stack):
    """DNS rebinding: the page's Origin and the Host agree, and both are the attacker's."""
    host = f"evil.example:{stack.port}"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"ws://{host}/ai/ws", host="127.0.0.1", port=stack.port, origin=f"http://{host}", proxy=None
        ):
            pass
    assert refused.value.response.status_code == 400
    assert b"Invalid host header" in refused.value.response.body


async def test_a_refused_sdp_comes_back_with_its_attempt_and_the_next_offer_works(stack):
    answers = stack.bus.answer

    async def refuse_first(offer: OpenPeer) -> PeerOpened:
        if offer.attempt == 1:
            raise RemoteError(Problem(code=ErrorCode.INVALID, field="sdp", value="v=0", detail="has no media"))
        return await answers(offer)

    stack.bus.answer = refuse_first
    async with stack.client() as client:
        await client.hello()
        await client.offer(1)
        error = await client.error()
        assert (error.code, error.field, error.attempt, error.final) == (ErrorCode.INVALID, "sdp", 1, False)
        await client.offer(2)
        assert (await client.answer()).attempt == 2


@pytest.mark.parametrize(
    ("failure", "connected", "code"),
    [
        (UnavailableError("nobody serves rpc.rtc.v1.offer"), True, ErrorCode.CAPACITY),
        (UnavailableError("the bus is away"), False, ErrorCode.UNAVAILABLE),
        (NoReplyError("no answer"), True, ErrorCode.TIMEOUT),
    ],
)
async def test_without_a_gateway_the_client_may_try_again(stack, failure, connected, code, measured):
    async def fail(_: OpenPeer) -> PeerOpened:
        raise failure

    stack.bus.answer = fail
    async with stack.client() as client:
        await client.hello()
        stack.bus.connected = connected
        await client.offer(3)
        error = await client.error()
        assert (error.code, error.attempt, error.final) == (code, 3, False)
        assert "rpc." not in error.detail
        assert measured(metrics.OFFERS, {"result": code.value}) == measured(metrics.OFFERS) == 1


async def test_a_gateway_that_has_just_become_full_leaves_the_offer_to_another(stack):
    refusals = [ErrorCode.CAPACITY, ErrorCode.UNAVAILABLE]

    async def answer(offer: OpenPeer) -> PeerOpened:
        if refusals:
            raise RemoteError(Problem(code=refusals.pop(), detail="no room"))
        return PeerOpened(instance=INSTANCE, sdp=ANSWER_SDP)

    stack.bus.answer = answer
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        assert (await client.answer()).sdp == ANSWER_SDP
        assert len(stack.bus.offers) == OFFER_TRIES
        refusals += [ErrorCode.CAPACITY] * (OFFER_TRIES + 1)
        await client.offer(2)
        assert (await client.error()).code is ErrorCode.CAPACITY
    assert len(stack.bus.offers) == 2 * OFFER_TRIES


async def test_candidates_and_hanging_up_name_the_epoch(stack):
    async with stack.client() as client:
        first = await client.hello()
    async with stack.client() as client:
        await client.hello(session=first.session, resume_token=first.resume_token)
        await client.offer()
        await client.answer()
        await client.send({"type": "candidate", "attempt": 1, "candidate": None})
        await client.send({"type": "bye"})
        await stack.bus.until(lambda: len(stack.bus.delivered) == 2)
    assert [(type(item), item.epoch) for item in stack.bus.delivered] == [(AddCandidate, 2), (ClosePeer, 2)]


async def test_a_gateway_that_goes_is_told_once(stack):
    async def gone(_: object) -> None:
        raise UnavailableError("nobody serves it")

    stack.bus.take = gone
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        await client.answer()
        for number in range(5):
            await client.candidate(f"c{number}")
        error = await client.error()
        assert (error.code, error.field, error.attempt) == (ErrorCode.UNAVAILABLE, "candidate", 1)
        await client.send("{")
        assert (await client.error()).code == ErrorCode.INVALID


async def test_a_fault_of_ours_is_told_by_an_id_alone(stack, caplog):
    async def break_down(_: OpenPeer) -> PeerOpened:
        raise KeyError("secret detail")

    stack.bus.answer = break_down
    async with stack.client() as client:
        await client.hello()
        await client.offer()
        error = await client.error()
        assert error.code == ErrorCode.INTERNAL
        assert "secret" not in error.model_dump_json()
        assert (await client.closed())[0] == 1011
    assert [record.error_id for record in caplog.records if record.msg == "socket failed"] == [error.error_id]


async def test_one_socket_too_many_is_turned_away_until_another_leaves(tmp_path, measured):
    async with running(tmp_path, max_sockets=1) as stack:
        async with stack.client() as first:
            await first.hello()
            async with stack.client() as second:
                assert (await second.error()).code == ErrorCode.OVERLOADED
                assert (await second.closed())[0] == 1013
            assert measured(metrics.SOCKETS_REFUSED, {"reason": "full"}) == measured(metrics.SOCKETS) == 1
        await stack.sockets.drain(5)  # waits until the first has gone
        assert len(stack.sockets) == 0
        assert measured(metrics.SOCKETS) == 0


async def test_draining_tells_every_client_and_lets_no_more_in(stack, measured):
    async with stack.client() as client:
        await client.hello()
        await stack.sockets.drain(5)
        assert (await client.draining()).retry_after_ms > 0
        assert await client.closed() == (1001, "draining")
    async with stack.client() as late:
        await late.draining()
        assert (await late.closed())[0] == 1001
    assert measured(metrics.SOCKETS_REFUSED, {"reason": "draining"}) == 1


async def test_each_message_has_a_span_and_nothing_private_is_in_spans_or_logs(stack, monkeypatch, caplog):
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(socket_module, "_TRACER", provider.get_tracer("test"))
    caplog.set_level(logging.DEBUG, logger="signaling")
    around_delivery = []

    async def note_span(_: object) -> None:
        around_delivery.append(trace.get_current_span().get_span_context().span_id)

    stack.bus.take = note_span
    async with stack.client() as client:
        ready = await client.hello(token="token-text", session="s-1", resume_token="resume-text")
        await client.offer(sdp="sdp-text")
        await client.answer()
        await client.candidate("candidate-text")
        await client.send({"type": "made-up-text"})
        await client.error()
        await stack.bus.until(lambda: len(stack.bus.delivered) == 1)
        finished = spans.get_finished_spans()
    assert [span.name for span in finished] == [
        "signaling.hello",
        "signaling.enter",
        "signaling.offer",
        "signaling.candidate",
        "signaling.invalid",
    ]
    hello, enter, *later = finished
    assert enter.parent == hello.context
    assert all(span.parent is None for span in (hello, *later))
    assert all(span.attributes["session.id"] == ready.session for span in (enter, *later))
    assert around_delivery == [finished[3].context.span_id], "the bus's own span continues the message's trace"
    assert finished[-1].attributes["error.type"] == "unknown_type"
    written = [str(record.__dict__) for record in caplog.records if record.name.startswith("signaling")]
    assert any("client admitted" in line for line in written)
    seen = "".join([*(span.to_json() for span in finished), *written])
    for private in ("token-text", "resume-text", ready.resume_token, "sdp-text", "candidate-text", "made-up-text"):
        assert private not in seen
