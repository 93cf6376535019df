"""One run of the matrix as data: the request, what goes wrong with it, who else writes, and how it may end."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import JsonValue

from bench.faults.state import Edit, State, edited
from bench.faults.templates import Template
from contracts.turns import Outcome

ScriptedAnswer = dict[str, JsonValue]
"""A step of the stand-in's script."""


class Point(StrEnum):
    """Where somebody else writes, held there by a barrier."""

    THINKING = "while the model thinks"
    PLANNED = "between PLAN and EXECUTE"
    APPLIED = "between EXECUTE and CONFIRM"


class Wire(StrEnum):
    """What happens to the first question to the model, before or instead of the stand-in's answer."""

    FINE = "fine"
    DROPPED = "the connection breaks in the answer"
    REFUSED = "nobody listens"
    SLOW = "no answer in time"


class Database(StrEnum):
    """What a trigger in PostgreSQL does to the rows of this owner."""

    FINE = "fine"
    DROPS = "drops every write"
    DROPS_ALL_BUT_ONE = "drops all but the first write"
    ALTERS = "writes another title"
    TOUCHES = "changes another item, too"
    WRITES_TWICE = "writes every new item twice"


class Worker(StrEnum):
    """What happens to the worker and its job."""

    FINE = "fine"
    STARTED_TWICE = "the page sends the turn twice"
    DELIVERED_AGAIN = "the finished job is delivered again"
    DIES_BEFORE_APPLY = "dies before EXECUTE"
    DIES_AFTER_APPLY = "dies between EXECUTE and CONFIRM"
    DIES_BEFORE_COMPLETED = "dies after CONFIRM"
    LATE_BEFORE_THE_OTHER = "taken over, applies late, before the other worker does"
    LATE_BEFORE_THE_ANSWER = "taken over, applies late, before the other worker answers"
    LATE_AFTER_THE_ANSWER = "taken over, applies late, after the other worker answered"


@dataclass(frozen=True)
class Link:
    """How often messages between agent and store get lost. A lost reply comes from a request that was carried out."""

    apply_requests: int = 0
    apply_replies: int = 0
    late_applies: int = 0  # taken for lost, and arriving after what was done about it
    take_over_replies: int = 0
    confirm_reads: int = 0


class Visit(NamedTuple):
    """Somebody else's edits, at the first or the n-th time that this point is passed."""

    at: Point
    edits: tuple[Edit, ...]
    time: int = 1


@dataclass(frozen=True)
class Company:
    """A concurrent writer. `spares` says that its edits have nothing to do with the request."""

    name: str
    visits: tuple[Visit, ...]
    spares: bool = False


ALONE: Final = Company("alone", ())


class End(NamedTuple):
    """A way in which a run may rightly end. None: the rows are not compared, since the database itself is at fault."""

    state: State | None
    outcomes: frozenset[Outcome]

    def after(self, edits: Iterable[Edit]) -> "End":
        """The same end where somebody else has made these edits."""
        state = self.state
        if state is None:
            return self
        for edit in edits:
            state = edited(state, edit)
        return self._replace(state=state)


@dataclass(frozen=True)
class Case:
    """`ends` are right; the first one is best. `script` is what the model answers, question by question."""

    fault: str
    variant: str
    template: Template
    script: tuple[ScriptedAnswer, ...]
    ends: tuple[End, ...]
    wire: Wire = Wire.FINE
    database: Database = Database.FINE
    worker: Worker = Worker.FINE
    link: Link = field(default_factory=Link)
    company: Company = ALONE

    @property
    def wants_change(self) -> bool:
        """Whether the run has to end applied."""
        best = self.ends[0]
        return Outcome.CONFIRMED in best.outcomes and best.state is not None and len(self.ends) == 1

    @property
    def may_ask(self) -> bool:
        return any(Outcome.CLARIFY in end.outcomes for end in self.ends)


HONEST: Final = frozenset(
    {Outcome.ANSWERED, Outcome.CLARIFY, Outcome.NOT_FOUND, Outcome.REFUSED, Outcome.CONFLICT, Outcome.FAILED}
)
"""The outcomes that say that nothing was changed."""


def only(state: State | None, *outcomes: Outcome) -> tuple[End, ...]:
    """One right end."""
    return (End(state, frozenset(outcomes)),)


def gold(template: Template) -> tuple[End, ...]:
    """The template's own end."""
    return only(template.end, template.outcome)


def safe(template: Template) -> tuple[End, ...]:
    """The template's own end, or nothing changed and said so: for answers that do not tell what is meant."""
    return (*gold(template), End(template.before, HONEST))


def scripted(*answers: ScriptedAnswer, template: Template) -> tuple[ScriptedAnswer, ...]:
    """These answers, and the right plan to every further question."""
    right: ScriptedAnswer = {"plan": list(template.steps)}
    return (*answers, *([right] * 4))
