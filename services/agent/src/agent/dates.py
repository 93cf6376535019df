"""Due dates from the user's words, by code, in the user's zone at the time the request was accepted.

English, German, French, Spanish and Chinese, by a small grammar: what it does not know, or what could be two days, is
asked and never guessed. Why not by a library: docs/decisions/0011.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from agent.calendar_words import DAYS_OF_UNIT, FAR_DAYS, MONTHS, NUMBERS, WEEKDAYS

PHRASE_MAX_CHARS: Final = 60
WORDS_MAX: Final = 100
WINDOW_MAX: Final = 5


def _one_of(words: dict[str, int]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_LATIN_DAYS: Final = {word: number for word, number in WEEKDAYS.items() if word.isascii() or word[0].isascii()}
_NEXT: Final = r"(?:next|this|coming|nächste[nrsm]?|kommende[nrsm]?|diese[nrsm]?|ce|próximo|proximo|este)"
_NEXT_AFTER: Final = r"(?:prochain|próximo|proximo|que viene)"
_OF_NEXT_WEEK: Final = (
    r"(?:next week|nächste[rn]? woche|(?:de )?la semaine prochaine|de la (?:próxima semana|semana que viene))"
)
_BEFORE: Final = re.compile(
    r"^(?:due|on|by|until|till|before|for|bis|zum|am|spätestens|pour|avant|d'ici|para|antes de|,)\s+"
)
_ARTICLE: Final = re.compile(r"^(?:the|der|den|dem|le|el|del)\s+")

_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_NUMBERS: Final = re.compile(r"(\d{1,2})\s*([./-])\s*(\d{1,2})(?:\s*\.|\s*\2\s*(\d{4}|\d{2}))?")
_WEEKDAY: Final = re.compile(rf"(?:{_NEXT} )?({_one_of(_LATIN_DAYS)})(?: {_NEXT_AFTER})?")
_NEXT_WEEKS: Final = re.compile(rf"({_one_of(_LATIN_DAYS)}) {_OF_NEXT_WEEK}|next week ({_one_of(_LATIN_DAYS)})")
_DAY_FIRST: Final = re.compile(
    rf"(\d{{1,2}})(?:st|nd|rd|th|er|\.)? ?(?:of |de )?({_one_of(MONTHS)})\.?,?(?: (?:de |del )?(\d{{4}}))?"
)
_MONTH_FIRST: Final = re.compile(rf"({_one_of(MONTHS)})\.? (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?")
_DAY_ALONE: Final = re.compile(
    r"(?:the (\d{1,2})(?:st|nd|rd|th)|(\d{1,2})(?:st|nd|rd|th)|(?:le|el) (\d{1,2})|am (\d{1,2})\.)"
)
_FAR: Final = re.compile(
    rf"(?:in|dans|en|dentro de) (\d{{1,3}}|{_one_of(NUMBERS)}) ({_one_of(DAYS_OF_UNIT)})"
    rf"|(\d{{1,3}}|{_one_of(NUMBERS)}) ({_one_of(DAYS_OF_UNIT)}) from (?:now|today)"
    rf"|(\d{{1,3}}|[{''.join(word for word in NUMBERS if not word[0].isascii() and len(word) == 1)}])"
    r"个?(天|周|星期|礼拜)(?:之|以)?后"
)
_DAY_ZH: Final = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]")
_WEEKDAY_ZH: Final = re.compile(r"(下|这|本)?个?(?:周|星期|礼拜)([一二三四五六日天])")
_IN_CHINESE: Final = re.compile(
    rf"大?后天|今[天晚]|明天|(?:\d{{1,3}}|[一二两三四五六七八九十])个?(?:天|周|星期|礼拜)(?:之|以)?后"
    rf"|{_DAY_ZH.pattern}|{_WEEKDAY_ZH.pattern}"
)
DATE_WORDS: Final = frozenset(
    word for words in (FAR_DAYS, WEEKDAYS, MONTHS, DAYS_OF_UNIT) for phrase in words for word in phrase.split()
)


def zone_named(name: str) -> ZoneInfo:
    """The zone, or UTC for a name that the zone database does not have."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar day that a moment has in a zone."""
    return moment.astimezone(zone).date()


def due_in(phrase: str, today: date) -> date | None:
    """The one day that a phrase names; None where it names none, or could be either of two."""
    days = days_in(phrase, today)
    return days[0] if len(days) == 1 else None


@lru_cache(maxsize=512)
def days_in(phrase: str, today: date) -> tuple[date, ...]:
    """The days that a phrase can mean, the sooner first: none, one, or two (03/04).

    A weekday is the first one after today, said with "next" or without; "friday next week" and 下周五 are in the week
    that begins on the next Monday. A day without its year is the first one from today on.
    """
    text = " ".join(phrase.casefold().split()).strip(" ,;!?")
    if len(text) > PHRASE_MAX_CHARS:
        return ()
    forms = [text]
    while (shorter := _BEFORE.sub("", forms[-1])) != forms[-1]:
        forms.append(shorter)
    forms.append(_ARTICLE.sub("", forms[-1]))
    for form in forms:
        for pattern, read in _GRAMMAR:
            match = pattern.fullmatch(form) or pattern.fullmatch(form.rstrip("."))
            if match is not None:
                return read(match, today)
    return ()


def date_phrases_in(text: str) -> set[str]:
    """What in a text may name a day: words around a number or the name of a day. Looks at its first WORDS_MAX words."""
    folded = text.casefold()
    return {match[0] for match in _IN_CHINESE.finditer(folded[:1000])} | set(_windows(folded.split()[:WORDS_MAX]))


def _windows(words: list[str]) -> Iterator[str]:
    """Up to WINDOW_MAX words on end, of which one is a number or belongs to a date."""
    dated = [any(letter.isdigit() for letter in word) or word.strip(".,;!?") in DATE_WORDS for word in words]
    for start in range(len(words)):
        for end in range(start + 1, min(start + WINDOW_MAX, len(words)) + 1):
            if any(dated[start:end]):
                yield " ".join(words[start:end])


def _days(*parts: tuple[int, int, int]) -> tuple[date, ...]:
    """The days of these years, months and days that there are."""
    found = set()
    for year, month, day in parts:
        try:
            found.add(date(year, month, day))
        except ValueError:
            continue
    return tuple(sorted(found))


def _coming(month: int, day: int, today: date) -> tuple[date, ...]:
    """The first such day from today on; looks eight years ahead, for a 29 February."""
    years = range(today.year, today.year + 9)
    return tuple(found for year in years for found in _days((year, month, day)) if found >= today)[:1]


def _dated(year: str | None, month: int, day: int, today: date) -> tuple[date, ...]:
    return _coming(month, day, today) if year is None else _days((int(year), month, day))


def _far_day(match: re.Match[str], today: date) -> tuple[date, ...]:
    return (today + timedelta(days=FAR_DAYS[match[0]]),)


def _iso(match: re.Match[str], _: date) -> tuple[date, ...]:
    return _days((int(match[1]), int(match[2]), int(match[3])))


def _numbers(match: re.Match[str], today: date) -> tuple[date, ...]:
    """24.12. and 24/12/2026. With points the day comes first; with strokes that depends on the country."""
    first, mark, second, year = int(match[1]), match[2], int(match[3]), match[4]
    orders = [(second, first)] if mark == "." else [(second, first), (first, second)]
    full = f"20{year}" if year is not None and len(year) == 2 else year
    return tuple(sorted({found for month, day in orders for found in _dated(full, month, day, today)}))


def _weekday(match: re.Match[str], today: date) -> tuple[date, ...]:
    return (today + timedelta(days=(WEEKDAYS[match[1]] - today.weekday()) % 7 or 7),)


def _in_next_week(match: re.Match[str], today: date) -> tuple[date, ...]:
    return (today + timedelta(days=7 - today.weekday() + WEEKDAYS[match[1] or match[2]]),)


def _day_first(match: re.Match[str], today: date) -> tuple[date, ...]:
    return _dated(match[3], MONTHS[match[2]], int(match[1]), today)


def _month_first(match: re.Match[str], today: date) -> tuple[date, ...]:
    return _dated(match[3], MONTHS[match[1]], int(match[2]), today)


def _day_alone(match: re.Match[str], today: date) -> tuple[date, ...]:
    day = int(next(group for group in match.groups() if group))
    months = [(today.year + (today.month - 1 + far) // 12, (today.month - 1 + far) % 12 + 1) for far in range(3)]
    return tuple(found for year, month in months for found in _days((year, month, day)) if found >= today)[:1]


def _far(match: re.Match[str], today: date) -> tuple[date, ...]:
    number, unit = [group for group in match.groups() if group]
    count = int(number) if number.isdecimal() else NUMBERS[number]
    return (today + timedelta(days=count * DAYS_OF_UNIT[unit]),)


def _day_zh(match: re.Match[str], today: date) -> tuple[date, ...]:
    return _dated(match[1], int(match[2]), int(match[3]), today)


def _weekday_zh(match: re.Match[str], today: date) -> tuple[date, ...]:
    weekday = WEEKDAYS[match[2]]
    far = 7 - today.weekday() + weekday if match[1] == "下" else (weekday - today.weekday()) % 7 or 7
    return (today + timedelta(days=far),)


_GRAMMAR: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], tuple[date, ...]]], ...]] = (
    (re.compile(_one_of(FAR_DAYS)), _far_day),
    (_ISO, _iso),
    (_NUMBERS, _numbers),
    (_NEXT_WEEKS, _in_next_week),
    (_WEEKDAY, _weekday),
    (_DAY_FIRST, _day_first),
    (_MONTH_FIRST, _month_first),
    (_DAY_ALONE, _day_alone),
    (_FAR, _far),
    (_DAY_ZH, _day_zh),
    (_WEEKDAY_ZH, _weekday_zh),
)
