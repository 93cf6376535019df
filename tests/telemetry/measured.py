"""What the instruments of this process were told."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint

from contracts.instruments import Instrument, Kind

NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})
_Points = list[tuple[str, Mapping[str, object], float]]


class Measured:
    """Since this was made."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader
        self._before = self._points()

    def __call__(self, instrument: Instrument, labels: Mapping[str, str] = NO_LABELS) -> float:
        """By how much it has grown, of a histogram by how many values; of a gauge, what it shows. 0 where it is silent.

        Of a label that is left out, all values count.
        """
        now = _sum(self._points(), instrument, labels)
        return now if instrument.kind is Kind.GAUGE else now - _sum(self._before, instrument, labels)

    def _points(self) -> _Points:
        found: _Points = []
        data = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                for point in metric.data.data_points:
                    if isinstance(point, HistogramDataPoint):
                        found.append((metric.name, point.attributes or {}, point.count))
                    elif isinstance(point, NumberDataPoint):
                        found.append((metric.name, point.attributes or {}, point.value))
        return found


def _sum(points: _Points, instrument: Instrument, labels: Mapping[str, str]) -> float:
    return sum(
        value for name, given, value in points if name == instrument.name and labels.items() <= dict(given).items()
    )
