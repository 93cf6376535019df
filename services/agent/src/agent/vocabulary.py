"""Words of English, German, French, Spanish and Chinese that decide something, folded. Data, and what looks it up."""

from typing import Final

from contracts.planning import Select

ALL: Final = frozenset(
    {"all", "every", "everything", "each", "both", "rest", "remaining", "clear", "empty"}
    | {"alle", "alles", "allen", "jede", "jeden", "jedes", "beide", "beiden", "sämtliche", "leere", "leer", "leeren"}
    | {"tout", "toute", "tous", "toutes", "vide", "videz", "vider"}
    | {"todos", "toda", "todas", "ambos", "ambas", "vacía", "vacia", "vaciar"}
)
_ALL_ZH: Final = ("所有", "全部", "清空", "一切", "都")
DONE: Final = frozenset(
    {"done", "completed", "finished", "ticked", "checked", "erledigte", "erledigten", "terminés", "terminées", "faits"}
    | {"faites", "hechos", "hechas", "completadas", "completados", "terminadas", "terminados"}
)
OPEN: Final = frozenset({"open", "unfinished", "unchecked", "offene", "offenen", "ouverts", "ouvertes", "pendientes"})
OVERDUE: Final = frozenset({"overdue", "überfällige", "überfälligen", "retard", "vencidas", "vencidos", "atrasadas"})
_STATES: Final = {
    Select.DONE: (DONE, ("已完成", "做完的")),
    Select.OPEN: (OPEN, ("未完成", "没完成")),
    Select.DUE_BEFORE: (OVERDUE, ("过期", "逾期")),
}
GROUP: Final = ALL | DONE | OPEN | OVERDUE
_NO_GROUP_AFTER: Final = frozenset({"list", "lists", "item", "items", "app"})
YES: Final = frozenset({"yes", "yeah", "yep", "ja", "jawohl", "oui", "sí", "是", "是的", "好", "好的", "对", "确定"})
ALSO_YES: Final = frozenset(
    {"y", "ok", "okay", "sure", "doch", "klar", "vale", "si", "d'accord", "claro", "可以", "行"}
)
"""Enough as an answer, but not as the first word of a request."""
NO: Final = frozenset(
    {"no", "nope", "nah", "n", "cancel", "nein", "nö", "abbrechen", "non", "annuler", "cancelar", "不", "不是", "不用"}
    | {"不要", "取消", "none", "neither", "keine", "keines", "aucun", "aucune", "ninguno", "ninguna", "都不是"}
)
ORDINALS: Final = {
    word: number
    for number, words in enumerate(
        (
            "first 1st one 1 erste ersten erster erstes premier première premiere primero primera primer 第一个 第一",
            "second 2nd two 2 zweite zweiten zweiter zweites deuxième deuxieme seconde segundo segunda 第二个 第二",
            "third 3rd three 3 dritte dritten dritter drittes troisième troisieme tercero tercera tercer 第三个 第三",
            "fourth 4th four 4 vierte vierten vierter viertes quatrième quatrieme cuarto cuarta 第四个 第四",
            "fifth 5th five 5 fünfte fünften fünfter fünftes cinquième cinquieme quinto quinta 第五个 第五",
            "sixth 6th six 6 sechste sechsten sechster sechstes sixième sixieme sexto sexta 第六个 第六",
        )
    )
    for word in words.split()
}
LAST: Final = frozenset({"last", "letzte", "letzten", "letzter", "letztes", "dernier", "dernière", "último", "última"})
LAST_ZH: Final = frozenset({"最后一个"})

ARTICLES: Final = frozenset(
    {"the", "a", "an", "my", "our", "some", "this", "that", "der", "die", "das", "den", "dem", "ein", "eine", "einen"}
    | {"meine", "meiner", "meinem", "meinen", "mein", "unsere", "le", "la", "les", "l'", "un", "une", "du", "des", "ma"}
    | {"mon", "mes", "notre", "el", "los", "las", "una", "mi", "mis", "nuestra", "nuestro", "del"}
)
PLACES: Final = frozenset(
    {"to", "onto", "into", "in", "on", "from", "zu", "zur", "zum", "auf", "ins", "im", "von", "vom", "aus"}
    | {"à", "au", "aux", "dans", "sur", "de", "al", "en"}
)
LISTS: Final = frozenset({"list", "lists", "liste", "listen", "listes", "lista", "listas", "清单", "列表"})
COURTESY: Final = frozenset(
    {
        "please",
        "thanks",
        "thank",
        "you",
        "thx",
        "bitte",
        "danke",
        "s'il",
        "te",
        "vous",
        "plaît",
        "merci",
        "por",
        "favor",
    }
    | {
        "gracias",
        "请",
        "谢谢",
        "now",
        "too",
        "also",
        "again",
        "jetzt",
        "auch",
        "maintenant",
        "aussi",
        "ahora",
        "también",
    }
)
INBOX: Final = ("inbox", "eingang", "posteingang", "boîte de réception", "bandeja de entrada", "收件箱")
_NO_PLACE: Final = frozenset(
    {
        "it",
        "them",
        "there",
        "me",
        "us",
        "todo",
        "to-do",
        "task",
        "tasks",
        "do",
        "be",
        "buy",
        "get",
        "add",
        "put",
        "call",
    }
    | {"remember", "have", "go", "make", "see", "hinzu", "tun", "kaufen", "faire", "acheter", "hacer", "comprar"}
)


def asks_for_all(said: tuple[str, ...], text: str, select: Select | None = None) -> bool:
    """Whether these words, of this folded text, ask for all of something; or for what is in the state of `select`.

    A state alone asks for no more than that state: "mark milk as done" is not about all that is done.
    """
    words, unspaced = _STATES.get(select, (frozenset(), ())) if select is not None else (frozenset(), ())
    if not (ALL | words).isdisjoint(said) or any(word in text for word in (*_ALL_ZH, *unspaced)):
        return True
    # "todo" is Spanish for everything, and English in front of a list.
    following = (*said[1:], "")
    return any(word == "todo" and after not in _NO_GROUP_AFTER for word, after in zip(said, following, strict=True))


def is_generic(word: str) -> bool:
    """Whether a word after "to" or "in" says nothing about which list is meant."""
    return word in LISTS or word in _NO_PLACE or word in ARTICLES or word in COURTESY
