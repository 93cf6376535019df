"""What a PromQL expression asks for, and whether `contracts.metrics` has it: its series, labels and their values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import promql_parser as promql

from contracts.instruments import Instrument, Kind
from contracts.metrics import INSTRUMENTS

TARGET_LABELS: Final = frozenset({"job", "instance"})
"""What Prometheus adds to every series."""
OF_PROMETHEUS: Final[dict[str, frozenset[str]]] = {
    "up": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
}
"""Series that Prometheus itself writes, and their labels."""

_BY_SERIES: Final = {series: instrument for instrument in INSTRUMENTS for series in instrument.series}
_VARIABLES: Final = (("$__rate_interval", "1m"), ("$__range", "1h"), ("$job", ".*"))


@dataclass(frozen=True)
class Selector:
    """A series by name, and what its labels are to be: `matchers` by label, each with all values that it allows or
    excludes by name."""

    series: str
    matchers: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def instrument(self) -> Instrument | None:
        """The instrument behind it; None for what is not ours."""
        return _BY_SERIES.get(self.series)


def filled(expr: str, **values: str) -> str:
    """`expr` with Grafana's variables replaced; `rate_interval` and `range` may be given."""
    for name, value in _VARIABLES:
        expr = expr.replace(name, values.get(name.strip("$_"), value))
    return expr


def selectors(expr: str) -> tuple[Selector, ...]:
    """All that an expression selects. Raises ValueError where it is no PromQL."""
    return tuple(_selected(promql.parse(filled(expr))))


def problems(expr: str) -> Iterator[str]:
    """What our metrics do not have of what is asked: series, labels, and values that no label of it can take."""
    parsed = promql.parse(filled(expr))
    for selector in _selected(parsed):
        yield from _of_selector(selector)
    for labels, below in _groupings(parsed):
        for selector in _selected(below):
            known = _labels(selector)
            yield from (f"{selector.series} has no label {label}" for label in labels if known and label not in known)


def _of_selector(selector: Selector) -> Iterator[str]:
    known = _labels(selector)
    if known is None:
        yield f"{selector.series} is no series of contracts.metrics"
        return
    instrument = selector.instrument
    values = {} if instrument is None else {label.prometheus: label.values for label in instrument.labels}
    for name, wanted in selector.matchers:
        if name not in known:
            yield f"{selector.series} has no label {name}"
        yield from (
            f"{selector.series}: {name} is never {one}" for one in wanted if one not in values.get(name, wanted)
        )


def _labels(selector: Selector) -> frozenset[str] | None:
    if selector.series in OF_PROMETHEUS:
        return OF_PROMETHEUS[selector.series] | TARGET_LABELS
    instrument = selector.instrument
    if instrument is None:
        return None
    buckets = {"le"} if instrument.kind is Kind.HISTOGRAM and selector.series.endswith("_bucket") else set()
    return frozenset(label.prometheus for label in instrument.labels) | TARGET_LABELS | buckets


def _below(node: promql.Expr) -> tuple[promql.Expr, ...]:
    match node:
        case promql.BinaryExpr():
            return (node.lhs, node.rhs)
        case promql.Call():
            return tuple(node.args)
        case promql.MatrixSelector():
            return (node.vector_selector,)
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return (node.expr,)
    return ()


def _nodes(node: promql.Expr) -> Iterator[promql.Expr]:
    yield node
    for one in _below(node):
        yield from _nodes(one)


def _selected(parsed: promql.Expr) -> Iterator[Selector]:
    for node in _nodes(parsed):
        if isinstance(node, promql.VectorSelector):
            yield Selector(node.name or "", tuple((one.name, _named(one)) for one in node.matchers.matchers))


def _named(matcher: promql.Matcher) -> tuple[str, ...]:
    if matcher.op == promql.MatchOp.Re or matcher.op == promql.MatchOp.NotRe:  # noqa: PLR1714 - they have no hash
        # Alternatives only; what is a pattern names no value.
        return tuple(one for one in matcher.value.split("|") if re.fullmatch(r"[\w/-]+", one))
    return (matcher.value,) if matcher.value else ()


def _groupings(parsed: promql.Expr) -> Iterator[tuple[tuple[str, ...], promql.Expr]]:
    for node in _nodes(parsed):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            yield tuple(node.modifier.labels), node.expr
