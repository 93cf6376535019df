"""What a metric is made of: a name, a kind, a unit, and labels that can only have the values that are listed.

Names and units are OpenTelemetry's; `Instrument.prometheus` is what a scrape shows, by the rules of the OpenTelemetry
specification's "Prometheus and OpenMetrics compatibility": dots become underscores, a unit of seconds or bytes stands
behind the name, and `_total` behind that of a counter.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

OTHER: Final = "other"
"""What a value becomes that is none of its label's. It should never be seen."""

_UNITS: Final = {"s": "seconds", "By": "bytes"}
_ANNOTATION: Final = re.compile(r"\{[a-z_]+\}")


class Kind(StrEnum):
    COUNTER = "counter"  # only grows
    UP_DOWN = "up_down_counter"  # how many there are now; summed over processes
    HISTOGRAM = "histogram"
    GAUGE = "gauge"  # looked at when it is asked for; never summed
    OBSERVED_COUNTER = "observable_counter"  # looked at when it is asked for; only grows


@dataclass(frozen=True)
class Label:
    """`source` says where the values come from, for people and for the test that holds them to it. An `optional` one is
    left out where it does not apply, as `error.type` is where nothing went wrong."""

    name: str
    values: frozenset[str]
    source: str
    optional: bool = False

    @property
    def prometheus(self) -> str:
        return re.sub(r"[^a-zA-Z0-9]+", "_", self.name)


@dataclass(frozen=True)
class Instrument:
    """`services` are those that have it. `buckets` are a histogram's upper bounds, in its unit."""

    name: str
    kind: Kind
    unit: str
    description: str
    services: tuple[str, ...]
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.unit not in _UNITS and _ANNOTATION.fullmatch(self.unit) is None:
            raise ValueError(f"{self.name} has the unit {self.unit!r}; give s, By or what is counted, as {{turn}}")
        if (self.kind is Kind.HISTOGRAM) != bool(self.buckets):
            raise ValueError(f"{self.name}: a histogram has buckets, and nothing else has")

    @property
    def prometheus(self) -> str:
        """Its name in Prometheus. A histogram's series have `_bucket`, `_sum` and `_count` behind it."""
        name = re.sub(r"[^a-zA-Z0-9:]+", "_", self.name)
        unit = _UNITS.get(self.unit, "")
        if unit and not name.endswith(f"_{unit}"):
            name = f"{name}_{unit}"
        return f"{name}_total" if self.kind in {Kind.COUNTER, Kind.OBSERVED_COUNTER} else name

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series in Prometheus."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.prometheus}_{part}" for part in ("bucket", "count", "sum"))
        return (self.prometheus,)


def counter(name: str, unit: str, description: str, services: tuple[str, ...], *labels: Label) -> Instrument:
    return Instrument(name, Kind.COUNTER, unit, description, services, labels)


def observed_counter(name: str, unit: str, description: str, services: tuple[str, ...], *labels: Label) -> Instrument:
    return Instrument(name, Kind.OBSERVED_COUNTER, unit, description, services, labels)


def up_down(name: str, unit: str, description: str, services: tuple[str, ...], *labels: Label) -> Instrument:
    return Instrument(name, Kind.UP_DOWN, unit, description, services, labels)


def gauge(name: str, unit: str, description: str, services: tuple[str, ...], *labels: Label) -> Instrument:
    return Instrument(name, Kind.GAUGE, unit, description, services, labels)


def histogram(
    name: str, unit: str, description: str, services: tuple[str, ...], *labels: Label, buckets: tuple[float, ...]
) -> Instrument:
    return Instrument(name, Kind.HISTOGRAM, unit, description, services, labels, buckets)
