"""A stack as Prometheus sees it: its targets scraped once, and what is wrong with what they show."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from contracts.instruments import Instrument, Kind
from contracts.metrics import INSTRUMENTS

NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})
_OF_SERIES: Final = {series: instrument for instrument in INSTRUMENTS for series in instrument.series}
INFO: Final = "target_info"
"""Made by the exporter out of the resource; one series a process, whatever happens."""


@dataclass(frozen=True)
class Series:
    """One line of a scrape, with the target's own labels beside it."""

    job: str
    instance: str
    name: str
    labels: Mapping[str, str]
    value: float

    @property
    def instrument(self) -> Instrument | None:
        return _OF_SERIES.get(self.name)


@dataclass(frozen=True)
class Scrape:
    """What all targets showed."""

    series: tuple[Series, ...]

    def __call__(self, instrument: Instrument, labels: Mapping[str, str] = NO_LABELS, *, instance: str = "") -> float:
        """The sum over all processes, of a histogram that of its counts; labels by their names in Prometheus."""
        name = f"{instrument.prometheus}_count" if instrument.kind is Kind.HISTOGRAM else instrument.prometheus
        return sum(
            one.value
            for one in self.series
            if one.name == name and labels.items() <= one.labels.items() and instance in {"", one.instance}
        )


def targets(data: Path) -> list[tuple[str, str, str]]:
    """Address, job and instance of all that a stack has scraped, from the file that Prometheus reads."""
    return [
        (address, entry["labels"]["job"], entry["labels"]["instance"])
        for entry in json.loads((data / "metrics.json").read_text())
        for address in entry["targets"]
    ]


async def scraped(of: Iterable[tuple[str, str, str]]) -> Scrape:
    """Scrape each target once. Raises httpx.HTTPError."""
    found: list[Series] = []
    async with httpx.AsyncClient(trust_env=False) as client:
        for address, job, instance in of:
            answer = await client.get(f"http://{address}/metrics")
            answer.raise_for_status()
            for family in text_string_to_metric_families(answer.text):
                found += [Series(job, instance, one.name, one.labels, one.value) for one in family.samples]
    return Scrape(tuple(found))


def faults(scrape: Scrape) -> set[str]:
    """What is not as the table of metrics has it: a metric, who has it, a label, a label's value."""
    return {fault for series in scrape.series if series.name != INFO for fault in _faults_of(series)}


def _faults_of(series: Series) -> Iterable[str]:
    instrument = series.instrument
    if instrument is None:
        yield f"{series.name} of {series.job} is in no table"
        return
    if series.job not in instrument.services:
        yield f"{series.name} is none of {series.job}'s"
    known = {label.prometheus: label for label in instrument.labels}
    for name, value in series.labels.items():
        if name == "le" and series.name.endswith("_bucket"):
            if value != "+Inf" and float(value) not in instrument.buckets:
                yield f"{series.name} has a bucket {value}"
        elif name not in known:
            yield f"{series.name} has a label {name}"
        elif value not in known[name].values and not (value == "" and known[name].optional):
            yield f"{series.name} has {name}={value!r}"
    for name in known.keys() - series.labels.keys():
        if not known[name].optional:
            yield f"{series.name} lacks the label {name}"
