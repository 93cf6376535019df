"""Calls of tools through a real client, against a stack that does what the test says."""

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from bus.errors import Refusal
from contracts import operations
from contracts.message import ErrorCode, Problem
from contracts.store import ListCount, SearchRequest, SearchResult
from contracts.todo import Author, Priority, TodoItem
from contracts.turns import OperationsCompleted, Outcome, Receipt, RunOperations
from mcp_bridge.calls import Room, call
from mcp_bridge.store import AwayError
from mcp_bridge.tools import offered

if TYPE_CHECKING:
    from conftest import Stack

KEY = {"idempotency_key": "k1"}


async def said(client: Client, name: str, /, **arguments: Any) -> str:
    result = await client.call_tool(name, arguments)
    (content,) = result.content
    return ("error: " if result.is_error else "") + content.text


@pytest.mark.parametrize(
    ("tool", "arguments", "operation"),
    [
        ("rename_todo_list", {"list_id": "la", "name": " Food "}, operations.RenameList(list_id="la", name="Food")),
        ("delete_todo_list", {"list_id": "la"}, operations.DeleteList(list_id="la")),
        ("complete_todo_item", {"item_id": "ia"}, operations.CompleteItem(item_id="ia")),
        ("complete_todo_item", {"item_id": "ia", "done": "false"}, operations.CompleteItem(item_id="ia", done=False)),
        ("delete_todo_item", {"item_id": "ia"}, operations.DeleteItem(item_id="ia")),
        ("undo_change", {"change_id": "ca"}, operations.UndoChange(change_id="ca")),
        ("move_todo_item", {"item_id": "ia", "list_id": "lb"}, operations.MoveItem(item_id="ia", list_id="lb")),
        (
            "move_todo_item",
            {"item_id": "ia", "list_id": "lb", "position": "first"},
            operations.MoveItem(item_id="ia", list_id="lb", first=True),
        ),
        (
            "move_todo_item",
            {"item_id": "ia", "list_id": "lb", "position": "ib"},
            operations.MoveItem(item_id="ia", list_id="lb", after_id="ib"),
        ),
        (
            "update_todo_item",
            {"item_id": "ia", "title": 2024, "due": "", "notes": None, "priority": ""},
            operations.UpdateItem(item_id="ia", title="2024"),
        ),
        (
            "update_todo_item",
            {"item_id": "ia", "due": "none", "notes": "none", "priority": "none"},
            operations.UpdateItem(item_id="ia", clear_due=True, notes="", priority=Priority.NONE),
        ),
        (
            "update_todo_item",
            {"item_id": "ia", "due": "2026-12-01"},
            operations.UpdateItem(item_id="ia", due=date(2026, 12, 1)),
        ),
    ],
)
async def test_a_tool_is_one_operation(
    client: Client, stack: "Stack", tool: str, arguments: dict[str, Any], operation: operations.Operation
) -> None:
    assert (await said(client, tool, **arguments)).startswith("verified: Did it")
    (asked,) = stack.ran
    assert asked.operations == (operation,)
    assert (asked.owner, asked.author, asked.expected_revision) == ("a" * 26, Author.MCP, None)


async def test_an_item_is_made_with_all_that_is_given(client: Client, stack: "Stack") -> None:
    await client.call_tool(
        "create_todo_item",
        {
            "list_id": "la",
            "title": "milk",
            "due": "2026-12-01T09:00:00+01:00",
            "priority": "high",
            "notes": "two\nof it",
        },
    )
    (made,) = stack.ran[0].operations
    assert isinstance(made, operations.CreateItem)
    assert made.due is not None
    assert (made.title, made.priority, made.notes) == ("milk", Priority.HIGH, "two\nof it")
    assert made.due.isoformat() == "2026-12-01T09:00:00+01:00"


async def test_the_same_key_asks_for_the_same_thing_and_none_for_another_each_time(
    client: Client, stack: "Stack"
) -> None:
    for key in (KEY, KEY, {}, {}):
        await client.call_tool("create_todo_item", {"list_id": "la", "title": "milk", **key})
    first, again, other, another = stack.ran
    assert (first.operation_id, first.operations) == (again.operation_id, again.operations)
    assert len({one.operation_id for one in (first, other, another)}) == 3
    assert len({one.operations for one in (first, other, another)}) == 3


async def test_the_expected_revision_is_passed_on(client: Client, stack: "Stack") -> None:
    await client.call_tool("complete_todo_item", {"item_id": "ia", "expected_revision": "7"})
    assert stack.ran[0].expected_revision == 7


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("create_todo_item", {}, "list_id is missing; title is missing"),
        ("create_todo_item", {"list_id": "la", "name": "milk"}, 'no argument "name"; it takes list_id, title, due,'),
        ("create_todo_item", {"list_id": "la", "title": "a", "due_date": "x"}, "(did you mean due?)"),
        ("create_todo_item", {"list_id": "la", "title": " "}, 'title " " is empty; give 1 to 500 characters'),
        ("create_todo_item", {"list_id": "la", "title": "a\x07b"}, "holds the control character U+0007 at position 1"),
        ("create_todo_item", {"list_id": "la", "title": "x" * 501}, "has 501 characters; at most 500 are allowed"),
        (
            "create_todo_item",
            {"list_id": "la", "title": "a", "due": "tomorrow"},
            'due "tomorrow" is no date; give a day',
        ),
        ("create_todo_item", {"list_id": "la", "title": "a", "due": "2026-02-30"}, "is no date"),
        ("create_todo_item", {"list_id": "la", "title": "a", "due": "2026-12-01T09:00:00"}, "with its offset"),
        (
            "create_todo_item",
            {"list_id": "la", "title": "a", "priority": "urgent"},
            "'none', 'low', 'medium' or 'high'",
        ),
        ("create_todo_item", {"list_id": ["la"], "title": "a"}, "list_id \"['la']\" should be a valid string"),
        ("update_todo_item", {"item_id": "ia", "title": "x" * 501}, "has 501 characters; at most 500 are allowed"),
        ("update_todo_item", {"item_id": "ia"}, "changes nothing; give title, due, priority or notes"),
        ("complete_todo_item", {"item_id": "ia", "done": "maybe"}, 'done "maybe" should be a valid boolean'),
        ("create_todo_list", {"name": "a", "idempotency_key": "k" * 201}, "at most 200 characters"),
        ("complete_todo_item", {"item_id": "ia", "expected_revision": -1}, "greater than or equal to 0"),
    ],
)
async def test_wrong_arguments_are_named_with_what_to_give_and_nothing_is_asked(
    client: Client, stack: "Stack", tool: str, arguments: dict[str, Any], words: str
) -> None:
    answer = await said(client, tool, **arguments)
    assert answer.startswith(f"error: {tool}: ")
    assert words in answer
    assert answer.endswith(" Nothing was changed.")
    assert "pydantic" not in answer
    assert stack.asked == []


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_all_todo_lists", {"limit": 0}, 'limit "0" should be greater than or equal to 1'),
        ("get_all_todo_lists", {"limit": 1000}, "less than or equal to 100"),
        (
            "search_todo_items",
            {"due_before": "soon"},
            'due_before "soon" is no day; give one as YYYY-MM-DD (today is 20',
        ),
        ("search_todo_items", {"cursor": "../etc"}, "is none that a page ended with"),
        ("get_all_todo_lists", {"cursor": "la.!"}, "is none that a page ended with"),
    ],
)
async def test_wrong_arguments_of_a_read_do_not_speak_of_changes(
    client: Client, stack: "Stack", tool: str, arguments: dict[str, Any], words: str
) -> None:
    answer = await said(client, tool, **arguments)
    assert answer.startswith("error: ")
    assert words in answer
    assert "changed" not in answer
    assert stack.asked == []


async def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_the_near_one(client: Client) -> None:
    with pytest.raises(MCPError, match=r'Unknown tool "create_item"\. Did you mean create_todo_item\?') as caught:
        await client.call_tool("create_item", {})
    assert caught.value.code == -32602


GROCERIES = (ListCount(id="la", name="Groceries", open=1, done=0),)
MILK = TodoItem(id="imilk", list_id="la", title="oat milk", position="a", version=1)


def with_milk(asked: SearchRequest) -> SearchResult:
    wanted = not asked.item_ids or MILK.id in asked.item_ids
    return SearchResult(
        revision=9, items=(MILK,) if wanted else (), total=int(wanted), counts=GROCERIES if asked.counts else ()
    )


async def test_a_list_that_does_not_exist_names_the_near_one_and_all_the_others(client: Client, stack: "Stack") -> None:
    answer = await said(client, "create_todo_item", list_id="Grocery", title="milk")
    assert answer == (
        'error: no list has the id "Grocery". Near: la "Groceries". Lists: la "Groceries"; lb "Work". '
        "Nothing was changed. Call again with an id that exists."
    )
    assert stack.ran == []  # no list can have this id


async def test_an_item_that_does_not_exist_names_the_near_ones(client: Client, stack: "Stack") -> None:
    stack.on_search = with_milk
    stack.on_run = ended(Outcome.NOT_FOUND)
    answer = await said(client, "complete_todo_item", item_id="milk")
    assert 'no item has the id "milk". Near: imilk "oat milk"' in answer
    assert len(stack.ran) == 1  # an item could have had this id


async def test_of_several_rows_the_one_that_does_not_exist_is_named(client: Client, stack: "Stack") -> None:
    stack.on_search = with_milk
    stack.on_run = ended(Outcome.NOT_FOUND)
    result = await client.call_tool("move_todo_item", {"item_id": "imilk", "list_id": "lc"})
    assert result.structured_content["missing"] == ["lc"]


def ended(outcome: Outcome, text: str = "So it ended.") -> Any:
    def end(asked: RunOperations) -> OperationsCompleted:
        return OperationsCompleted(
            operation_id=asked.operation_id, outcome=outcome, text=text, receipt=Receipt(revision_before=9)
        )

    return end


async def test_a_conflict_says_what_is_there_now(client: Client, stack: "Stack") -> None:
    stack.on_search = with_milk
    stack.on_run = ended(Outcome.CONFLICT, "Somebody else was faster.")
    result = await client.call_tool("complete_todo_item", {"item_id": "imilk", "expected_revision": 5})
    (content,) = result.content
    assert content.text == (
        'conflict: Somebody else was faster. Now, at revision 9: imilk "oat milk" in "Groceries" (la). '
        "Look whether it is still wanted, then call again."
    )
    assert result.is_error
    assert result.structured_content["now"]["items"][0]["title"] == "oat milk"


def refusing(code: ErrorCode, detail: str = "") -> Any:
    def refuse(_: object) -> Any:
        raise Refusal(Problem(code=code, detail=detail))

    return refuse


async def test_an_outage_that_ends_in_time_is_not_noticed(client: Client, stack: "Stack") -> None:
    def at_first(asked: RunOperations) -> OperationsCompleted:
        if len(stack.ran) < 3:
            raise Refusal(Problem(code=ErrorCode.UNAVAILABLE, detail="away"))
        return stack.confirm(asked)

    stack.on_run = at_first
    assert (await said(client, "complete_todo_item", item_id="ia")).startswith("verified: ")
    assert len({one.operation_id for one in stack.ran}) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_store_that_is_away_says_so_and_that_nothing_was_changed(client: Client, stack: "Stack") -> None:
    stack.on_run = stack.on_search = refusing(ErrorCode.UNAVAILABLE, "the database is away")
    changed = await said(client, "complete_todo_item", item_id="ia")
    assert changed == (
        "error: the to-do store is away (the database is away). Nothing was changed. Try again in a moment."
    )
    assert await said(client, "get_all_todo_lists") == (
        "error: the to-do store is away (the database is away). Try again in a moment."
    )


@pytest.mark.usefixtures("impatient")
async def test_a_change_without_an_answer_is_not_called_undone_and_its_key_asks_again(
    client: Client, stack: "Stack"
) -> None:
    never = asyncio.Event()

    async def silent(asked: RunOperations) -> OperationsCompleted:
        await never.wait()
        return stack.confirm(asked)

    stack.on_run = silent
    result = await client.call_tool("create_todo_item", {"list_id": "la", "title": "milk"})
    (content,) = result.content
    assert "Whether this was done is not known." in content.text
    assert result.is_error
    stack.on_run = stack.confirm
    never.set()
    key = result.structured_content["idempotency_key"]
    again = await client.call_tool("create_todo_item", {"list_id": "la", "title": "milk", "idempotency_key": key})
    assert not again.is_error
    assert len({(one.operation_id, one.operations) for one in stack.ran}) == 1


@pytest.mark.usefixtures("impatient")
async def test_a_doubt_stays_one_where_a_later_try_was_refused(client: Client, stack: "Stack") -> None:
    def doubtful_first(asked: RunOperations) -> OperationsCompleted:
        code = ErrorCode.TIMEOUT if len(stack.ran) == 1 else ErrorCode.UNAVAILABLE
        raise Refusal(Problem(code=code, detail="no answer"))

    stack.on_run = doubtful_first
    assert "Whether this was done is not known." in await said(client, "complete_todo_item", item_id="ia")
    assert len(stack.ran) > 1


async def test_what_the_agent_does_not_know_is_asked_again(client: Client, stack: "Stack") -> None:
    def unknown_first(asked: RunOperations) -> OperationsCompleted:
        unknown: OperationsCompleted = ended(Outcome.UNKNOWN)(asked)
        return unknown if len(stack.ran) == 1 else stack.confirm(asked)

    stack.on_run = unknown_first
    assert (await said(client, "complete_todo_item", item_id="ia")).startswith("verified: ")


async def test_nothing_of_an_exception_reaches_the_client(
    client: Client, stack: "Stack", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("mcp_bridge.pages.lists_page", broken)
    monkeypatch.setattr("mcp_bridge.changes.operation_of", broken)
    answer = await said(client, "get_all_todo_lists")
    assert answer.startswith("error: the bridge failed; its log tells more under the id ")
    logged = {vars(record)["error_id"] for record in caplog.records if record.name == "mcp_bridge.calls"}
    assert answer.removesuffix(".").split()[-1] in logged
    changed = await said(client, "complete_todo_item", item_id="ia")
    assert "Whether anything was changed is not known" in changed
    assert "hunter2" not in answer + changed


async def test_more_calls_than_can_wait_are_told_so() -> None:
    room = Room(at_once=1, waiting_max=0)
    with pytest.raises(AwayError):
        async with room.one():
            pass
    tool = offered()["complete_todo_item"]
    answer = await call(tool, {"item_id": "ia"}, lambda: pytest.fail("asked for the store"), room)
    assert (
        answer.text == "the to-do store is away (too many calls at once). Nothing was changed. Try again in a moment."
    )
