"""Instruments, made of `contracts.metrics`, whose labels take no value that is not listed there.

An unlisted one becomes `other` and is told in the log once, without the value, which might be a user's; a test has it
raise instead. Without a meter provider nothing is counted, and a measurement costs under a microsecond.
"""

import itertools
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Meter, Observation

from contracts.instruments import OTHER, Instrument, Kind

log = logging.getLogger(__name__)

Labels = Mapping[str, str]
Look = Callable[[], float | None]
"""What a gauge shows now, None for nothing. Called in another thread: it reads what is there, and asks nobody."""

AT_ZERO_MAX: Final = 32
"""Series that a counter may begin with: the codes of errors, and a few beside. One with more has a series once it has
counted."""

_NONE: Final[Labels] = {}
_METER: Final[Meter] = metrics.get_meter("todo")


class UnlistedLabelError(ValueError):
    """A label, or a value of one, that the table of metrics does not have."""


class _Strictness:
    def __init__(self) -> None:
        self.raises = False
        self.told: set[tuple[str, str]] = set()


_STRICTNESS: Final = _Strictness()


def raise_for_unlisted_labels() -> None:
    """For tests: from now on an unlisted label is an error of whoever gives it."""
    _STRICTNESS.raises = True


def listed(instrument: Instrument, labels: Labels) -> dict[str, str]:
    """`labels` as they may be recorded."""
    kept: dict[str, str] = {}
    for label in instrument.labels:
        value = labels.get(label.name)
        if value in label.values:
            kept[label.name] = str(value)
        elif value is not None or not label.optional:
            _unlisted(instrument, label.name)
            kept[label.name] = OTHER
    if len(kept) < len(labels):
        for name in labels:
            if name not in kept:
                _unlisted(instrument, name)
    return kept


def _unlisted(instrument: Instrument, label: str) -> None:
    if _STRICTNESS.raises:
        raise UnlistedLabelError(f"{instrument.name} has no such value of the label {label}; see contracts.metrics")
    if (instrument.name, label) not in _STRICTNESS.told:
        _STRICTNESS.told.add((instrument.name, label))
        log.error("metric label not listed", extra={"metric": instrument.name, "label": label})


class Counter:
    """Of Kind.COUNTER or Kind.UP_DOWN."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        make = _METER.create_up_down_counter if instrument.kind is Kind.UP_DOWN else _METER.create_counter
        self._made: metrics.Counter | metrics.UpDownCounter = make(
            instrument.name, instrument.unit, instrument.description
        )
        _COUNTERS.add(self)
        if _BEGUN.intersection(instrument.services):
            self.begin_at_zero()

    def add(self, amount: float, labels: Labels = _NONE) -> None:
        """Add `amount`, which only an up-down counter takes below zero."""
        self._made.add(amount, listed(self.instrument, labels))

    def begin_at_zero(self) -> None:
        """Show a 0 for each value of its labels, if these are few."""
        values = [sorted(label.values) for label in self.instrument.labels]
        if math.prod(map(len, values)) <= AT_ZERO_MAX:
            names = [label.name for label in self.instrument.labels]
            for chosen in itertools.product(*values):
                self._made.add(0, dict(zip(names, chosen, strict=True)))


_COUNTERS: Final[weakref.WeakSet[Counter]] = weakref.WeakSet()
_BEGUN: Final[set[str]] = set()


def begin_at_zero(service: str) -> None:
    """Have all counters of a service show that they have not counted yet, those too that are made later.

    To whoever looks at a rate, the first count of a counter that was not there before is none at all.
    """
    _BEGUN.add(service)
    for counter in list(_COUNTERS):
        if service in counter.instrument.services:
            counter.begin_at_zero()


class Histogram:
    """Of Kind.HISTOGRAM."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._made = _METER.create_histogram(
            instrument.name,
            instrument.unit,
            instrument.description,
            explicit_bucket_boundaries_advisory=instrument.buckets,
        )

    def record(self, value: float, labels: Labels = _NONE) -> None:
        """Note one value, in the instrument's unit."""
        self._made.record(value, listed(self._instrument, labels))

    @contextmanager
    def timing(self, labels: dict[str, str]) -> Iterator[None]:
        """Note how many seconds the block took. Labels may be added to inside it; a cancelled block is not noted."""
        started = time.perf_counter()
        try:
            yield
        except Exception:
            self.record(time.perf_counter() - started, labels)
            raise
        self.record(time.perf_counter() - started, labels)


class _Looks:
    """All that tell what one observed instrument shows: the SDK knows callbacks that are there for good only."""

    def __init__(self, instrument: Instrument) -> None:
        self.known: dict[object, tuple[Look, dict[str, str]]] = {}
        only_grows = instrument.kind is Kind.OBSERVED_COUNTER
        make = _METER.create_observable_counter if only_grows else _METER.create_observable_gauge
        make(instrument.name, [self._observe], instrument.unit, instrument.description)

    def _observe(self, _: CallbackOptions) -> Iterable[Observation]:
        for look, labels in list(self.known.values()):
            value = look()
            if value is not None:
                yield Observation(value, labels)


_LOOKS: Final[dict[str, _Looks]] = {}
_LOOKS_LOCK: Final = threading.Lock()


@contextmanager
def observing(instrument: Instrument, look: Look, labels: Labels = _NONE) -> Iterator[None]:
    """Show what `look` tells, for the length of the block."""
    with _LOOKS_LOCK:
        looks = _LOOKS.get(instrument.name)
        if looks is None:
            looks = _LOOKS[instrument.name] = _Looks(instrument)
    key = object()
    looks.known[key] = (look, listed(instrument, labels))
    try:
        yield
    finally:
        del looks.known[key]
