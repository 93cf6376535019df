"""Instruments whose labels are bounded."""

import logging

import pytest
from tests.telemetry.measured import Measured

from bus import metering
from bus.metering import Counter, Histogram, UnlistedLabelError, listed, observing
from contracts import metrics


def test_what_is_counted_stands_under_its_labels(measured: Measured) -> None:
    Counter(metrics.VERDICTS).add(2, {"verdict": "refuted", "door": "chat"})

    assert measured(metrics.VERDICTS, {"verdict": "refuted", "door": "chat"}) == 2
    assert measured(metrics.VERDICTS, {"verdict": "refuted"}) == 2
    assert measured(metrics.VERDICTS, {"verdict": "confirmed"}) == 0


@pytest.mark.parametrize(
    "labels",
    [
        {"outcome": "buy milk"},
        {"outcome": "confirmed", "owner": "abc"},
        {},
    ],
)
def test_in_tests_a_label_that_is_not_listed_is_an_error(labels: dict[str, str]) -> None:
    with pytest.raises(UnlistedLabelError):
        listed(metrics.TURNS, labels)


def test_a_running_service_counts_it_as_other_and_says_so_once_without_the_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metering._STRICTNESS, "raises", False)
    monkeypatch.setattr(metering._STRICTNESS, "told", set())
    with caplog.at_level(logging.ERROR, logger="bus.metering"):
        first = listed(metrics.TURNS, {"outcome": "buy milk", "owner": "abc"})
        second = listed(metrics.TURNS, {"outcome": "buy bread"})

    assert first == second == {"outcome": "other"}
    assert [(record.metric, record.label) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("todo.turns", "outcome"),
        ("todo.turns", "owner"),
    ]
    assert "milk" not in caplog.text


def test_an_optional_label_may_be_left_out() -> None:
    assert listed(metrics.RPC_ASKED, {"rpc.method": "rpc.todo.v1.apply"}) == {"rpc.method": "rpc.todo.v1.apply"}


def test_a_gauge_shows_what_is_there_for_as_long_as_it_is(measured: Measured) -> None:
    places = 3
    with observing(metrics.ROOM, lambda: places):
        assert measured(metrics.ROOM) == 3
        places = 2
        assert measured(metrics.ROOM) == 2
    assert measured(metrics.ROOM) == 0


def test_time_is_noted_with_what_became_of_the_block(measured: Measured) -> None:
    labels = {"operation": "apply", "result": "ok"}

    def fail() -> None:
        with Histogram(metrics.STORE_DURATION).timing(labels):
            labels["result"] = "internal"
            raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert measured(metrics.STORE_DURATION, {"operation": "apply", "result": "internal"}) == 1
