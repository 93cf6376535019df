# ruff: noqa: E501 - a table reads by its rows
"""An open question is answered by code, once, about the rows that it was asked about; everything else drops it."""

from datetime import timedelta

import pytest
from boards import OWNER
from talk import NOW, Talk

from contracts.dialogue import Alias
from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteList, RenameList
from contracts.todo import Author
from contracts.turns import Outcome

TWO = (("Groceries", ["milk", "eggs"]), ("Travel", ["passport", "milk"]))
ADD = "add_item list=L1 text=tea"


async def asked(*state: tuple[str, list[str]], text: str = "add tea", steps: str = ADD) -> Talk:
    """A session in which a question has just been asked."""
    talk = Talk(*(state or TWO))
    completed = await talk.say(text, steps)
    assert completed.outcome is Outcome.CLARIFY, completed.text
    assert talk.model.calls == 1
    return talk


def titles(talk: Talk, name: str) -> list[str]:
    return next(items for each, items in talk.lists() if each == name)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("the first", "Groceries"), ("the first one", "Groceries"), ("1", "Groceries"), ("number one", "Groceries"),
        ("Groceries", "Groceries"), ("groceries, please", "Groceries"), ("to Groceries", "Groceries"), ("yes, Groceries", "Groceries"),
        ("the second one", "Travel"), ("second", "Travel"), ("2.", "Travel"), ("the last one", "Travel"), ("Travel!", "Travel"),
        ("in Travel", "Travel"), ("no, the second one", "Travel"), ("no, Travel", "Travel"), ("the Travel list", "Travel"), ("add tea to Travel", "Travel"),
        ("die zweite", "Travel"), ("das zweite bitte", "Travel"), ("le deuxième", "Travel"), ("la seconde", "Travel"),
        ("la segunda", "Travel"), ("el segundo, por favor", "Travel"), ("第二个", "Travel"), ("最后一个", "Travel"),
        ("die erste", "Groceries"), ("la première", "Groceries"), ("la primera", "Groceries"), ("第一个", "Groceries"),
    ],
)  # fmt: skip
async def test_a_question_which_list_is_answered_without_the_model(answer: str, name: str) -> None:
    talk = await asked()
    completed = await talk.say(answer)
    assert (completed.outcome, completed.text) == (Outcome.CONFIRMED, f"Added “tea” to “{name}”.")
    assert titles(talk, name)[-1] == "tea"
    assert talk.model.calls == 1
    assert completed.receipt.model is None


@pytest.mark.parametrize(
    "answer", ["no", "No.", "cancel", "no thanks", "nein", "non", "non merci", "no, gracias", "不", "取消"]
)
async def test_no_changes_nothing_and_closes_the_question(answer: str) -> None:
    talk = await asked()
    completed = await talk.say(answer)
    assert (completed.outcome, completed.reason) == (Outcome.CANCELLED, "declined")
    assert (await talk.say("the first one")).reason == "no_question"
    assert (talk.store.applied, talk.model.calls) == (0, 1)


@pytest.mark.parametrize("answer", ["yes", "ok", "ja", "oui", "sí", "是的", "yes please", "Ja, bitte"])
async def test_yes_deletes_what_was_asked_about(answer: str) -> None:
    talk = await asked(text="delete the list Travel", steps="delete_list list=L2")
    completed = await talk.say(answer)
    assert (completed.outcome, talk.lists()) == (Outcome.CONFIRMED, [("Groceries", ["milk", "eggs"])])
    assert talk.model.calls == 1


async def test_yes_to_a_question_with_several_answers_is_asked_again() -> None:
    talk = await asked()
    again = await talk.say("yes")
    assert (again.outcome, len(again.candidates)) == (Outcome.CLARIFY, 2)
    assert (await talk.say("the second one")).text == "Added “tea” to “Travel”."
    assert talk.model.calls == 1


async def test_a_place_beyond_the_last_is_asked_again() -> None:
    talk = await asked()
    assert (await talk.say("the fifth one")).outcome is Outcome.CLARIFY
    assert talk.store.applied == 0


async def test_an_answer_counts_once() -> None:
    talk = await asked(text="delete the list Travel", steps="delete_list list=L2")
    await talk.say("yes")
    for answer in ("yes", "the first one", "no"):
        completed = await talk.say(answer, "delete_list list=L1")
        assert (completed.outcome, completed.reason) == (Outcome.CLARIFY, "no_question")
    assert (talk.store.applied, talk.model.calls) == (1, 1)


async def test_an_answer_delivered_again_is_the_same_answer() -> None:
    talk = await asked()
    first = await talk.say("the second one")
    again = await talk.say("the second one", again=True)
    assert (first.text, again.text, talk.store.applied) == (first.text, first.text, 1)


async def test_an_answer_whose_worker_died_before_its_effect_is_still_an_answer() -> None:
    talk = await asked()
    talk.turns += 1
    again = await talk.say("the second one", again=True)  # taken over: sealed, and heard again
    assert again.text == "Added “tea” to “Travel”."
    assert talk.model.calls == 1


async def test_a_request_of_its_own_drops_the_question() -> None:
    talk = await asked()
    completed = await talk.say("mark eggs as done", "complete_item item=L1.2")
    assert completed.text == "Marked “eggs” in “Groceries” as done."
    assert (await talk.say("the first one")).reason == "no_question"
    assert "tea" not in titles(talk, "Groceries")


async def test_a_question_is_that_of_its_session() -> None:
    talk = await asked()
    assert (await talk.say("the first one", session="other")).reason == "no_question"
    assert (await talk.say("the first one")).outcome is Outcome.CONFIRMED


async def test_no_word_of_an_earlier_turn_reaches_a_prompt() -> None:
    talk = await asked(text="add zanzibar tea", steps="add_item list=L1 text=zanzibar tea")
    await talk.say("what about xylophones?", "show")
    await talk.say("add quicksilver", "add_item list=L1 text=quicksilver")
    await talk.say("nevermore", "say text=?")
    assert talk.model.calls == 4
    for number, words in enumerate(("zanzibar", "xylophones", "quicksilver", "nevermore")):
        assert words in talk.model.prompts[number]
        assert not any(words in prompt for prompt in talk.model.prompts[number + 1 :])


async def test_a_learned_alias_reaches_a_prompt_only_in_a_request_that_says_it() -> None:
    talk = await asked(text="add tea to my shopping list")
    await talk.say("Groceries")
    await talk.say("add jam to Travel", "add_item list=L2 text=jam")
    assert "shopping" not in talk.model.prompts[-1]
    await talk.say("add jam to the shopping list", "add_item list=L1 text=jam")
    assert '"name":"Groceries","also":"shopping list"' in talk.model.prompts[-1]


async def test_an_item_on_two_lists_is_chosen_by_its_list_or_its_place() -> None:
    for answer in ("the second one", "the one in Travel", "Travel"):
        talk = await asked(text="mark milk as done", steps="complete_item item=L1.1")
        assert (await talk.say(answer)).text == "Marked “milk” in “Travel” as done."


async def test_a_guess_is_confirmed_by_yes() -> None:
    talk = await asked(text="delete the bread", steps="delete_item item=L1.2")
    assert (await talk.say("yes")).text == "Deleted “eggs” from “Groceries”."


async def test_lists_with_one_name_are_told_apart_by_their_contents_and_chosen_by_place() -> None:
    state = (("Work", ["report"]), ("Work", ["taxes"]))
    talk = Talk(*state)
    completed = await talk.say("add tea to Work", ADD)
    assert [candidate.detail for candidate in completed.candidates] == ["1 item: report", "1 item: taxes"]
    await talk.say(completed.candidates[1].reply)
    assert talk.lists() == [("Work", ["report"]), ("Work", ["taxes", "tea"])]


async def test_two_questions_of_one_request_are_asked_one_after_the_other() -> None:
    state = (("A", ["lamp", "rug"]), ("B", ["lamp", "rug"]))
    talk = await asked(
        *state, text="mark lamp and rug as done", steps="complete_item item=L1.1; complete_item item=L1.2"
    )
    assert (await talk.say("A")).outcome is Outcome.CLARIFY
    assert (await talk.say("the second one")).outcome is Outcome.CONFIRMED
    assert talk.lists() == [("A", ["x lamp", "rug"]), ("B", ["lamp", "x rug"])]
    assert talk.model.calls == 1


async def test_a_list_called_yes_is_a_list() -> None:
    talk = await asked(("Yes", []), ("2", []), ("Third", []))
    assert (await talk.say("yes")).text == "Added “tea” to “Yes”."
    talk = await asked(("Yes", []), ("2", []), ("Third", []))
    assert (await talk.say("2")).text == "Added “tea” to “2”."
    talk = await asked(("2", []), ("Yes", []), ("Third", []))
    assert (await talk.say("2")).outcome is Outcome.CLARIFY


async def test_what_changed_since_the_question_is_asked_about_anew() -> None:
    talk = await asked(text="delete the list Travel", steps="delete_list list=L2")
    talk.store.write((CreateItem(item_id="inew", list_id="l1", title="visa"),), "cother", "theirs", Author.BOARD)
    again = await talk.say("yes")
    assert again.outcome is Outcome.CLARIFY
    assert "changed since" in again.text
    assert "3 items" in again.text
    assert (await talk.say("yes")).outcome is Outcome.CONFIRMED


async def test_a_choice_that_was_renamed_meanwhile_is_asked_about_anew() -> None:
    talk = await asked()
    talk.store.write((RenameList(list_id="l1", name="Trash"),), "cother", "theirs", Author.BOARD)
    again = await talk.say("the second one")
    assert (again.outcome, [candidate.label for candidate in again.candidates]) == (
        Outcome.CLARIFY,
        ["Groceries", "Trash"],
    )
    assert talk.store.applied == 0


async def test_a_plans_alias_means_the_row_that_it_meant() -> None:
    talk = await asked(
        ("A", ["x"]), ("B", ["eggs"]), ("C", ["lamp"]), text="delete the bread", steps="delete_item item=L2.1"
    )
    talk.store.write((DeleteList(list_id="l0"),), "cother", "theirs", Author.BOARD)
    assert (await talk.say("yes")).text == "Deleted “eggs” from “B”."


async def test_one_of_two_days_is_chosen() -> None:
    talk = await asked(text="add tea to Travel on 03/04", steps="add_item list=L2 text=tea due=03/04")
    assert (await talk.say("3 April 2027")).outcome is Outcome.CONFIRMED
    assert titles(talk, "Travel")[-1] == "tea @2027-04-03"


async def test_tomorrow_is_that_of_the_request_and_not_of_its_answer() -> None:
    talk = await asked(text="add tea tomorrow", steps="add_item list=L1 text=tea due=tomorrow")
    await talk.say("the second one", at=NOW + timedelta(hours=12, minutes=5))
    assert titles(talk, "Travel")[-1] == "tea @2026-11-23"


async def test_a_turn_that_is_delivered_again_does_not_answer_its_own_question() -> None:
    talk = await asked(text="tidy up Travel", steps="delete_list list=L2")
    second = await talk.say("yes")
    assert second.reason == "confirm_deletion"
    again = await talk.say("yes", again=True)
    assert again.outcome is Outcome.CLARIFY
    assert [name for name, _ in talk.lists()] == ["Groceries", "Travel"]


async def test_what_was_said_before_a_question_does_not_answer_it() -> None:
    talk = await asked(text="delete the list Travel", steps="delete_list list=L2")
    late = await talk.say("yes", at=NOW - timedelta(hours=5))
    assert late.outcome is Outcome.CLARIFY
    assert [name for name, _ in talk.lists()] == ["Groceries", "Travel"]
    assert (await talk.say("yes")).outcome is Outcome.CONFIRMED


async def test_a_yes_to_a_deletion_is_about_the_rows_that_were_there() -> None:
    talk = await asked(text="tidy up all of Travel", steps="delete_item list=L2 select=all")
    added = (CreateItem(item_id="inew", list_id="l1", title="visa"),)
    talk.store.write(added, "cother", "theirs", Author.BOARD)
    assert (await talk.say("yes")).text.startswith("This has changed since you were asked.")
    assert "visa" in titles(talk, "Travel")


async def test_a_whole_group_is_meant_once_that_is_said() -> None:
    talk = await asked(text="tidy up Groceries", steps="delete_item list=L1 select=all")
    assert (await talk.say("yes")).text.startswith("Say which items")
    assert (await talk.say("yes")).outcome is Outcome.CONFIRMED
    assert titles(talk, "Groceries") == []


async def test_what_an_owner_calls_a_list_is_learned_from_their_answer() -> None:
    talk = await asked(text="add tea to my shopping list")
    await talk.say("Groceries")
    assert talk.store.aliases == {"shopping list": "l0"}
    completed = await talk.say("add jam to the shopping list", "add_item list=L2 text=jam")
    assert completed.text == "Added “jam” to “Groceries”."


@pytest.mark.parametrize(
    ("request_", "phrase"),
    [
        ("füge Tee zur Einkaufsliste hinzu", "einkaufsliste"), ("ajoute tea à ma liste de courses", "liste de courses"),
        ("añade tea a la lista de la compra", "lista de la compra"), ("把tea加到购物清单", "购物清单"),
        ("add tea to the supermarket", "supermarket"),
    ],
)  # fmt: skip
async def test_the_phrase_is_what_stands_for_the_list(request_: str, phrase: str) -> None:
    steps = "add_item list=L1 text=Tee" if "Tee" in request_ else ADD
    talk = await asked(text=request_, steps=steps)
    assert (await talk.say("the first one")).outcome is Outcome.CONFIRMED
    assert talk.store.aliases == {phrase: "l0"}
    again = await talk.say(
        request_.replace("Tee", "Saft").replace("tea", "jam"),
        steps.replace("Tee", "Saft").replace("tea", "jam").replace("L1", "L2"),
    )
    assert again.outcome is Outcome.CONFIRMED, again.text
    assert titles(talk, "Groceries")[-1] in ("Saft", "jam")


async def test_a_declined_or_failed_guess_is_not_learned() -> None:
    talk = await asked(text="add tea to my shopping list")
    await talk.say("no")
    assert talk.store.aliases == {}
    talk = await asked(text="clear my shopping list", steps="delete_item list=L1 select=all")
    others = [CompleteItem(item_id="i0x0", done=done) for done in (False, True)]
    talk.store.before_apply = lambda: talk.store.write((others.pop(),), f"cother{len(others)}", "theirs", Author.BOARD)
    assert (await talk.say("Groceries")).outcome is Outcome.CONFLICT
    assert talk.store.aliases == {}


async def test_a_lists_own_name_goes_before_what_another_list_is_called() -> None:
    talk = Talk(*TWO)
    talk.store.aliases = {"shopping list": "l1", "gone": "l9"}
    talk.store.write((CreateList(list_id="l2", name="Shopping"),), "cother", "theirs", Author.BOARD)
    completed = await talk.say("add tea to my shopping list", "add_item list=L2 text=tea")
    assert completed.text == "Added “tea” to “Shopping”."
    assert (await talk.say("add jam to gone", "add_item list=L1 text=jam")).outcome is Outcome.CLARIFY


async def test_clearing_an_alias_asks_once_with_the_count() -> None:
    talk = Talk(("Groceries", [f"thing{n}" for n in range(6)]), ("Travel", []))
    talk.store.aliases = {"shopping list": "l0"}
    asked_ = await talk.say("clear my shopping list", "delete_item list=L1 select=all")
    assert (asked_.reason, "6 items" in asked_.text) == ("confirm_deletion", True)
    assert (await talk.say("yes")).outcome is Outcome.CONFIRMED
    assert titles(talk, "Groceries") == []


async def test_undo_that_takes_back_what_an_answer_did() -> None:
    talk = await asked()
    await talk.say("the second one")
    completed = await talk.say("undo that", "undo")
    assert completed.outcome is Outcome.CONFIRMED
    assert titles(talk, "Travel") == ["passport", "milk"]


async def test_a_question_in_the_store_is_of_its_own_turn_and_owner() -> None:
    talk = await asked()
    question = talk.store.questions["s"]
    assert (question.asked_by, question.request, question.rows) == ("t1", "add tea", {"L1": "l0"})
    assert talk.store.state is not None
    assert OWNER not in question.to_json().decode()
    assert Alias(phrase="x", list_id="l0").phrase == "x"


async def test_the_models_guess_is_the_first_choice() -> None:
    talk = Talk(*TWO)
    completed = await talk.say("add tea", "add_item list=L2 text=tea")
    assert [candidate.label for candidate in completed.candidates] == ["Travel", "Groceries"]
    assert (await talk.say("the first one")).text == "Added “tea” to “Travel”."
