"""The stand-in as the model of an MCP host: one call after another, each made of what came before."""

import json

import pytest

from standin.using_tools import next_use

SEEN = """revision 7: 2 lists, 3 open, 1 done.
list la1 "Groceries": 2 open, 1 done
- ia1 "milk", due 2026-12-01
- ia2 "say \\"hi\\""
- ia3 "bread", done, priority high
list lb2 "Travel": 1 open, 0 done
- ib1 "passport\""""


def conversation(request: str, *answers: str) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = [{"role": "user", "content": request}]
    for number, answer in enumerate(answers):
        messages.append({"role": "assistant", "tool_calls": [{"id": f"{number}"}]})
        messages.append({"role": "tool", "content": answer})
    return messages


def said(request: str, *answers: str) -> object:
    use = next_use(conversation(request, *answers))
    return use.text or (use.name, json.loads(use.arguments))


def test_it_looks_at_the_lists_first() -> None:
    assert said("add tea to Groceries") == ("get_all_todo_lists", {"include_done": True})


@pytest.mark.parametrize(
    ("request_", "call"),
    [
        ("add tea to Groceries", ("create_todo_item", {"list_id": "la1", "title": "tea"})),
        ("mark milk as done", ("complete_todo_item", {"item_id": "ia1", "done": True})),
        ("reopen bread", ("complete_todo_item", {"item_id": "ia3", "done": False})),
        ("rename Travel to Trips", ("rename_todo_list", {"list_id": "lb2", "name": "Trips"})),
        ("move milk to Travel", ("move_todo_item", {"item_id": "ia1", "list_id": "lb2"})),
        ("delete the list Travel", ("delete_todo_list", {"list_id": "lb2"})),
    ],
)
def test_a_step_is_one_call_with_the_ids_that_it_saw(request_: str, call: object) -> None:
    assert said(request_, SEEN) == call


def test_it_goes_on_with_the_id_of_what_it_made_and_tells_in_the_end() -> None:
    request = "create a list called Work and add laptop to it"
    made = "verified: Created the list “Work” (list lw9, change c1, revision 8); nothing further to call."
    added = "verified: Added “laptop” to “Work” (item iw1, change c2, revision 9); nothing further to call."
    assert said(request, SEEN) == ("create_todo_list", {"name": "Work"})
    assert said(request, SEEN, made) == ("create_todo_item", {"list_id": "lw9", "title": "laptop"})
    told = said(request, SEEN, made, added)
    assert isinstance(told, str)
    assert told.startswith("Created the list “Work”")


def test_an_answer_that_is_not_verified_ends_it_and_is_told() -> None:
    error = "the to-do store is away. Nothing was changed. Try again in a moment."
    assert said("add tea to Groceries", SEEN, error) == error


def test_a_question_is_answered_with_what_was_seen() -> None:
    assert said("what is on Groceries?", SEEN) == SEEN
