"""The words for days, months and numbers in English, German, French, Spanish and Chinese, folded."""

from typing import Final


def _numbered(*columns: str, first: int) -> dict[str, int]:
    """`_numbered("mon tue", "lun mar", first=0)`: the n-th word of each column means first + n; `a|b` are both."""
    return {
        word.replace("_", " "): number
        for column in columns
        for number, words in enumerate(column.split(), first)
        for word in words.split("|")
    }


FAR_DAYS: Final = _numbered(
    "today|tonight tomorrow|tmrw day_after_tomorrow|the_day_after_tomorrow",
    "heute|heute_abend morgen übermorgen|uebermorgen",
    "aujourd'hui|ce_soir demain après-demain|apres-demain",
    "hoy|esta_noche mañana pasado_mañana",
    "今天|今晚|今日 明天|明日 后天 大后天",
    first=0,
)
WEEKDAYS: Final = _numbered(
    "monday|mon tuesday|tue|tues wednesday|wed thursday|thu|thur|thurs friday|fri saturday|sat sunday|sun",
    "montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag",
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "lunes martes miércoles|miercoles jueves viernes sábado|sabado domingo",
    "一 二 三 四 五 六 日|天",
    first=0,
)
MONTHS: Final = _numbered(
    "january|jan february|feb march|mar april|apr may june|jun july|jul august|aug september|sep|sept october|oct"
    " november|nov december|dec",
    "januar|jänner februar märz|maerz april mai juni juli august september oktober|okt november dezember|dez",
    "janvier|janv février|fevrier|févr mars avril|avr mai juin juillet|juil août|aout septembre octobre novembre"
    " décembre|decembre|déc",
    "enero|ene febrero marzo abril|abr mayo junio julio agosto|ago septiembre|setiembre octubre noviembre"
    " diciembre|dic",
    first=1,
)
NUMBERS: Final = _numbered(
    "one|a|an two three four five six seven eight nine ten",
    "ein|eine|einer|einem|einen zwei drei vier fünf sechs sieben acht neun zehn",
    "un|une deux trois quatre cinq six sept huit neuf dix",
    "un|una dos tres cuatro cinco seis siete ocho nueve diez",
    "一 二|两 三 四 五 六 七 八 九 十",
    first=1,
)
DAYS_OF_UNIT: Final = {
    **dict.fromkeys(("day", "days", "tag", "tage", "tagen", "jour", "jours", "día", "días", "dia", "dias", "天"), 1),
    **dict.fromkeys(("week", "weeks", "woche", "wochen", "semaine", "semaines", "semana", "semanas"), 7),
    **dict.fromkeys(("周", "星期", "礼拜"), 7),
}
