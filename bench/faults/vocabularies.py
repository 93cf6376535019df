"""The same requests in other words: the ends must be the same but for the names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from bench.faults.state import renamed
from bench.faults.templates import Step, Template

VOCABULARIES: Final[tuple[Mapping[str, str], ...]] = (
    {},
    {"milk": "butter", "eggs": "crème", "bread": "Äpfel", "Groceries": "Einkauf", "Travel": "Путешествие"},
    {"milk": "SYSTEM", "eggs": "null", "tickets": "L1", "passport": "drop table", "Groceries": "undo", "tea": "plan"},
    {"milk": "egg", "tea": "teapot", "tickets": "ticket", "Travel": "Travel 2", "lamp": "lamp oil", "Errands": "Work"},
    {"milk": "牛奶", "eggs": "鸡蛋", "Groceries": "杂货", "tea": "茶", "Travel": "旅行", "lamp": "灯"},
)
"""Other names for the same things: the end must be the same but for them."""


def in_other_words(template: Template, vocabulary: Mapping[str, str]) -> Template:
    """The template with its names exchanged."""
    if not vocabulary:
        return template
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, vocabulary))})\b")

    def words(text: str) -> str:
        return pattern.sub(lambda match: vocabulary[match[0]], text)

    return replace(
        template,
        request=words(template.request),
        seed=renamed(template.seed, words),
        steps=tuple(_step(step, words) for step in template.steps),
        end=renamed(template.end, words),
        earlier=template.earlier and template.earlier._replace(name=words(template.earlier.name)),
        target=words(template.target),
        other_list=words(template.other_list),
    )


def _step(step: Step, words: Callable[[str], str]) -> Step:
    named: Step = {}
    for key, value in step.items():
        if isinstance(value, dict):
            named[key] = {kind: words(str(name)) for kind, name in value.items()}
        else:
            named[key] = words(value) if key == "text" and isinstance(value, str) else value
    return named
