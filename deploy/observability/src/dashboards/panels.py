"""What a dashboard is made of here: rows of panels, each with its queries, a unit and what it means.

Every panel says in a sentence how to read it, and may lead on: to traces that show single cases, to the runbook.
`grafana.py` makes Grafana's JSON of this.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dashboards.links import Link


class Source(StrEnum):
    """Who measured what a query asks for. The tests run all of OURS against a Prometheus that scraped a real stack;
    the others need programs that are not to be had without containers, and are listed as not run."""

    OURS = "ours"  # our services, at /metrics
    NATS_EXPORTER = "nats_exporter"  # natsio/prometheus-nats-exporter, beside the NATS server
    COTURN = "coturn"  # coturn built with Prometheus, which Debian's is not
    TEMPO = "tempo"  # TraceQL
    LOKI = "loki"  # LogQL


PROMQL: Final = frozenset({Source.OURS, Source.NATS_EXPORTER, Source.COTURN})


class Unit(StrEnum):
    """Grafana's ids of units."""

    SECONDS = "s"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    SHARE = "percentunit"  # 1 is 100 %
    COUNT = "short"
    PER_MINUTE = "cpm"
    PER_SECOND = "cps"
    NONE = "none"


class Colour(StrEnum):
    """Colours that mean something; everything else is Grafana's classic palette."""

    GOOD = "green"
    NEUTRAL = "blue"
    WARNING = "orange"
    BAD = "red"
    GREY = "#8e8e8e"


@dataclass(frozen=True)
class Query:
    """`expr` in the language of its source. `legend` names a series by its labels: `{{outcome}}`."""

    expr: str
    legend: str = ""
    source: Source = Source.OURS


@dataclass(frozen=True)
class Steps:
    """Where a value begins to be a warning, and to be bad. With `falling`, below these instead of above."""

    warning: float | None = None
    bad: float | None = None
    falling: bool = False


@dataclass(frozen=True)
class Stat:
    """One number, now or over the time that is shown, with its colour by `steps`."""

    title: str
    query: Query
    unit: Unit
    description: str
    steps: Steps = Steps()
    links: tuple[Link, ...] = ()
    width: int = 4


@dataclass(frozen=True)
class Series:
    """Lines over time. `stacked` where the sum of them means something. `at_most` fixes the top of the axis.

    `point` is a link of each series, which may use its labels: `${__field.labels.outcome}`.
    """

    title: str
    queries: tuple[Query, ...]
    unit: Unit
    description: str
    stacked: bool = False
    at_most: float | None = None
    steps: Steps = Steps()
    links: tuple[Link, ...] = ()
    point: Link | None = None
    width: int = 12


@dataclass(frozen=True)
class Traces:
    """A table of traces that a TraceQL query finds, each a link to its waterfall."""

    title: str
    query: Query
    description: str
    links: tuple[Link, ...] = ()
    width: int = 24


@dataclass(frozen=True)
class Logs:
    """Log lines that a LogQL query finds."""

    title: str
    query: Query
    description: str
    links: tuple[Link, ...] = ()
    width: int = 24


Panel = Stat | Series | Traces | Logs


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """`uid` is part of its address, /d/<uid>, and stays. `jobs` gives it a choice of services, `$job` in queries."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    jobs: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def queries(panel: Panel) -> tuple[Query, ...]:
    """All queries of a panel."""
    return panel.queries if isinstance(panel, Series) else (panel.query,)


# What a series stands for has the same colour on every dashboard.
COLOURS: Final[dict[str, Colour]] = {
    "confirmed": Colour.GOOD,
    "answered": Colour.NEUTRAL,
    "cancelled": Colour.GREY,
    "conflict": Colour.WARNING,
    "unknown": Colour.WARNING,
    "failed": Colour.WARNING,
    "refuted": Colour.BAD,
}
