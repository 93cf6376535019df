"""Due dates from the user's words, by code, in the user's zone at the time the request was accepted."""

import re
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


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
    """The day that a phrase names: today, tomorrow, a weekday (the next one), or YYYY-MM-DD. None for anything else."""
    text = phrase.casefold().strip().removeprefix("on ").removeprefix("next ").removeprefix("this ")
    if text == "today":
        return today
    if text == "tomorrow":
        return today + timedelta(days=1)
    if text in _WEEKDAYS:
        ahead = (_WEEKDAYS.index(text) - today.weekday()) % 7
        return today + timedelta(days=ahead or 7)
    if _ISO.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    return None
