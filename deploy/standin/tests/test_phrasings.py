"""What the rules make of the ways in which people put a request."""

from collections.abc import Callable

import pytest

from standin.prompt import Prompt
from standin.rules.planner import plan
from standin.rules.steps import NAME_WANTED, say

Planned = Callable[..., str]


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("yes, delete the list Groceries", "delete_list list=L1"),
        ("yes, clear Groceries", "delete_item list=L1 select=all"),
        ("yes, delete everything from Groceries", "delete_item list=L1 select=all"),
        ("yes, can you add tea to Groceries?", "add_item list=L1 text=tea"),
        ("can you add tea to Groceries? Thanks!", "add_item list=L1 text=tea"),
        ("add a card that says thanks to Travel", "add_item list=L2 text=card that says thanks"),
    ],
)
def test_courtesies_are_told_from_what_is_asked(planned: Planned, request_: str, steps: str) -> None:
    assert planned(request_) == steps


@pytest.mark.parametrize(
    "request_",
    [
        "create a list", "create list", "create a new list", "make me a list", "new list", "add a list",
        "create a to-do list", "create a list called", "create a list for me", "create lists",
        "make me a new list please",
        "create a list with milk and eggs", "create a list and add milk to it",
    ],
)  # fmt: skip
def test_a_list_without_a_name_is_asked_for_its_name(request_: str) -> None:
    assert plan(Prompt(request_, ())) == say(NAME_WANTED)


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("make me a shopping list", "create_list text=shopping"),
        ("create a new shopping list for me", "create_list text=shopping"),
        ("make us a list called Work", "create_list text=Work"),
        ("create a list called Work and a list called Work", "create_list text=Work; create_list text=Work"),
        ("create a list called Work, another called Home", "create_list text=Work; create_list text=Home"),
        (
            "create a list called Work with laptop and a list called Home with keys",
            "create_list text=Work; add_item list=N1 text=laptop; create_list text=Home; add_item list=N2 text=keys",
        ),
    ],
)
def test_lists_are_made_under_the_words_that_name_them(planned: Planned, request_: str, steps: str) -> None:
    assert planned(request_) == steps


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("add tea & jam to Groceries", "add_item list=L1 text=tea; add_item list=L1 text=jam"),
        ("add 2 l, 1,5 l bottles to Groceries", "add_item list=L1 text=2 l; add_item list=L1 text=1,5 l bottles"),
        (
            "add milk and tea to both Travel and Groceries",
            "add_item list=L2 text=milk; add_item list=L1 text=milk; "
            "add_item list=L2 text=tea; add_item list=L1 text=tea",
        ),
        ("add milk to Travel and to Groceries", "add_item list=L2 text=milk; add_item list=L1 text=milk"),
        (
            "add tea to Travel and Groceries and socks to Travel",
            "add_item list=L2 text=tea; add_item list=L1 text=tea; add_item list=L2 text=socks",
        ),
        ("add milk to Travel and passport", "add_item list=L2 text=milk; add_item list=L2 text=passport"),
        ("add to Groceries tea and jam", "add_item list=L1 text=tea; add_item list=L1 text=jam"),
        ("add the following to Groceries: tea, jam", "add_item list=L1 text=tea; add_item list=L1 text=jam"),
        ("add to Nowhere: tea, jam", "missing text=Nowhere"),
        ("add to do homework to Travel", "add_item list=L2 text=to do homework"),
        ('add 5" nails to Travel', 'add_item list=L2 text=5" nails'),
        ("add never eat again to Travel", "add_item list=L2 text=never eat again"),
        (
            "add milk and don't forget keys to Travel",
            "add_item list=L2 text=milk; add_item list=L2 text=don't forget keys",
        ),
        ("mark don't move the car as done", "missing text=don't move the car"),
    ],
)
def test_things_and_lists_are_told_apart(planned: Planned, request_: str, steps: str) -> None:
    assert planned(request_) == steps


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("buy milk and rice tomorrow", "add_item list= text=milk due=tomorrow; add_item list= text=rice due=tomorrow"),
        ("buy socks for Travel", "add_item list=L2 text=socks"),
        ("we need rice", "add_item list= text=rice"),
        ("I need to buy rice", "add_item list= text=rice"),
        ("remind me to call mom about tickets", "add_item list= text=call mom about tickets"),
        ("remind me tomorrow to call mom", "add_item list= text=call mom due=tomorrow"),
        ("remind me to go to school on friday in Travel", "add_item list=L2 text=go to school due=friday"),
        ("add tea tomorrow to Groceries", "add_item list=L1 text=tea due=tomorrow"),
        ("add tea due tomorrow in Groceries", "add_item list=L1 text=tea due=tomorrow"),
        ("add tea to Groceries on 2026-12-01", "add_item list=L1 text=tea due=2026-12-01"),
        ("add stand by me to Travel", "add_item list=L2 text=stand by me"),
        ("add Black Friday to Travel", "add_item list=L2 text=Black Friday"),
        ("add tea to Tomorrow", "missing text=Tomorrow"),
        ("mark milk as done in Groceries", "complete_item item=L1.1"),
        ("mark as done milk in Groceries", "complete_item item=L1.1"),
        ("mark milk as done in Nowhere", "missing text=Nowhere"),
        ("mark milk in Nowhere and passport as done", "missing text=Nowhere; complete_item item=L2.1"),
        ("mark milk and eggs in Groceries and passport as done",
         "complete_item item=L1.1; complete_item item=L1.2; complete_item item=L2.1"),
        ("complete milk in Groceries", "complete_item item=L1.1"),
        ("delete milk from Groceries", "delete_item item=L1.1"),
        ("delete milk from Groceries and passport from Travel", "delete_item item=L1.1; delete_item item=L2.1"),
        ("delete milk from the Nowhere list", "missing text=Nowhere"),
        ("move milk to Nowhere from Groceries", "missing text=Nowhere"),
        ("move milk to Travel from Nowhere", "missing text=Nowhere"),
        ("move milk and eggs to Travel from Groceries", "move_item item=L1.1 list=L2; move_item item=L1.2 list=L2"),
        ("rename milk to soy milk in Travel", "missing text=milk"),
        ("set milk due tomorrow in Nowhere", "missing text=Nowhere"),
        ("set milk due in 3 days", "update_item item=L1.1 due=in 3 days"),
        ("set milk to high priority in Groceries", "update_item item=L1.1 priority=high"),
        ("remove the due dates from milk and eggs", "update_item item=L1.1 due=none; update_item item=L1.2 due=none"),
        ("remove milk's due date", "update_item item=L1.1 due=none"),
        ("clear the priority of eggs in Groceries", "update_item item=L1.2 priority=none"),
    ],
)  # fmt: skip
def test_dates_and_lists_stand_where_people_put_them(planned: Planned, request_: str, steps: str) -> None:
    assert planned(request_) == steps


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("what is on Groceries?", "missing text=Groceries"),
        ("show Groceries", "missing text=Groceries"),
        ("count Groceries", "missing text=Groceries"),
        ("add tea to Groceries", "missing text=Groceries"),
        ("what are my lists?", "show"),
        ("what is on my list?", "show"),
        ("add tea", "add_item list= text=tea"),
    ],
)
def test_with_no_lists_a_named_one_is_missing(planned: Planned, request_: str, steps: str) -> None:
    assert planned(request_, ()) == steps


@pytest.mark.parametrize(
    ("request_", "steps"),
    [
        ("delete  Big   ham", "missing text=Big   ham"),
        ("delete mom\u2019s ham", "missing text=mom\u2019s ham"),
        ("show the list called \u201cNo Where\u201d", "missing text=No Where"),
    ],
)
def test_what_is_missing_is_named_letter_by_letter(planned: Planned, request_: str, steps: str) -> None:
    assert planned(request_) == steps
