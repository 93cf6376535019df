"""The state machine of one socket, without any I/O."""

import pytest

from contracts.gateway import PeerOpened
from contracts.limits import CANDIDATES_MAX
from contracts.message import ErrorCode, Problem
from contracts.signaling import Answer, Bye, Candidate, Hello, IceCandidate, Offer, Ready, SignalingError
from signaling.actions import Close, Forward, HangUp, RequestPeer, Send
from signaling.conversation import Conversation, Rules, State
from signaling.entrance import Entrance

PEER = PeerOpened(instance="gw-1", sdp="answer")
MISTAKE = Problem(code=ErrorCode.INVALID, detail="is wrong")


def conversation(**rules: float) -> Conversation:
    return Conversation(Rules(**rules), Entrance("a" * 26, "me").admit, now=0.0)


def greeted(**rules: float) -> Conversation:
    socket = conversation(**rules)
    socket.receive(Hello(version=1), now=0.0)
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
    (ready,) = socket.receive(Hello(version=1), now=0.0)
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


def test_hello_in_time_is_not_late():
    assert greeted().hello_is_late() == ()
