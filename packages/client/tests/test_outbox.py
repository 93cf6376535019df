"""What is sent when, and what a refusal means."""

import pytest

from client.outbox import ANSWER_S, ROOM, WINDOW, Outbox
from contracts.channel import ChannelError, TurnRejected, TurnStart
from contracts.message import ErrorCode, Problem


def turn(number: int) -> TurnStart:
    return TurnStart(id=f"t{number}", turn_id=f"t{number}", text="add milk")


def filled(count: int) -> Outbox:
    outbox = Outbox()
    for number in range(count):
        assert outbox.add(turn(number))
    return outbox


def sent(outbox: Outbox, now: float = 0.0) -> list[str]:
    return [request.id for request in outbox.due(now)]


def refused(outbox: Outbox, request_id: str, code: ErrorCode, *, now: float = 0.0, chance: float = 0.0) -> bool:
    return outbox.refused(Problem(code=code, ref=request_id), now=now, chance=chance)


class TestSending:
    def test_requests_go_out_in_their_order_and_once(self) -> None:
        outbox = filled(3)
        assert sent(outbox) == ["t0", "t1", "t2"]
        assert sent(outbox) == []

    def test_only_so_many_wait_for_an_answer_at_once(self) -> None:
        outbox = filled(WINDOW + 2)
        assert sent(outbox) == [f"t{number}" for number in range(WINDOW)]
        outbox.accepted("t3")
        assert sent(outbox) == [f"t{WINDOW}"]
        outbox.remove("t0")
        assert sent(outbox) == [f"t{WINDOW + 1}"]

    def test_what_is_not_answered_in_time_leaves_its_room_to_others_and_is_sent_again(self) -> None:
        outbox = filled(WINDOW + 1)
        first, late = [f"t{number}" for number in range(WINDOW)], 2.0 + ANSWER_S
        assert sent(outbox, 2.0) == first
        assert outbox.next_at(2.0) == late
        outbox.give_up(late - 0.1, chance=0.5)
        assert sent(outbox, late - 0.1) == []
        outbox.give_up(late, chance=0.5)
        assert outbox.next_at(late) == late + 0.25
        assert sent(outbox, late) == [f"t{WINDOW}"]
        outbox.accepted(f"t{WINDOW}")
        assert sent(outbox, late + 0.25) == first
        assert not refused(outbox, "t0", ErrorCode.INVALID)  # the first one may have arrived
        assert outbox.refusal_of("t0") is None

    def test_what_was_accepted_is_waited_for_without_being_sent_again(self) -> None:
        outbox = filled(1)
        sent(outbox)
        outbox.accepted("t0")
        assert outbox.next_at(0.0) is None
        outbox.give_up(ANSWER_S * 2, chance=0.0)
        assert sent(outbox, ANSWER_S * 3) == []

    def test_on_another_channel_everything_without_an_outcome_is_sent_again_in_its_order(self) -> None:
        outbox = filled(4)
        sent(outbox)
        outbox.accepted("t1")
        outbox.remove("t2")
        outbox.reopened()
        assert sent(outbox) == ["t0", "t1", "t3"]

    def test_it_has_a_bound(self) -> None:
        outbox = filled(ROOM)
        assert not outbox.add(turn(ROOM))
        outbox.remove("t0")
        assert outbox.add(turn(ROOM))


class TestRefusals:
    @pytest.mark.parametrize("code", [ErrorCode.OVERLOADED, ErrorCode.RATE, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT])
    def test_one_that_passes_is_waited_out_longer_each_time(self, code: ErrorCode) -> None:
        outbox = filled(1)
        now = 100.0
        for wait_s in (0.5, 1.0, 2.0):
            assert sent(outbox, now) == ["t0"]
            assert not refused(outbox, "t0", code, now=now, chance=1.0)
            assert outbox.next_at(now) == now + wait_s
            assert sent(outbox, now + wait_s - 0.01) == []
            now += wait_s

    def test_a_refusal_may_name_the_time(self) -> None:
        outbox = filled(1)
        sent(outbox)
        problem = Problem(code=ErrorCode.OVERLOADED, ref="t0")
        assert not outbox.refused(problem, now=0.0, chance=0.0, retry_after_s=7.0)
        assert outbox.next_at(0.0) == 7.0

    def test_even_by_the_shortest_chance_it_is_not_sent_again_at_once(self) -> None:
        outbox = filled(1)
        sent(outbox)
        refused(outbox, "t0", ErrorCode.OVERLOADED, chance=0.0)
        assert sent(outbox) == []

    def test_another_channel_is_tried_at_once(self) -> None:
        outbox = filled(1)
        sent(outbox)
        refused(outbox, "t0", ErrorCode.UNAVAILABLE, chance=1.0)
        outbox.reopened()
        assert sent(outbox) == ["t0"]

    def test_one_that_would_come_again_is_the_end(self) -> None:
        outbox = filled(1)
        sent(outbox)
        assert refused(outbox, "t0", ErrorCode.INVALID)
        assert sent(outbox) == []

    @pytest.mark.parametrize("before", ["lost", "accepted", "in doubt"])
    def test_one_of_a_repeat_does_not_say_that_nothing_was_done(self, before: str) -> None:
        outbox = filled(1)
        sent(outbox)
        if before == "accepted":
            outbox.accepted("t0")
        elif before == "in doubt":
            refused(outbox, "t0", ErrorCode.TIMEOUT)
        outbox.reopened()
        assert sent(outbox) == ["t0"]
        assert not refused(outbox, "t0", ErrorCode.INVALID)
        assert outbox.refusal_of("t0") is None

    def test_an_error_that_leaves_open_whether_anything_was_done_is_asked_again(self) -> None:
        outbox = filled(1)
        sent(outbox)
        error = ChannelError(code=ErrorCode.INTERNAL, ref="t0")
        assert not outbox.refused(error, now=0.0, chance=1.0)
        assert outbox.next_at(0.0) == 0.5
        assert sent(outbox, 0.5) == ["t0"]
        assert not refused(outbox, "t0", ErrorCode.INVALID, now=0.5)
        assert outbox.refusal_of("t0") is None

    def test_a_turn_that_is_rejected_was_not_stored_by_whichever_code(self) -> None:
        outbox = filled(1)
        sent(outbox)
        assert outbox.refused(TurnRejected(code=ErrorCode.INTERNAL, ref="t0"), now=0.0, chance=0.0)
        refusal = outbox.refusal_of("t0")
        assert refusal is not None
        assert refusal.code is ErrorCode.INTERNAL

    def test_while_it_is_certain_that_nothing_was_done_the_reason_is_known(self) -> None:
        outbox = filled(1)
        sent(outbox)
        assert outbox.refusal_of("t0") is None
        refused(outbox, "t0", ErrorCode.OVERLOADED)
        outbox.reopened()
        refusal = outbox.refusal_of("t0")
        assert refusal is not None
        assert refusal.code is ErrorCode.OVERLOADED
        sent(outbox)
        assert outbox.refusal_of("t0") is None

    def test_of_what_nobody_waits_for_it_says_nothing(self) -> None:
        outbox = filled(2)
        assert not refused(outbox, "t0", ErrorCode.INVALID)  # not sent
        assert not refused(outbox, "t7", ErrorCode.INVALID)
        assert sent(outbox) == ["t0", "t1"]
