"""A plan does no more than the words say, though each of its targets is named."""

from datetime import date
from typing import Any

import pytest
from boards import snapshot_of

from agent.board import board_of
from agent.resolution import Change, Ending
from agent.resolve import resolve
from contracts.operations import CreateItem, DeleteItem
from contracts.planning import ModelPlan
from contracts.todo import Priority
from contracts.turns import Outcome

HOME = snapshot_of(Groceries=["milk", "eggs", "x bread"], Travel=["tickets"])


def resolved(request: str, *steps: dict[str, Any]) -> Change | Ending:
    return resolve(ModelPlan.model_validate({"steps": steps}), board_of(HOME), request, date(2026, 11, 22))


@pytest.mark.parametrize("request_", ["mark tickets on Travel as done", "add tickets to Travel", "重命名 tickets"])
def test_what_a_request_names_is_not_deleted_unless_it_says_so(request_: str) -> None:
    ending = resolved(request_, {"op": "delete_item", "item": "L2.1"})
    assert isinstance(ending, Ending)
    assert (ending.outcome, ending.reason) == (Outcome.CLARIFY, "deletion_not_asked_for")
    (candidate,) = ending.candidates
    assert isinstance(resolved(candidate.reply, {"op": "delete_item", "item": "L2.1"}), Change)


@pytest.mark.parametrize(
    "request_",
    [
        "delete tickets",
        "remove tickets from Travel",
        "take tickets off Travel",
        "get rid of tickets",
        "cross tickets off",
        "lösche tickets",
        "streiche tickets von Travel",
        "supprime tickets",
        "enlève tickets de Travel",
        "borra tickets",
        "quita tickets de Travel",
        "删除 tickets",
        "把 tickets 去掉",
    ],
)
def test_a_deletion_is_heard_in_five_languages(request_: str) -> None:
    change = resolved(request_, {"op": "delete_item", "item": "L2.1"})
    assert isinstance(change, Change)
    assert change.operations == (DeleteItem(item_id="i1x0"),)


@pytest.mark.parametrize("request_", ["mark milk as done", "yes, delete the list Travel"])
def test_an_undo_that_nobody_asked_for_is_asked_about(request_: str) -> None:
    ending = resolved(request_, {"op": "undo"})
    assert isinstance(ending, Ending)
    assert (ending.outcome, ending.reason) == (Outcome.CLARIFY, "undo_not_asked_for")


@pytest.mark.parametrize(
    "request_",
    [
        "delete all done items from Groceries",
        "yes, delete all done items from Groceries",
        "show all of Groceries",
    ],
)
def test_a_whole_list_is_not_marked_unless_the_words_say_so(request_: str) -> None:
    ending = resolved(request_, {"op": "complete_item", "list": "L1", "select": "all"})
    assert isinstance(ending, Ending)
    assert (ending.outcome, ending.reason) == (Outcome.CLARIFY, "marking_not_asked_for")


@pytest.mark.parametrize(
    "request_", ["mark everything on Groceries as done", "tick all of Groceries", "hake alles auf Groceries ab, all"]
)
def test_a_whole_list_is_marked_where_the_words_say_so(request_: str) -> None:
    assert isinstance(resolved(request_, {"op": "complete_item", "list": "L1", "select": "all"}), Change)


@pytest.mark.parametrize(
    "request_", ["mark cheese on Groceries as done", "mark cheese on Groceries done", "set cheese on Groceries to done"]
)
def test_the_state_that_something_shall_get_names_no_group(request_: str) -> None:
    ending = resolved(request_, {"op": "complete_item", "item": "L1.1"})
    assert isinstance(ending, Ending)
    assert ending.outcome is Outcome.CLARIFY


@pytest.mark.parametrize(
    ("request_", "select"),
    [
        ("delete all done items from Groceries", "open"),
        ("delete the open items from Groceries", "done"),
    ],
)
def test_one_state_is_never_made_the_other(request_: str, select: str) -> None:
    ending = resolved(request_, {"op": "delete_item", "list": "L1", "select": select})
    assert isinstance(ending, Ending)
    assert ending.outcome is Outcome.CLARIFY


@pytest.mark.parametrize(
    ("request_", "select", "deleted"),
    [
        ("delete everything in Groceries that is not done", "open", ["i0x0", "i0x1"]),
        ("delete all items that aren't completed from Groceries", "open", ["i0x0", "i0x1"]),
        ("I'm done with Groceries, delete all items", "all", ["i0x0", "i0x1", "i0x2"]),
        ("delete all unfinished items from Groceries", "open", ["i0x0", "i0x1"]),
    ],
)
def test_a_negated_state_is_left_as_the_model_understood_it(request_: str, select: str, deleted: list[str]) -> None:
    change = resolved(request_, {"op": "delete_item", "list": "L1", "select": select})
    assert isinstance(change, Change)
    assert change.operations == tuple(DeleteItem(item_id=row_id) for row_id in deleted)


@pytest.mark.parametrize(
    "request_",
    [
        "delete everything in Groceries except milk",
        "clear Groceries but keep milk",
        "delete all items other than milk from Groceries",
        "lösche alles aus Groceries außer milk",
        "supprime tout de Groceries sauf milk",
        "borra todo de Groceries excepto milk",
        "把Groceries全部删除，除了milk",  # noqa: RUF001
    ],
)
@pytest.mark.parametrize(
    "steps",
    [
        [{"op": "delete_item", "list": "L1", "select": "all"}],
        [{"op": "delete_item", "item": "L1.2"}, {"op": "delete_item", "item": "L1.3"}],
        [{"op": "delete_item", "item": "L1.1"}],
    ],
)
def test_what_is_left_out_is_not_what_is_touched(request_: str, steps: list[dict[str, str]]) -> None:
    ending = resolved(request_, *steps)
    assert isinstance(ending, Ending)
    assert ending.outcome is Outcome.CLARIFY


def test_a_name_of_one_letter_does_not_hide_that_something_is_left_out() -> None:
    board = board_of(snapshot_of(e=["milk"], Groceries=["milk", "eggs"]))
    plan = ModelPlan.model_validate({"steps": [{"op": "delete_item", "list": "L2", "select": "all"}]})
    ending = resolve(plan, board, "delete everything in Groceries except milk", date(2026, 11, 22))
    assert isinstance(ending, Ending)
    assert ending.reason == "leaves_something_out"


def test_a_name_that_holds_such_a_word_leaves_nothing_out() -> None:
    board = board_of(snapshot_of(Drinks=["beer without alcohol", "wine"]))
    plan = ModelPlan.model_validate({"steps": [{"op": "delete_item", "item": "L1.1"}]})
    assert isinstance(resolve(plan, board, "delete beer without alcohol", date(2026, 11, 22)), Change)


@pytest.mark.parametrize("select", ["all", "done"])
def test_all_done_items_are_not_all_items(select: str) -> None:
    step = {"op": "delete_item", "list": "L1", "select": select}
    change = resolved("delete all done items from Groceries", step)
    assert isinstance(change, Change)
    assert change.operations == (DeleteItem(item_id="i0x2"),)


def test_a_priority_that_the_words_name_wins_over_the_models() -> None:
    step = {"op": "add_item", "list": "L2", "text": "visa", "priority": "low"}
    change = resolved("add visa to Travel with high priority", step)
    assert isinstance(change, Change)
    (operation,) = change.operations
    assert isinstance(operation, CreateItem)
    assert operation.priority is Priority.HIGH


def test_what_is_named_and_passed_over_is_told() -> None:
    change = resolved("mark milk and eggs as done", {"op": "complete_item", "item": "L1.1"})
    assert isinstance(change, Change)
    assert change.notes == ("Nothing was done about “eggs”.",)


def test_a_plan_that_needs_a_row_as_it_is_and_changes_it_is_none() -> None:
    adding = {"op": "add_item", "list": "L1", "text": "milk"}
    ending = resolved("add milk to Groceries", adding, {"op": "complete_item", "item": "L1.1"})
    assert isinstance(ending, Ending)
    assert (ending.outcome, ending.reason) == (Outcome.FAILED, "model_contradicts_itself")


def test_a_question_about_a_named_list_is_not_answered_about_all() -> None:
    ending = resolved("how many open items are on Groceries?", {"op": "count", "select": "open"})
    assert isinstance(ending, Ending)
    assert ending.text == "There are 2 open items in “Groceries”."
