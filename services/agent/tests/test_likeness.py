"""Which names a request nearly holds, and which of them stand clear of the others."""

import pytest

from agent.likeness import near, other_number, partly, singular, without
from agent.places import phrase_for_list


def nearest(request: str, *names: str) -> set[str]:
    return set(near(without(request, ()), ((name, name) for name in names)))


@pytest.mark.parametrize(
    ("request_", "names", "expected"),
    [
        ("delete the egg", ["eggs", "milk"], {"eggs"}),
        ("delete the berries", ["berry"], {"berry"}),
        ("delete the glass", ["glasses"], {"glasses"}),
        ("add to grocereis", ["Groceries"], {"Groceries"}),
        ("add to Grocries", ["Groceries"], {"Groceries"}),
        ("add to Gorceris", ["Groceries"], {"Groceries"}),
        ("add to silk", ["milk"], set()),
        ("add to braed", ["bread"], {"bread"}),
        ("add to baerd", ["bread"], set()),
        ("add to Work 3", ["Work 2"], set()),
        ("see dentist 12", ["dentist 13"], set()),
        ("call the dentisst", ["call the dentist"], {"call the dentist"}),
        # No clear margin: one and two letters off.
        ("add to birthdays2", ["birthday", "birthdays"], set()),
        ("delete campimg tent", ["camping tent", "campings tent"], {"camping tent", "campings tent"}),
        ("delete campimg tent", ["camping tent", "fishing rod"], {"camping tent"}),
        # Another number of the same noun stands clear of any letter.
        ("delete the peach", ["peaches", "beach"], {"peaches"}),
    ],
)
def test_the_nearest_names(request_: str, names: list[str], expected: set[str]) -> None:
    assert nearest(request_, *names) == expected


def test_what_a_name_holds_is_near_no_other() -> None:
    assert without("move milk from Groceries to Travle", ["Groceries", "milk"]) == [
        ("move",),
        ("from",),
        ("to", "travle"),
    ]


def test_one_noun_in_two_numbers_comes_out_the_same() -> None:
    pairs = [("egg", "eggs"), ("cherry", "cherries"), ("box", "boxes"), ("tomato", "tomatoes"), ("glass", "glasses")]
    assert all(singular(one) == singular(many) for one, many in pairs)
    assert singular("bus") == "bus"
    assert singular("glass") == "glass"


def test_a_number_that_no_list_of_the_series_has_is_another_one() -> None:
    assert other_number("add tea to Work 3", "Work", ["Work", "Work 2"]) == "work 3"
    assert other_number("add tea to Work 2", "Work", ["Work", "Work 2"]) is None
    assert other_number("add 3 teas to Work", "Work", ["Work", "Work 2"]) is None
    assert other_number("add tea to Work 3 times", "Work", ["Work"]) is None
    assert other_number("add tea to Work 24.12.", "Work", ["Work", "Work 2"], ["24.12."]) is None


def test_titles_share_words_with_a_request() -> None:
    titles = [(title, title) for title in ("oat milk", "soy milk", "tea")]
    assert partly("bought the milk", titles, leave_out=frozenset({"the"})) == ("oat milk", "soy milk")
    assert partly("bought oat milk", titles, leave_out=frozenset()) == ("oat milk",)
    assert partly("bought nothing", titles, leave_out=frozenset()) == ()


@pytest.mark.parametrize(
    ("request_", "titles", "phrase"),
    [
        ("add tea to my shopping list", ["tea"], "shopping list"),
        ("add tea to the shopping list, please", ["tea"], "shopping list"),
        ("add tea to Nowhere tomorrow", ["tea"], "nowhere"),
        ("clear my shopping list", [], "shopping list"),
        ("add tea", ["tea"], None),
        ("add tea to my list", ["tea"], None),
        ("add tea to the list", ["tea"], None),
        ("add walk to school", ["walk to school"], None),
        ("remind me to call mom", ["call mom"], None),
        ("I want you to add tea", ["tea"], None),
        ("I need to buy tea", ["tea"], None),
        ("add tea on friday", ["tea"], None),
        ("add tea in two weeks", ["tea"], None),
        ("add tea on 24 December", ["tea"], None),
        ("leere meine Einkaufsliste", [], "einkaufsliste"),
        ("füge Tee zu meiner Liste hinzu", ["Tee"], None),
        ("ajoute du thé à ma liste de courses", ["thé"], "liste de courses"),
        ("ajoute du thé", ["thé"], None),
        ("añade té a la lista de la compra", ["té"], "lista de la compra"),
        ("把茶加到购物清单", ["茶"], "购物清单"),
    ],
)
def test_what_a_request_calls_a_list(request_: str, titles: list[str], phrase: str | None) -> None:
    assert phrase_for_list(request_, titles) == phrase
