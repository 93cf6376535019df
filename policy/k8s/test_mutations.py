"""Each rule sees what it is for: an installation in which one thing is wrong is complained about."""

from typing import Final

import pytest
from policy.k8s import wrong_edges, wrong_pods, wrong_starts
from policy.k8s.changing import Wrong
from policy.k8s.objects import namespace_of, of_kind
from policy.k8s.rendering import objects_of
from policy.k8s.rules import RULES, complaints

PARTS: Final = (wrong_pods.WRONG, wrong_edges.WRONG, wrong_starts.WRONG)
WRONG: Final[Wrong] = {rule: [case for part in PARTS for case in part.get(rule, ())] for rule in RULES}
CASES: Final = [(rule, number) for rule, wrong in WRONG.items() for number in range(len(wrong))]


@pytest.mark.parametrize(("rule", "number"), CASES)
def test_what_is_wrong_is_complained_about(rule: str, number: int) -> None:
    variant, change = WRONG[rule][number]
    objects = objects_of(variant)
    change(objects)
    assert complaints(rule, objects)


def test_every_rule_has_something_that_it_is_tried_on() -> None:
    assert all(WRONG.values())
    assert {rule for part in PARTS for rule in part} == set(RULES)


def test_an_object_without_a_namespace_is_found_to_have_none() -> None:
    assert namespace_of(next(of_kind(objects_of("local"), "Namespace"))) == ""
