"""What a plan comes to once code has checked it against the state and the request's words."""

from dataclasses import dataclass

from contracts.operations import Operation
from contracts.turns import Candidate, Outcome


@dataclass(frozen=True)
class Change:
    """Operations to apply. `notes` are sentences about steps that need nothing or were left out; they rest on the
    rows in `relied_on`, by id."""

    operations: tuple[Operation, ...]
    understood: tuple[str, ...]
    notes: tuple[str, ...] = ()
    relied_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ending:
    """The turn ends here and changes nothing."""

    outcome: Outcome
    text: str
    understood: tuple[str, ...] = ()
    reason: str | None = None
    candidates: tuple[Candidate, ...] = ()


Resolution = Change | Ending


class Unresolvable(Exception):  # noqa: N818 - an answer to the user, not a fault
    """Raised by a step that cannot become operations; `ending` is what the user reads."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.outcome)
        self.ending = ending


def stop(
    outcome: Outcome, text: str, *, reason: str | None = None, candidates: tuple[Candidate, ...] = ()
) -> Unresolvable:
    return Unresolvable(Ending(outcome=outcome, text=text, reason=reason, candidates=candidates))
