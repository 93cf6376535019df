"""Due date, priority and notes of a step: only what the request's own words say, and how they are said again."""

from datetime import date, datetime
from typing import Final

from agent.dates import due_in
from agent.names import uses_only_words_of, words
from agent.resolution import stop
from agent.words import NOTHING_CHANGED
from contracts.todo import Priority
from contracts.turns import Outcome

_PRIORITY_WORDS: Final = {"urgent": Priority.HIGH, "important": Priority.HIGH}
_TAKING_AWAY: Final = frozenset({"remove", "clear", "drop", "no", "without"})
_NO_DUE: Final = frozenset({"none", "no due date"})


def removes_due(phrase: str) -> bool:
    """Whether a step's due phrase asks for having none."""
    return phrase.strip().casefold() in _NO_DUE


def due_of(phrase: str, request: str, today: date) -> date | None:
    """The day that a step's phrase names. Raises Unresolvable for one that code does not understand, or that the
    request does not hold: a date is where a model errs most."""
    if not phrase.strip() or removes_due(phrase):
        return None
    due = due_in(phrase, today)
    if due is None or not _asks_for(request, phrase, due, today):
        text = f"The date in your request was not understood; write it as YYYY-MM-DD. {NOTHING_CHANGED}"
        raise stop(Outcome.CLARIFY, text, reason="due_not_understood")
    return due


def _asks_for(request: str, phrase: str, due: date, today: date) -> bool:
    """Whether the request holds the phrase, or another one for the same day ("tomorrow" for the date of tomorrow)."""
    return uses_only_words_of(request, phrase) or any(due_in(word, today) == due for word in words(request))


def priority_of(word: str, request: str) -> Priority | None:
    """The priority that a step names, if the request does; None otherwise."""
    wanted = word.strip().casefold()
    if wanted not in set(Priority):
        return None
    said = words(request)
    meant = Priority(wanted)
    if meant is Priority.NONE and not _TAKING_AWAY.isdisjoint(said):
        return meant
    return meant if wanted in said or any(_PRIORITY_WORDS.get(other) is meant for other in said) else None


def notes_of(text: str, request: str) -> str:
    """The notes that a step gives, if they are made of the request's words; none otherwise."""
    return text if text.strip() and uses_only_words_of(request, text) else ""


def day_of_due(due: date | datetime | None) -> date:
    """The day of a due date; the end of time for none."""
    return due.date() if isinstance(due, datetime) else due or date.max
