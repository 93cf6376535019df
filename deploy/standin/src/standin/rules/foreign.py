"""A few requests of German, French, Spanish and Chinese, so that these can be tried: add, delete, tick, clear. Pure.

A question or a negation in these languages matches nothing here, or names nothing that is there.
"""

import re
from typing import Final

from standin.rules.rule import Planned, Rule, rule
from standin.rules.scene import Scene
from standin.rules.steps import Step, step

_ARTICLE: Final = re.compile(
    r"^(?:die|der|das|den|dem|ein|eine|einen|le|la|les|l'|un|une|du|des|de la|el|los|las|una)\s*(?<=[\s'])",
    re.IGNORECASE,
)
_DATE: Final = r"(?:heute|morgen|übermorgen|demain|aujourd'hui|mañana|hoy)"
_WHEN: Final = re.compile(rf"\s+(?P<due>{_DATE})$", re.IGNORECASE)


def _bare(text: str) -> str:
    return _ARTICLE.sub("", text.strip(" ,"))


def _add(match: re.Match[str], scene: Scene) -> Planned:
    """With a list that is there; without one none is named."""
    name = match.groupdict().get("list")
    alias = scene.named_list(_bare(name)) if name else scene.only_list()
    what = match["what"]
    when = _WHEN.search(what)
    due = match.groupdict().get("due") or (when["due"] if when else "")
    title = _bare(what[: when.start()] if when else what)
    if alias is None or not title:
        return (step("missing", text=name.strip()),) if name else None
    return (step("add_item", list=alias, text=scene.words(title), **({"due": due} if due else {})),)


def _item_step(op: str, text: str, scene: Scene, *, done: bool | None) -> Step:
    item = scene.item(text, done=done) or scene.item(_bare(text), done=done)
    return step("missing", text=_bare(text)) if item is None else step(op, item=item.alias)


def _delete(match: re.Match[str], scene: Scene) -> Planned:
    return (_item_step("delete_item", match["what"], scene, done=None),)


def _tick(match: re.Match[str], scene: Scene) -> Planned:
    return (_item_step("complete_item", match["what"], scene, done=False),)


def _clear(match: re.Match[str], scene: Scene) -> Planned:
    alias = scene.named_list(_bare(match["list"]))
    return (step("delete_item", list=alias, select="all") if alias else step("missing", text=_bare(match["list"])),)


FOREIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(r"füge\s+(?P<what>.+?)\s+(?:zu|zur|zum|auf|in)\s+(?P<list>.+?)\s+hinzu", _add),
    rule(r"füge\s+(?P<what>.+?)\s+hinzu", _add),
    rule(r"lösche?\s+alles\s+(?:aus|von|in)\s+(?P<list>.+)", _clear),
    rule(r"leere?\s+(?P<list>.+)", _clear),
    rule(r"lösche?\s+(?P<what>.+)", _delete),
    rule(r"ich\s+habe?\s+(?P<what>.+?)\s+(?:gekauft|erledigt)", _tick),
    rule(r"ajoute[rz]?\s+(?P<what>.+?)\s+(?:à|au|aux|dans|sur)\s+(?P<list>.+)", _add),
    rule(r"ajoute[rz]?\s+(?P<what>.+)", _add),
    rule(r"vide[rz]?\s+(?P<list>.+)", _clear),
    rule(r"supprime[rz]?\s+(?P<what>.+)", _delete),
    rule(r"j'ai\s+(?:acheté|fait)\s+(?P<what>.+)", _tick),
    rule(r"(?:añade|agrega)\s+(?P<what>.+?)\s+(?:a|en)\s+(?P<list>.+)", _add),
    rule(r"(?:añade|agrega)\s+(?P<what>.+)", _add),
    rule(r"vac[ií]a\s+(?P<list>.+)", _clear),
    rule(r"(?:borra|elimina)\s+(?P<what>.+)", _delete),
    rule(r"he\s+(?:comprado|hecho)\s+(?P<what>.+)", _tick),
    rule(r"(?P<due>今天|明天|后天)?(?:请|帮我)?把(?P<what>.+?)(?:添)?加到(?P<list>.+?)(?:里|中)?", _add),
    rule(r"(?:请|帮我)?清空(?P<list>.+)", _clear),
    rule(r"(?:请|帮我)?删(?:除|掉)(?P<what>.+)", _delete),
    rule(r"我?买了(?P<what>.+)", _tick),
)
