"""Which things a request names."""

import pytest

from agent.names import named_in, same_name, uses_only_words_of


def named(request: str, *names: str) -> set[str]:
    return set(named_in(request, ((name, name) for name in names)).rows)


@pytest.mark.parametrize(
    ("request_text", "names", "expected"),
    [
        ("add milk to Groceries", ["Groceries", "Travel"], {"Groceries"}),
        ("add milk to groceries!", ["GROCERIES"], {"GROCERIES"}),
        ("add x to Work 2", ["Work", "Work 2"], {"Work 2"}),
        ("add x to Work", ["Work", "Work 2"], {"Work"}),
        ("move it from Work to Work 2", ["Work", "Work 2"], {"Work", "Work 2"}),
        ("delete eggs", ["egg", "eggs"], {"eggs"}),
        ("add tea to Nowhere", ["Groceries"], set()),
        ("add milk to \uff27\uff32\uff2f\uff23\uff25\uff32\uff29\uff25\uff33", ["Groceries"], {"Groceries"}),
        ("把牛奶加到购物清单", ["购物清单", "旅行"], {"购物清单"}),
        ("delete dad's birthday", ["dad's birthday", "dad"], {"dad's birthday"}),
        ("tick 🎉", ["🎉", "🎂"], {"🎉"}),
    ],
)
def test_a_request_names_what_its_words_hold_and_the_longest_name_wins(
    request_text: str, names: list[str], expected: set[str]
) -> None:
    assert named(request_text, *names) == expected


def test_a_new_title_must_be_made_of_the_requests_words() -> None:
    assert uses_only_words_of("please add oat milk to Groceries", "Oat milk")
    assert not uses_only_words_of("please add milk to Groceries", "almond milk")
    assert uses_only_words_of("加牛奶", "牛奶")


def test_names_that_differ_in_case_or_spacing_are_the_same() -> None:
    assert same_name("Work  2", "work 2")
    assert not same_name("Work", "Work 2")
