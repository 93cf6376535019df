"""The few forms of PromQL that the panels use, so that like things are asked alike."""

from typing import Final

INTERVAL: Final = "$__rate_interval"
SHOWN: Final = "$__range"


def per_second(counter: str, *by: str, where: str = "") -> str:
    """A counter's rate, summed over processes."""
    return f"{_sum(by)}(rate({_selected(counter, where)}[{INTERVAL}]))"


def per_minute(counter: str, *by: str, where: str = "") -> str:
    """The same, in a unit for things that people do."""
    return f"60 * {per_second(counter, *by, where=where)}"


def happened(counter: str, *by: str, where: str = "") -> str:
    """How often in the time that is shown; 0 where it never did."""
    counted = f"{_sum(by)}(increase({_selected(counter, where)}[{SHOWN}]))"
    return counted if by else f"{counted} or vector(0)"


def quantile(q: float, histogram: str, *by: str, where: str = "") -> str:
    """Of a histogram's values in the last moments."""
    buckets = _selected(f"{histogram}_bucket", where)
    return f"histogram_quantile({q:g}, {_sum(('le', *by))}(rate({buckets}[{INTERVAL}])))"


def share(part: str, whole: str) -> str:
    """Of `whole`, which is no share where there is nothing."""
    return f"({part}) / ({whole} > 0)"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"


def _selected(metric: str, where: str) -> str:
    return f"{metric}{{{where}}}" if where else metric
