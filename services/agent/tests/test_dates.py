# ruff: noqa: E501 - a table reads by its rows, and people write what they write
"""Which day the user's words mean, from the day on which the request was accepted."""

import time
from datetime import UTC, date, datetime

import pytest

from agent.dates import date_phrases_in, day_of, days_in, due_in, zone_named

SUNDAY = date(2026, 11, 22)
EVE = date(2026, 12, 24)  # a Thursday


def days_named_in(text: str, today: date) -> set[date]:
    return {day for phrase in date_phrases_in(text) if (day := due_in(phrase, today)) is not None}


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        (["today", "heute", "aujourd'hui", "hoy", "今天", "tonight"], "2026-11-22"),
        (["tomorrow", "Tomorrow!", "by tomorrow", "morgen", "bis morgen", "demain", "mañana", "明天"], "2026-11-23"),
        (["day after tomorrow", "the day after tomorrow", "übermorgen", "après-demain", "pasado mañana", "后天"], "2026-11-24"),
        (["friday", "on friday", "next friday", "this Friday", "fri", "due on friday"], "2026-11-27"),
        (["Freitag", "am Freitag", "nächsten Freitag", "bis Freitag", "kommenden Freitag"], "2026-11-27"),
        (["vendredi", "vendredi prochain", "ce vendredi", "pour vendredi"], "2026-11-27"),
        (["viernes", "el viernes", "el próximo viernes", "viernes que viene"], "2026-11-27"),
        (["周五", "星期五", "礼拜五", "这周五", "下周五"], "2026-11-27"),
        (["sunday", "Sonntag", "dimanche", "domingo", "星期天", "周日"], "2026-11-29"),
        (["friday next week", "Freitag nächster Woche", "vendredi de la semaine prochaine"], "2026-11-27"),
        (["in two weeks", "in 2 weeks", "in 14 days", "two weeks from now", "in zwei Wochen", "in 14 Tagen"], "2026-12-06"),
        (["dans deux semaines", "dans 14 jours", "en dos semanas", "dentro de dos semanas", "两周后", "14天后"], "2026-12-06"),
        (["in a week", "in einer Woche", "dans une semaine", "en una semana", "一周后", "一个星期后"], "2026-11-29"),
        (["24 December", "December 24", "December 24th", "24th of December", "the 24th of december", "dec 24"], "2026-12-24"),
        (["24. Dezember", "am 24. Dezember", "24 décembre", "le 24 décembre", "24 de diciembre", "12月24日"], "2026-12-24"),
        (["24.12.", "24.12", "24/12", "12/24", "24.12.2026", "24.12.26", "2026-12-24", "2026年12月24日"], "2026-12-24"),
        (["December 24, 2027", "24 de diciembre de 2027", "24. Dezember 2027", "24/12/2027"], "2027-12-24"),
        (["the 24th", "24th", "le 24", "el 24", "am 24."], "2026-11-24"),
        (["the 3rd", "on the 3rd"], "2026-12-03"),
        (["4/4", "04.04.", "4 avril"], "2027-04-04"),
        (["1er mai", "1. Mai", "1 de mayo", "may 1", "5月1日"], "2027-05-01"),
        (["29.2.", "29 February"], "2028-02-29"),
    ],
)  # fmt: skip
def test_a_phrase_names_one_day(phrases: list[str], expected: str) -> None:
    assert {phrase: due_in(phrase, SUNDAY) for phrase in phrases} == dict.fromkeys(
        phrases, date.fromisoformat(expected)
    )


@pytest.mark.parametrize(
    "phrase",
    ["", "may", "next week", "nächste Woche", "week", "second", "12", "2027", "milk", "so", "do", "mi", "now", "5pm",
     "tomorrow at 5pm", "31 February", "32.12.", "2026-13-01", "when pigs fly", "weekend", "x" * 500, "0/5", "in 0 potatoes"],
)  # fmt: skip
def test_what_is_no_day_is_not_guessed(phrase: str) -> None:
    assert days_in(phrase, SUNDAY) == ()


@pytest.mark.parametrize("phrase", ["03/04", "3/4", "3-4", "on 03/04", "3/4/2027"])
def test_what_could_be_two_days_is_both(phrase: str) -> None:
    assert days_in(phrase, SUNDAY) == (date(2027, 3, 4), date(2027, 4, 3))


def test_a_day_without_its_year_may_be_today_and_a_weekday_is_after_it() -> None:
    assert due_in("24 December", EVE) == EVE
    assert due_in("24.12.", EVE) == EVE
    assert due_in("23.12.", EVE) == date(2027, 12, 23)
    assert due_in("thursday", EVE) == date(2026, 12, 31)
    assert due_in("下周五", EVE) == date(2027, 1, 1)
    assert due_in("周五", EVE) == date(2026, 12, 25)
    assert due_in("friday next week", EVE) == date(2027, 1, 1)


def test_days_are_found_in_a_request_wherever_they_stand() -> None:
    assert days_named_in("add tickets due 24 December to Travel", SUNDAY) == {EVE}
    assert days_named_in("请在12月24日买牛奶", SUNDAY) == {EVE}
    assert days_named_in("add milk in two weeks", SUNDAY) == {date(2026, 12, 6)}
    assert days_named_in("add 3 eggs", SUNDAY) == set()
    assert days_named_in("add milk 03/04", SUNDAY) == set()


def test_today_is_the_users_day_at_the_time_of_acceptance() -> None:
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert day_of(moment, zone_named("Europe/Berlin")) == date(2026, 11, 23)
    assert day_of(moment, zone_named("America/New_York")) == SUNDAY
    assert day_of(moment, zone_named("Nowhere/Land")) == SUNDAY


@pytest.mark.parametrize("piece", ["1 ", "friday ", "in two ", "12/", "24. ", "下周", "on "])
def test_the_longest_request_is_searched_in_bounded_time(piece: str) -> None:
    began = time.process_time()
    days_named_in((piece * 8192)[:8192], SUNDAY)
    assert time.process_time() - began < 1
