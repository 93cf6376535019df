"""What is near an id that does not exist."""

import pytest

from mcp_bridge.near import Known, nearest

ROWS = [Known(row_id, name, name) for row_id, name in [
    ("l4k9x2m7qdh", "Groceries"), ("l7h3b5n2pqr", "Work"), ("lz9y8x7w6v5", "Shopping for the party"), ("la", "牛奶"),
]]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("Groceries", ["Groceries"]),
        ("groceries ", ["Groceries"]),
        ("Grocery", ["Groceries"]),
        ("l4k9x2m7qdn", ["Groceries"]),
        ("shopping", ["Shopping for the party"]),
        ("牛奶", ["牛奶"]),
        ("zzz", []),
        ("", []),
        ("W", []),
    ],
)
def test_a_name_instead_of_an_id_and_a_letter_wrong_are_near_and_nothing_else_is(wanted: str, found: list[str]) -> None:
    assert [row.name for row in nearest(wanted, ROWS)] == found


def test_the_likest_comes_first_and_there_are_three_at_most() -> None:
    rows = [
        Known(f"i{number}", name, name) for number, name in enumerate(["milky way", "milk", "oat milk", "milk tea"])
    ]
    assert nearest("milk", rows)[0].name == "milk"
    assert len(nearest("milk", rows)) == 3
