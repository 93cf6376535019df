"""What a plan comes to once code has checked it against the state and the request's words."""

from dataclasses import dataclass

from contracts.dialogue import Alias, Choice
from contracts.operations import Operation
from contracts.turns import Candidate, Outcome


@dataclass(frozen=True)
class Context:
    """What is known beside the words: `settled` by answers to questions (row ids, `due:` days, `delete`), and what the
    owner calls their lists."""

    settled: frozenset[str] = frozenset()
    aliases: tuple[Alias, ...] = ()


NO_CONTEXT = Context()


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
    """The turn ends here and changes nothing.

    A question offers `choices`; `about` are the rows it rests on (`id/*`: a list with its items), and `phrase` is what
    the request calls the list that it asks for.
    """

    outcome: Outcome
    text: str
    understood: tuple[str, ...] = ()
    reason: str | None = None
    choices: tuple[Choice, ...] = ()
    about: tuple[str, ...] = ()
    phrase: str | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The choices as the page shows them."""
        return tuple(Candidate(label=one.label, detail=one.detail, reply=one.reply) for one in self.choices)


Resolution = Change | Ending


class Unresolvable(Exception):  # noqa: N818 - an answer to the user, not a fault
    """Raised by a step that cannot become operations; `ending` is what the user reads."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.outcome)
        self.ending = ending


def stop(
    outcome: Outcome,
    text: str,
    *,
    reason: str | None = None,
    choices: tuple[Choice, ...] = (),
    about: tuple[str, ...] = (),
    phrase: str | None = None,
) -> Unresolvable:
    return Unresolvable(Ending(outcome=outcome, text=text, reason=reason, choices=choices, about=about, phrase=phrase))
