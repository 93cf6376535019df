"""Which events have been told; how long to wait."""

from datetime import UTC, datetime, timedelta

import pytest

from client.backoff import Backoff, full_jitter_s, renewal_in_s
from client.resuming import Resumption, after
from contracts.channel import GatewayMessage, Pong, SessionCurrent, TurnCompletedEvent, TurnPhaseEvent
from contracts.signaling import Seen
from contracts.turns import Outcome, Phase, Receipt, TurnCompleted

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SEEN = Seen(chat=5, out=7)


def phase(seq: int | None) -> TurnPhaseEvent:
    return TurnPhaseEvent(turn_id="t1", phase=Phase.PLAN, attempt=1, elapsed_ms=1, seq=seq)


def outcome(seq: int | None, ref: str | None = None) -> TurnCompletedEvent:
    turn = TurnCompleted(
        session="s1", turn_id="t1", outcome=Outcome.CONFIRMED, text="Done.", receipt=Receipt(), completed_at=NOW
    )
    return TurnCompletedEvent(turn=turn, seq=seq, ref=ref)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (phase(8), Seen(chat=5, out=8)),
        (phase(20), Seen(chat=5, out=20)),  # numbers have gaps
        (phase(7), None),
        (phase(3), None),
        (phase(None), SEEN),
        (outcome(6), Seen(chat=6, out=7)),
        (outcome(5), None),
        (outcome(5, ref="m1"), SEEN),  # an answer, of any age
        (outcome(90, ref="m1"), SEEN),
        (outcome(None), SEEN),
        (SessionCurrent(seen=Seen(chat=9, out=9)), Seen(chat=9, out=9)),
        (SessionCurrent(seen=Seen(chat=9, out=1)), Seen(chat=9, out=7)),
        (Pong(ref="m1"), SEEN),
    ],
)
def test_an_event_moves_the_number_of_its_own_stream_and_only_upwards(message: GatewayMessage, told: Seen) -> None:
    assert after(SEEN, message) == told


def test_a_resume_token_does_not_show_where_it_is_printed() -> None:
    assert "secret" not in repr(Resumption("s1", "secret"))


class TestBackoff:
    def test_the_ceiling_doubles_from_half_a_second_to_ten(self) -> None:
        assert [full_jitter_s(failures, 1.0) for failures in (1, 2, 3, 4, 5, 6, 7, 5000)] == [
            0.5, 1, 2, 4, 8, 10, 10, 10
        ]  # fmt: skip

    def test_below_it_anything_is_possible(self) -> None:
        assert full_jitter_s(3, 0.0) == 0
        assert full_jitter_s(3, 0.25) == 0.5

    def test_what_opens_and_breaks_at_once_is_a_failure_and_what_lived_is_none(self) -> None:
        backoff = Backoff(lambda: 1.0)
        assert [backoff.after(lived_s) for lived_s in (0, 0.1, 9, 0, 60, 0)] == [0.5, 1, 2, 4, 0.5, 1]


def test_a_token_is_renewed_well_before_it_expires_and_never_in_a_hurry() -> None:
    assert renewal_in_s(NOW + timedelta(minutes=10), NOW) == 450
    assert renewal_in_s(NOW + timedelta(seconds=1), NOW) == 1
    assert renewal_in_s(NOW - timedelta(hours=1), NOW) == 1
