"""The state machine of one socket, without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.gateway import PeerOpened
from contracts.limits import CANDIDATES_MAX
from contracts.message import ErrorCode, Problem
from contracts.signaling import Answer, Bye, Candidate, Hello, IceCandidate, Offer, Ready, Seen, SignalingError
from signaling.actions import Admit, Close, CloseCode, Forward, HangUp, RequestPeer, Send
from signaling.admission import Admission
from signaling.conversation import Conversation, Rules, State

ADMISSION = Admission(owner="a" * 26, owner_name="me", session="s-1")
PEER = PeerOpened(instance="gw-1", sdp="answer")
MISTAKE = Problem(code=ErrorCode.INVALID, detail="is wrong")


def conversation(**rules: float) -> Conversation:
    return Conversation(Rules(**rules), now=0.0)


def greeted(**rules: float) -> Conversation:
    socket = conversation(**rules)
    socket.receive(Hello(version=1), now=0.0)
    socket.admitted(ADMISSION)
    return socket


def offer(attempt: int) -> Offer:
    return Offer(attempt=attempt, sdp="offer")


def candidate(text: str, attempt: int = 1) -> Candidate:
    return Candidate(attempt=attempt, candidate=IceCandidate(candidate=text))


def error_in(actions: tuple[object, ...]) -> SignalingError:
    (first, *_) = actions
    assert isinstance(first, Send)
    assert isinstance(first.message, SignalingError)
    return first.message


def test_it_passes_through_its_states():
    socket = conversation()
    assert socket.state is State.WAITING_HELLO
    hello = Hello(version=1)
    assert socket.receive(hello, now=0.0) == (Admit(hello),)
    assert (socket.state, socket.session) == (State.ENTERING, None)
    (ready,) = socket.admitted(ADMISSION)
    assert isinstance(ready, Send)
    assert isinstance(ready.message, Ready)
    assert socket.state is State.READY
    (request,) = socket.receive(offer(1), now=0.0)
    assert isinstance(request, RequestPeer)
    assert socket.state is State.OFFERING
    assert socket.peer_opened(1, PEER) == (Send(Answer(attempt=1, sdp="answer")),)
    assert socket.state is State.ANSWERED
    socket.receive(Bye(), now=0.0)
    assert socket.state is State.CLOSED


def test_after_closing_nothing_is_done_any_more():
    socket = greeted()
    socket.receive(offer(1), now=0.0)
    socket.drain()
    assert socket.receive(offer(2), now=0.0) == ()
    assert socket.peer_opened(1, PEER) == ()
    assert socket.peer_refused(1, MISTAKE) == ()
    assert socket.drain() == ()


def test_held_candidates_follow_the_answer():
    socket = greeted()
    socket.receive(offer(1), now=0.0)
    assert socket.receive(candidate("a"), now=0.0) == ()
    assert socket.receive(Candidate(attempt=1), now=0.0) == ()
    answer, first, end = socket.peer_opened(1, PEER)
    assert isinstance(answer, Send)
    assert isinstance(first, Forward)
    assert first.message.candidate == IceCandidate(candidate="a")
    assert isinstance(end, Forward)
    assert end.message.candidate is None


def test_candidates_beyond_the_limit_are_left_out_with_one_word():
    socket = greeted(messages_burst=1000)
    socket.receive(offer(1), now=0.0)
    for number in range(CANDIDATES_MAX):
        assert socket.receive(candidate(str(number)), now=0.0) == ()
    over = error_in(socket.receive(candidate("over"), now=0.0))
    assert (over.code, over.attempt, over.final) == (ErrorCode.LIMIT, 1, False)
    assert socket.receive(candidate("over again"), now=0.0) == ()
    assert len(socket.peer_opened(1, PEER)) == 1 + CANDIDATES_MAX


def test_an_attempt_that_is_not_newer_is_refused():
    socket = greeted()
    socket.receive(offer(2), now=0.0)
    for attempt in (1, 2):
        error = error_in(socket.receive(offer(attempt), now=0.0))
        assert (error.code, error.field, error.value) == (ErrorCode.INVALID, "attempt", str(attempt))
    assert socket.state is State.OFFERING


def test_candidates_of_a_superseded_attempt_are_dropped():
    socket = greeted()
    socket.receive(offer(1), now=0.0)
    socket.receive(candidate("old"), now=0.0)
    socket.receive(offer(2), now=0.0)
    assert socket.receive(candidate("old"), now=0.0) == ()
    assert socket.peer_opened(2, PEER) == (Send(Answer(attempt=2, sdp="answer")),)


def test_a_late_answer_is_hung_up_where_it_came_from():
    socket = greeted()
    socket.receive(offer(1), now=0.0)
    socket.receive(offer(2), now=0.0)
    (hang_up,) = socket.peer_opened(1, PeerOpened(instance="gw-9", sdp="late"))
    assert isinstance(hang_up, HangUp)
    assert (hang_up.instance, hang_up.message.attempt) == ("gw-9", 1)
    assert socket.peer_refused(2, MISTAKE) != ()


def test_offers_wait_for_answers():
    socket = greeted(offers_unanswered_max=2)
    socket.receive(offer(1), now=0.0)
    socket.receive(offer(2), now=0.0)
    error = error_in(socket.receive(offer(3), now=0.0))
    assert (error.code, error.attempt) == (ErrorCode.RATE, 3)
    socket.peer_refused(1, MISTAKE)
    (request,) = socket.receive(offer(3), now=0.0)
    assert isinstance(request, RequestPeer)


def test_a_socket_has_a_number_of_offers():
    socket = greeted(offers_max=2)
    for attempt in (1, 2):
        socket.receive(offer(attempt), now=0.0)
        socket.peer_refused(attempt, MISTAKE)
    actions = socket.receive(offer(3), now=0.0)
    assert error_in(actions).code == ErrorCode.LIMIT
    assert isinstance(actions[-1], Close)


def test_messages_beyond_the_rate_are_dropped_until_time_has_passed():
    socket = greeted(messages_burst=2, messages_per_second=10)
    assert isinstance(socket.receive(offer(1), now=0.0)[0], RequestPeer)
    assert error_in(socket.receive(offer(2), now=0.0)).code == ErrorCode.RATE
    assert error_in(socket.receive(offer(2), now=0.05)).code == ErrorCode.RATE
    assert isinstance(socket.receive(offer(2), now=0.1)[0], RequestPeer)


def test_only_the_clients_own_mistakes_count_towards_closing():
    socket = greeted(errors_max=3)
    for attempt in range(1, 6):
        socket.receive(offer(attempt), now=0.0)
        assert len(socket.peer_refused(attempt, MISTAKE)) == 1
    assert len(socket.receive(MISTAKE, now=0.0)) == 1
    assert len(socket.receive(MISTAKE, now=0.0)) == 1
    assert isinstance(socket.receive(MISTAKE, now=0.0)[-1], Close)


def test_a_final_refusal_of_a_gateway_closes():
    socket = greeted()
    socket.receive(offer(1), now=0.0)
    actions = socket.peer_refused(1, Problem(code=ErrorCode.SUPERSEDED, final=True))
    assert error_in(actions).final
    assert isinstance(actions[-1], Close)


def test_a_refused_candidate_leaves_the_others_their_way():
    socket = greeted()
    socket.receive(offer(1), now=0.0)
    socket.peer_opened(1, PEER)
    assert error_in(socket.forward_failed(1, MISTAKE)).field == "candidate"
    assert len(socket.receive(candidate("next"), now=0.0)) == 1


@pytest.mark.parametrize("zone", ["", "../../etc/passwd?", "Europe Berlin", "Europe/Berlin\n"])
def test_an_ill_formed_time_zone_is_named(zone):
    socket = conversation()
    error = error_in(socket.receive(Hello(version=1, time_zone=zone), now=0.0))
    assert (error.code, error.field) == (ErrorCode.INVALID, "time_zone")
    assert socket.state is State.WAITING_HELLO


def test_until_it_is_known_whether_a_client_may_enter_it_can_do_nothing_but_leave():
    socket = conversation()
    socket.receive(Hello(version=1), now=0.0)
    for early in (offer(1), candidate("a")):
        error = error_in(socket.receive(early, now=0.0))
        assert (error.code, error.detail) == (ErrorCode.INVALID, "comes before ready; wait for it")
    assert error_in(socket.receive(Hello(version=1), now=0.0)).detail == "was said before"
    assert socket.hello_is_late() == ()
    assert socket.receive(Bye(), now=0.0) == (Close(CloseCode.NORMAL, "bye"),)
    assert socket.admitted(ADMISSION) == ()
    assert socket.refused(MISTAKE) == ()


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (Problem(code=ErrorCode.UNAUTHORISED, detail="no", final=True), CloseCode.POLICY),
        (Problem(code=ErrorCode.UNAVAILABLE, detail="not now"), CloseCode.TRY_LATER),
    ],
)
def test_who_may_not_enter_is_told_whether_for_good_and_the_socket_closes(problem, code):
    socket = conversation()
    socket.receive(Hello(version=1), now=0.0)
    actions = socket.refused(problem)
    error = error_in(actions)
    assert (error.code, error.detail, error.final) == (problem.code, problem.detail, problem.final)
    assert actions[1:] == (Close(code, problem.code.value),)
    assert socket.state is State.CLOSED
    assert socket.admitted(ADMISSION) == ()


def test_only_the_first_answer_to_a_hello_counts():
    socket = greeted()
    assert socket.admitted(ADMISSION) == ()
    assert socket.refused(MISTAKE) == ()
    assert socket.state is State.READY


def test_an_offer_takes_along_what_the_hello_came_to():
    seen, expiry = Seen(chat=3, out=9), datetime(2027, 1, 1, tzinfo=UTC)
    for resumed in (True, False):
        socket = conversation()
        socket.receive(Hello(version=1, time_zone="Asia/Tokyo", last_seen=seen), now=0.0)
        (ready,) = socket.admitted(
            replace(ADMISSION, epoch=4, resumed=resumed, resume_token="new", token_expires_at=expiry)
        )
        assert (ready.message.resumed, ready.message.resume_token) == (resumed, "new")
        assert ready.message.token_expires_at == expiry
        (request,) = socket.receive(offer(1), now=0.0)
        peer = request.message
        assert (peer.session, peer.owner, peer.epoch, peer.resumed) == ("s-1", "a" * 26, 4, resumed)
        assert (peer.time_zone, peer.token_expires_at) == ("Asia/Tokyo", expiry)
        assert peer.last_seen == (seen if resumed else None)


def test_hello_in_time_is_not_late():
    assert greeted().hello_is_late() == ()
