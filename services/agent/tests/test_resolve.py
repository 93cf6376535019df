"""From a model's steps to operations: the words of the request decide, the model only proposes."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from boards import snapshot_of

from agent.board import board_of
from agent.resolution import Change, Ending
from agent.resolve import resolve
from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteItem, DeleteList, MoveItem, UndoChange
from contracts.planning import ModelPlan
from contracts.store import Snapshot
from contracts.todo import Author, Image, JournalEntry
from contracts.turns import Outcome

TODAY = date(2026, 11, 22)  # a Sunday
TWO_LISTS = snapshot_of(Groceries=["milk", "eggs"], Travel=["passport", "milk"])


def resolved(snapshot: Snapshot, request: str, *steps: dict[str, Any]) -> Change | Ending:
    return resolve(ModelPlan.model_validate({"steps": steps}), board_of(snapshot), request, TODAY)


def change(snapshot: Snapshot, request: str, *steps: dict[str, Any]) -> Change:
    result = resolved(snapshot, request, *steps)
    assert isinstance(result, Change), result
    return result


def ending(snapshot: Snapshot, request: str, *steps: dict[str, Any]) -> Ending:
    result = resolved(snapshot, request, *steps)
    assert isinstance(result, Ending), result
    return result


def test_adding_two_items_becomes_two_operations_with_minted_ids() -> None:
    result = change(
        TWO_LISTS,
        "add tea and bread to Groceries",
        {"op": "add_item", "list": "L1", "text": "tea"},
        {"op": "add_item", "list": "L1", "text": "bread"},
    )
    assert [(o.list_id, o.title) for o in result.operations if isinstance(o, CreateItem)] == [
        ("l0", "tea"),
        ("l0", "bread"),
    ]
    assert len({o.item_id for o in result.operations if isinstance(o, CreateItem)}) == 2
    assert result.understood == ("add “tea” to “Groceries”", "add “bread” to “Groceries”")


def test_a_list_made_in_the_plan_is_the_target_of_a_later_step() -> None:
    result = change(
        TWO_LISTS,
        "create Packing and add socks to it",
        {"op": "create_list", "text": "Packing"},
        {"op": "add_item", "list": "N1", "text": "socks"},
    )
    made, added = result.operations
    assert isinstance(made, CreateList)
    assert isinstance(added, CreateItem)
    assert added.list_id == made.list_id


def test_the_words_win_over_a_model_that_chose_another_list() -> None:
    result = change(TWO_LISTS, "add tea to Travel", {"op": "add_item", "list": "L1", "text": "tea"})
    assert [o.list_id for o in result.operations if isinstance(o, CreateItem)] == ["l1"]


def test_a_list_that_the_request_does_not_name_is_asked_about_and_never_guessed() -> None:
    result = ending(TWO_LISTS, "add tea to Nowhere", {"op": "add_item", "list": "L1", "text": "tea"})
    assert result.outcome is Outcome.CLARIFY
    assert [candidate.reply for candidate in result.candidates] == ["add tea to Groceries", "add tea to Travel"]


def test_an_invented_alias_is_resolved_by_the_words() -> None:
    result = change(TWO_LISTS, "delete eggs", {"op": "delete_item", "item": "L9.9"})
    assert result.operations == (DeleteItem(item_id="i0x1"),)


def test_an_item_that_is_on_two_lists_is_asked_about() -> None:
    result = ending(TWO_LISTS, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    assert result.outcome is Outcome.CLARIFY
    assert [candidate.detail for candidate in result.candidates] == ["Groceries", "Travel"]


def test_naming_the_list_decides_between_two_items_alike() -> None:
    result = change(TWO_LISTS, "mark milk in Travel as done", {"op": "complete_item", "item": "L1.1"})
    assert result.operations == (CompleteItem(item_id="i1x1"),)


def test_an_item_that_the_words_do_not_name_is_not_touched() -> None:
    result = ending(TWO_LISTS, "delete the bread", {"op": "delete_item", "item": "L1.2"})
    assert result.outcome is Outcome.CLARIFY
    assert "Nothing was changed." in result.text


def test_a_title_that_the_model_made_up_fails_the_turn() -> None:
    result = ending(TWO_LISTS, "add milk to Groceries", {"op": "add_item", "list": "L1", "text": "almond butter"})
    assert (result.outcome, result.reason) == (Outcome.FAILED, "invented_words")


def test_what_is_so_already_is_said_and_not_done() -> None:
    snapshot = snapshot_of(Groceries=["x milk"])
    result = ending(snapshot, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    assert result.outcome is Outcome.ALREADY_SO
    assert "already done" in result.text


def test_moving_names_the_item_by_where_it_is_and_not_by_where_it_goes() -> None:
    result = change(TWO_LISTS, "move passport to Groceries", {"op": "move_item", "item": "L2.1", "list": "L1"})
    assert result.operations == (MoveItem(item_id="i1x0", list_id="l0"),)


def test_a_list_is_deleted_only_after_being_asked() -> None:
    step = {"op": "delete_list", "list": "L1"}
    asked = ending(TWO_LISTS, "delete the list Groceries", step)
    assert asked.outcome is Outcome.CLARIFY
    assert "2 items" in asked.text
    confirmed = change(TWO_LISTS, asked.candidates[0].reply, step)
    assert confirmed.operations == (DeleteList(list_id="l0"),)


def test_more_than_five_items_are_deleted_only_after_being_asked() -> None:
    snapshot = snapshot_of(Big=[f"thing{number}" for number in range(6)])
    step = {"op": "delete_item", "list": "L1", "select": "all"}
    asked = ending(snapshot, "clear Big", step)
    assert asked.outcome is Outcome.CLARIFY
    assert len(change(snapshot, asked.candidates[0].reply, step).operations) == 6


def test_a_selector_is_expanded_by_code() -> None:
    snapshot = snapshot_of(Groceries=["x milk", "eggs", "x tea"])
    step = {"op": "delete_item", "list": "L1", "select": "done"}
    assert len(change(snapshot, "delete all done items from Groceries", step).operations) == 2


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [("today", date(2026, 11, 22)), ("tomorrow", date(2026, 11, 23)), ("on friday", date(2026, 11, 27))],
)
def test_due_dates_are_made_of_the_users_words_by_code(phrase: str, expected: date) -> None:
    step = {"op": "add_item", "list": "L1", "text": "tea", "due": phrase}
    (operation,) = change(TWO_LISTS, f"add tea to Groceries {phrase}", step).operations
    assert isinstance(operation, CreateItem)
    assert operation.due == expected


def test_a_date_that_code_does_not_understand_is_asked_about() -> None:
    step = {"op": "add_item", "list": "L1", "text": "tea", "due": "when pigs fly"}
    assert ending(TWO_LISTS, "add tea to Groceries when pigs fly", step).outcome is Outcome.CLARIFY


def test_questions_are_answered_from_the_rows() -> None:
    result = ending(TWO_LISTS, "what is on Groceries?", {"op": "show", "list": "L1"})
    assert result.outcome is Outcome.ANSWERED
    assert "milk" in result.text
    assert "passport" not in result.text


def test_prose_of_the_model_is_labelled_and_ends_with_nothing_changed() -> None:
    result = ending(TWO_LISTS, "hello", {"op": "say", "text": "Done! I added everything."})
    assert result.text.startswith("The model says:")
    assert result.text.endswith("Nothing was changed.")


def test_a_missing_thing_is_named_together_with_what_there_is() -> None:
    result = ending(TWO_LISTS, "add tea to Nowhere", {"op": "missing", "text": "Nowhere"})
    assert result.outcome is Outcome.NOT_FOUND
    assert "“Nowhere”" in result.text
    assert "“Groceries”" in result.text


def test_a_title_of_501_characters_is_refused_with_its_length() -> None:
    title = "a" * 501
    result = ending(TWO_LISTS, f"add {title} to Groceries", {"op": "add_item", "list": "L1", "text": title})
    assert result.outcome is Outcome.REFUSED
    assert "501" in result.text


def test_one_unresolvable_step_keeps_the_whole_plan_from_happening() -> None:
    result = resolved(
        TWO_LISTS,
        "add tea to Groceries and delete the bread",
        {"op": "add_item", "list": "L1", "text": "tea"},
        {"op": "delete_item", "item": "L7.7"},
    )
    assert isinstance(result, Ending)


def test_a_group_is_not_more_than_the_words_say() -> None:
    step = {"op": "delete_item", "list": "L1", "select": "all"}
    result = change(TWO_LISTS, "delete milk from Groceries", step)
    assert result.operations == (DeleteItem(item_id="i0x0"),)
    assert ending(TWO_LISTS, "tidy up Groceries", step).outcome is Outcome.CLARIFY


def test_a_new_list_does_not_swallow_what_the_words_give_to_another() -> None:
    steps = ({"op": "create_list", "text": "Bar"}, {"op": "add_item", "list": "N1", "text": "socks"})
    assert ending(TWO_LISTS, "create Bar and add socks to Travel", *steps).outcome is Outcome.CLARIFY
    both = (*steps, {"op": "add_item", "list": "L2", "text": "hat"})
    assert len(change(TWO_LISTS, "create Bar and add socks to it and hat to Travel", *both).operations) == 3


def test_a_step_said_twice_is_done_once() -> None:
    add = {"op": "add_item", "list": "L1", "text": "tea"}
    assert len(change(TWO_LISTS, "add tea to Groceries", add, add).operations) == 1
    delete = {"op": "delete_item", "item": "L1.2"}
    assert change(TWO_LISTS, "delete eggs", delete, delete).operations == (DeleteItem(item_id="i0x1"),)
    create = {"op": "create_list", "text": "Foo"}
    assert len(change(TWO_LISTS, "create Foo", create, create).operations) == 1


def test_what_a_model_sets_beside_the_words_is_not_set_and_what_is_set_is_said() -> None:
    step = {"op": "add_item", "list": "L2", "text": "tickets", "priority": "high", "notes": "first class"}
    (operation,) = change(TWO_LISTS, "add tickets to Travel", step).operations
    assert operation.model_dump(include={"priority", "notes"}) == {"priority": "none", "notes": ""}
    dated = {"op": "add_item", "list": "L2", "text": "tickets", "due": "2031-01-01"}
    assert ending(TWO_LISTS, "add tickets to Travel", dated).reason == "due_not_understood"
    asked = step | {"due": "2026-11-23"}
    result = change(TWO_LISTS, "add tickets to Travel tomorrow with high priority", asked)
    assert result.understood == ("add “tickets” (due 2026-11-23, priority high) to “Travel”",)


def test_an_update_says_what_it_sets_and_can_take_the_due_date_away() -> None:
    step = {"op": "update_item", "item": "L1.2", "due": "none"}
    result = change(TWO_LISTS, "remove the due date from eggs", step)
    assert result.understood == ("change “eggs” in “Groceries”: due none",)


def test_big_deletions_are_counted_over_the_whole_plan() -> None:
    snapshot = snapshot_of(Big=[f"thing{number}" for number in range(6)])
    steps = [{"op": "delete_item", "item": f"L1.{number}"} for number in range(1, 7)]
    request = "delete thing0 thing1 thing2 thing3 thing4 thing5"
    assert ending(snapshot, request, *steps).reason == "confirm_deletion"
    lists = ({"op": "delete_list", "list": "L1"}, {"op": "delete_list", "list": "L2"})
    asked = ending(TWO_LISTS, "delete the lists Groceries and Travel", *lists)
    assert "“Groceries”" in asked.text
    assert "“Travel”" in asked.text
    assert len(change(TWO_LISTS, asked.candidates[0].reply, *lists).operations) == 2


def test_prose_beside_an_answer_does_not_hide_it() -> None:
    result = ending(TWO_LISTS, "what is on Groceries?", {"op": "show", "list": "L1"}, {"op": "say", "text": "Here!"})
    assert result.outcome is Outcome.ANSWERED
    assert "milk" in result.text


def test_an_empty_group_does_not_keep_the_rest_of_the_plan_from_happening() -> None:
    snapshot = snapshot_of(Home=[], Groceries=["milk"])
    steps = ({"op": "complete_item", "list": "L1", "select": "all"}, {"op": "add_item", "list": "L2", "text": "soap"})
    result = change(snapshot, "mark everything on Home as done and add soap to Groceries", *steps)
    assert len(result.operations) == 1
    assert result.notes == ("There is nothing of that kind in “Home”.",)


def test_of_two_alike_on_one_list_the_one_that_is_not_so_yet_is_meant() -> None:
    snapshot = snapshot_of(Groceries=["x milk", "milk"])
    result = change(snapshot, "mark milk as done", {"op": "complete_item", "item": "L1.1"})
    assert result.operations == (CompleteItem(item_id="i0x1"),)
    assert len(change(snapshot, "delete milk", {"op": "delete_item", "item": "L1.2"}).operations) == 1


def test_a_model_that_denies_what_is_there_is_not_believed() -> None:
    result = ending(TWO_LISTS, "remove the due date from eggs", {"op": "missing", "text": "eggs"})
    assert (result.outcome, result.reason) == (Outcome.FAILED, "model_denied_what_is_there")
    invented = ending(TWO_LISTS, "add tea to Nowhere", {"op": "missing", "text": "Atlantis"})
    assert "Atlantis" not in invented.text


def test_everything_on_a_named_list_names_each_of_its_items() -> None:
    steps = [{"op": "move_item", "item": f"L1.{number}", "list": "L2"} for number in (1, 2)]
    assert len(change(TWO_LISTS, "move everything from Groceries to Travel", *steps).operations) == 2


def test_a_button_sends_the_whole_request() -> None:
    steps = [{"op": "add_item", "list": "", "text": text} for text in ("bread", "butter")]
    asked = ending(TWO_LISTS, "add bread and butter", *steps)
    assert asked.candidates[0].reply == "add bread and butter to Groceries"
    moved = ending(TWO_LISTS, "rename milk to soy milk", {"op": "update_item", "item": "L1.1", "text": "soy milk"})
    assert [candidate.reply for candidate in moved.candidates] == [
        "rename milk to soy milk in Groceries",
        "rename milk to soy milk in Travel",
    ]


def test_letters_that_turn_the_line_around_stay_inside_their_quotes() -> None:
    snapshot = snapshot_of(שבת=["milk"])
    result = ending(snapshot, "what are my lists?", {"op": "show"})
    assert "\u2068“שבת”\u2069: 1 item" in result.text


def test_a_priority_can_be_taken_away() -> None:
    step = {"op": "update_item", "item": "L1.2", "priority": "none"}
    result = change(TWO_LISTS, "remove the priority from eggs", step)
    assert result.understood == ("change “eggs” in “Groceries”: priority none",)


def test_undo_means_the_newest_change_and_is_told_by_what_it_did() -> None:
    milk = TWO_LISTS.items[0]
    newest = JournalEntry(
        revision=7,
        change_id="c7",
        operation_id="op",
        author=Author.BOARD,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        images=(Image(row_id=milk.id, before=milk, after=milk.model_copy(update={"done": True})),),
    )

    def undo(entry: JournalEntry | None, *steps: dict[str, Any]) -> Change | Ending:
        plan = ModelPlan.model_validate({"steps": steps})
        return resolve(plan, board_of(TWO_LISTS), "undo that", TODAY, entry)

    result = undo(newest, {"op": "undo"})
    assert isinstance(result, Change)
    assert result.operations == (UndoChange(change_id="c7"),)
    assert result.understood == ("take back: Marked “milk” in “Groceries” as done.",)

    nothing = undo(None, {"op": "undo"})
    assert isinstance(nothing, Ending)
    assert (nothing.outcome, nothing.reason) == (Outcome.NOT_FOUND, "nothing_to_undo")
    for steps in ([{"op": "undo"}, {"op": "delete_list", "list": "L1"}], [{"op": "undo"}, {"op": "undo"}]):
        refused = undo(newest, *steps)
        assert isinstance(refused, Ending)
        assert (refused.outcome, refused.reason) == (Outcome.REFUSED, "undo_alone")
