"""Instruments whose labels are bounded."""

import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.telemetry.measured import Measured

from bus import metering
from bus.metering import AT_ZERO_MAX, Counter, Histogram, UnlistedLabelError, begin_at_zero, listed, observing
from contracts import metrics
from contracts.instruments import Instrument, Kind, Label


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


def series_of(reader: InMemoryMetricReader, instrument: Instrument) -> set[frozenset[tuple[str, object]]]:
    """The labels of each series that is shown."""
    data = reader.get_metrics_data()
    return {
        frozenset((point.attributes or {}).items())
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == instrument.name
        for point in metric.data.data_points
    }


@pytest.fixture
def _of_a_service() -> Iterator[None]:
    """A service whose counters no other test has, of instruments that none counts."""
    yield
    metering._BEGUN.discard("nobody")


def of_nobody(name: str, *labels: Label, service: str = "nobody") -> Instrument:
    return Instrument(f"test.{name}", Kind.COUNTER, "{thing}", "of a service in a test", (service,), labels)


@pytest.mark.usefixtures("_of_a_service")
def test_counters_of_a_service_show_what_they_have_not_counted_yet_unless_that_were_much(
    metric_reader: InMemoryMetricReader,
) -> None:
    kinds = Label("kind", frozenset({"a", "b"}), "here")
    numbers = Label("number", frozenset(map(str, range(AT_ZERO_MAX + 1))), "here")
    bare, few, many = of_nobody("bare"), of_nobody("few", kinds), of_nobody("many", numbers)
    elsewhere = of_nobody("elsewhere", service="somebody")
    counters = [Counter(instrument) for instrument in (bare, few, many, elsewhere)]
    begin_at_zero("nobody")
    later = of_nobody("later", kinds)
    counters.append(Counter(later))

    assert series_of(metric_reader, bare) == {frozenset()}
    assert series_of(metric_reader, few) == {frozenset({("kind", "a")}), frozenset({("kind", "b")})}
    assert series_of(metric_reader, later) == series_of(metric_reader, few)
    assert series_of(metric_reader, many) == series_of(metric_reader, elsewhere) == set()
    del counters  # which are shown as long as somebody has them
