"""The table of metrics, held against itself and against what Prometheus makes of it."""

import pytest

from contracts import metrics
from contracts.instruments import Instrument, Kind, counter
from contracts.metrics import INSTRUMENTS


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        (metrics.TURNS, "todo_turns_total"),
        (metrics.TURN_DURATION, "todo_turn_duration_seconds"),
        (metrics.SESSIONS, "todo_rtc_sessions"),
        (metrics.STREAM_SIZE, "todo_stream_size_bytes"),
        (metrics.MODEL_TOKENS, "gen_ai_client_token_usage"),
        (metrics.CPU_TIME, "process_cpu_time_seconds_total"),
    ],
)
def test_prometheus_shows_unit_and_total_behind_the_name(instrument: Instrument, name: str) -> None:
    assert instrument.prometheus == name


def test_a_histogram_is_three_series() -> None:
    assert metrics.ROUND_TRIP.series == (
        "todo_rtc_round_trip_duration_seconds_bucket",
        "todo_rtc_round_trip_duration_seconds_count",
        "todo_rtc_round_trip_duration_seconds_sum",
    )


def test_no_two_instruments_are_one_in_prometheus() -> None:
    names = [name for instrument in INSTRUMENTS for name in instrument.series]

    assert len(names) == len(set(names))


def test_the_series_that_a_process_can_ever_have_are_few() -> None:
    """The product of all labels, times a histogram's buckets: what a stranger could bring about at the worst."""
    for instrument in INSTRUMENTS:
        sets = 1
        for label in instrument.labels:
            sets *= len(label.values) + (1 if label.optional else 0)
        # mcp.server.operation.duration is the widest; a tool is named for one method only, so most never are.
        assert sets <= 15 * 14 * 35, instrument.name


def test_no_label_is_an_identifier() -> None:
    names = {label.prometheus for instrument in INSTRUMENTS for label in instrument.labels}

    assert names.isdisjoint({"owner", "turn", "turn_id", "trace_id", "list_id", "item_id", "user", "address"})


def test_buckets_rise() -> None:
    for instrument in INSTRUMENTS:
        assert list(instrument.buckets) == sorted(set(instrument.buckets)), instrument.name


def test_a_unit_is_seconds_bytes_or_what_is_counted() -> None:
    with pytest.raises(ValueError, match="has the unit 'ms'"):
        counter("todo.x", "ms", "", ("agent",))
    with pytest.raises(ValueError, match="a histogram has buckets"):
        Instrument("todo.x", Kind.HISTOGRAM, "s", "", ("agent",))
