"""What the agents say of their models, made into one state. Pure; times are in seconds, monotonic."""

from dataclasses import dataclass
from typing import Final

from contracts.model_status import ModelReport, ModelState, ModelStatus

AGENTS_MAX: Final = 64
"""Of more agents than these, those that were heard of last are kept."""
_BEST_FIRST: Final = tuple(ModelState)


@dataclass(frozen=True)
class _Heard:
    report: ModelReport
    at: float


class AgentsHeard:
    """An agent that says nothing for `silent_after_s` is gone. Nobody is before that time has passed from `now`."""

    def __init__(self, *, silent_after_s: float, now: float) -> None:
        self._silent_after_s = silent_after_s
        self._since = now
        self._heard: dict[str, _Heard] = {}

    def take(self, report: ModelReport, now: float) -> None:
        """What one agent says now."""
        # The newest last, so that the first is who has been silent for longest.
        self._heard.pop(report.instance, None)
        self._heard[report.instance] = _Heard(report, now)
        if len(self._heard) > AGENTS_MAX:
            del self._heard[next(iter(self._heard))]

    def deaf(self, now: float) -> None:
        """Up to now, agents may have spoken without being heard: their silence counts from here."""
        self._since = now

    def status(self, now: float) -> ModelStatus | None:
        """The best that an agent says; None while nobody was heard, and nobody need have been."""
        for instance in [name for name in self._heard if now >= self._silent_at(name)]:
            del self._heard[instance]
        if not self._heard:
            return ModelStatus(state=ModelState.NO_AGENT) if now >= self._since + self._silent_after_s else None
        best = min((heard.report for heard in self._heard.values()), key=_order)
        return ModelStatus(state=best.state, name=best.name, stand_in=best.stand_in)

    def changes_by(self, now: float) -> float | None:
        """When it is another by silence alone; None where only a report can change it."""
        ends = [self._silent_at(name) for name in self._heard] or [self._since + self._silent_after_s]
        return min(ends) if self._heard or min(ends) > now else None

    def _silent_at(self, instance: str) -> float:
        return max(self._heard[instance].at, self._since) + self._silent_after_s


def _order(report: ModelReport) -> tuple[int, bool, str, str]:
    """The best state first, and of two the same ones: a real model before the stand-in, then by name, so that it is
    always the same."""
    return _BEST_FIRST.index(report.state), report.stand_in, report.name or "", report.instance
