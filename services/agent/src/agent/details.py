"""Due date, priority and notes of a step: only what the request's own words say, and how they are said again."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from agent.dates import date_phrases_in, days_in
from agent.names import uses_only_words_of, words
from agent.resolution import Unresolvable, stop
from agent.words import NOTHING_CHANGED, either, quoted
from contracts.dialogue import Choice
from contracts.todo import Priority
from contracts.turns import Outcome

_PRIORITY_WORDS: Final = {
    **dict.fromkeys(("urgent", "important", "dringend", "wichtig", "hoch", "hohe", "hoher"), Priority.HIGH),
    **dict.fromkeys(("urgente", "importante", "haute", "élevée", "alta", "高", "紧急", "高优先级"), Priority.HIGH),
    **dict.fromkeys(("mittel", "mittlere", "moyenne", "media", "中优先级"), Priority.MEDIUM),
    **dict.fromkeys(("niedrig", "niedrige", "niedriger", "basse", "faible", "baja", "低优先级"), Priority.LOW),
}
_TAKING_AWAY: Final = frozenset(
    {"remove", "clear", "drop", "delete", "unset", "erase", "no", "none", "without", "entferne", "entfernen", "lösche"}
    | {"kein", "keine", "ohne", "enlève", "supprime", "retire", "sans", "quita", "elimina", "borra", "sin"}
)
_TAKING_AWAY_ZH: Final = ("删", "去掉", "取消", "清除")
_NO_DUE: Final = frozenset({"none", "no due date"})


def removes_due(phrase: str, request: str) -> bool:
    """Whether a step's due phrase asks for having none, and the request does too."""
    return _is_none(phrase) and _takes_away(request)


def _is_none(phrase: str) -> bool:
    return phrase.strip().casefold() in _NO_DUE


def _takes_away(request: str) -> bool:
    return not _TAKING_AWAY.isdisjoint(words(request)) or any(word in request for word in _TAKING_AWAY_ZH)


def due_token(day: date) -> str:
    """What choosing a day settles."""
    return f"due:{day.isoformat()}"


def due_of(phrase: str, request: str, today: date, settled: frozenset[str] = frozenset()) -> date | None:
    """The day that a step's phrase names. Raises Unresolvable for one that code does not understand, that could be
    two days of which none is `settled`, or that the request does not hold: a date is where a model errs most."""
    if not phrase.strip() or _is_none(phrase):
        return None
    days = days_in(phrase, today)
    said = {phrase: days} if uses_only_words_of(request, phrase) else {}
    if not said and days:
        # The model may say the same day in other words, such as the date of tomorrow.
        meant = {other: days_in(other, today) for other in date_phrases_in(request)}
        said = {other: named for other, named in meant.items() if set(days) <= set(named)}
    # A longer phrase says more: "24.12.2027" is not 24.12. of this year.
    for words_for_it in sorted(said, key=lambda other: (len(said[other]), -len(other))):
        named = said[words_for_it]
        if len(named) == 1:
            return named[0]
        chosen = [day for day in named if due_token(day) in settled]
        if len(chosen) == 1:
            return chosen[0]
        if named:
            raise which_day(named, request, words_for_it.strip())
    text = f"The date in your request was not understood; write it as YYYY-MM-DD. {NOTHING_CHANGED}"
    raise stop(Outcome.CLARIFY, text, reason="due_not_understood")


def which_day(days: Sequence[date], request: str, phrase: str) -> Unresolvable:
    """Which of two days a phrase such as 03/04 means."""
    choices = tuple(
        Choice(
            label=f"{day:%d %B %Y}".removeprefix("0"),
            detail=day.isoformat(),
            reply=request.replace(phrase, day.isoformat()),
            settles=due_token(day),
        )
        for day in days
    )
    text = f"Which day is {quoted(phrase)}: {either([choice.label for choice in choices])}? {NOTHING_CHANGED}"
    return stop(Outcome.CLARIFY, text, reason="which_day", choices=choices)


def priority_of(word: str, request: str) -> Priority | None:
    """The priority that a step names, if the request does; None otherwise."""
    wanted = word.strip().casefold()
    if wanted not in set(Priority):
        return None
    said = words(request)
    meant = Priority(wanted)
    if meant is Priority.NONE and _takes_away(request):
        return meant
    unspaced = any(
        word in request for word, named in _PRIORITY_WORDS.items() if named is meant and not word[0].isascii()
    )
    return meant if wanted in said or unspaced or any(_PRIORITY_WORDS.get(word) is meant for word in said) else None


def notes_of(text: str, request: str) -> str:
    """The notes that a step gives, if they are made of the request's words; none otherwise."""
    return text if text.strip() and uses_only_words_of(request, text) else ""


def day_of_due(due: date | datetime | None) -> date:
    """The day of a due date; the end of time for none."""
    return due.date() if isinstance(due, datetime) else due or date.max
