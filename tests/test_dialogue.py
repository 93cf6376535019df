"""What the agent asks can be answered by the button it offers, and what it then does is what it asked about."""

from collections.abc import AsyncIterator

import pytest

from client import AgentClient
from contracts.turns import Outcome, TurnCompleted
from local_stack.temporary import RunningStack


@pytest.fixture
async def client(stack: RunningStack) -> AsyncIterator[AgentClient]:
    async with AgentClient.connect(stack.url) as connected:
        yield connected


async def told(client: AgentClient, *requests: str) -> TurnCompleted:
    """Send requests one after the other; the last one's outcome."""
    for request in requests:
        completed = await client.ask(request)
    return completed


async def pressed(client: AgentClient, asked: TurnCompleted, label: str) -> TurnCompleted:
    """Press the button with this label."""
    assert asked.outcome is Outcome.CLARIFY, asked.text
    (candidate,) = [candidate for candidate in asked.candidates if label in (candidate.label, candidate.detail)]
    return await client.ask(candidate.reply)


async def items_of(client: AgentClient, name: str) -> dict[str, bool] | None:
    """Titles and done states; None where there is no such list."""
    lists = await client.lists()
    return next(({item.title: item.done for item in items} for row, items in lists.lists if row.name == name), None)


async def test_a_list_is_deleted_once_the_question_is_answered(client: AgentClient) -> None:
    asked = await told(client, "create a list called Doomed", "add one and two to Doomed", "delete the list Doomed")
    assert asked.reason == "confirm_deletion"
    assert await items_of(client, "Doomed") == {"one": False, "two": False}
    deleted = await pressed(client, asked, "Yes, delete")
    assert deleted.outcome is Outcome.CONFIRMED
    assert await items_of(client, "Doomed") is None


async def test_an_item_on_two_lists_is_marked_on_the_one_that_is_chosen(client: AgentClient) -> None:
    await told(client, "create a list called Attic", "create a list called Cellar", "add lamp to Attic")
    asked = await told(client, "add lamp to Cellar", "mark lamp as done")
    done = await pressed(client, asked, "Cellar")
    assert done.outcome is Outcome.CONFIRMED
    assert (await items_of(client, "Attic"), await items_of(client, "Cellar")) == ({"lamp": False}, {"lamp": True})


async def test_things_without_a_list_go_to_the_one_that_is_chosen(client: AgentClient) -> None:
    await told(client, "create a list called Kiosk", "create a list called Market")
    asked = await told(client, "add bread and butter")
    chosen = asked.candidates[0].label
    added = await pressed(client, asked, chosen)
    assert added.outcome is Outcome.CONFIRMED
    filled = await items_of(client, chosen)
    assert filled is not None
    assert {"bread", "butter"} <= filled.keys()


async def test_a_due_date_is_set_said_and_taken_away(client: AgentClient) -> None:
    await told(client, "create a list called Dates")
    added = await told(client, "add ticket to Dates due 2031-05-06 with high priority")
    assert added.text == "Added “ticket” (due 2031-05-06, priority high) to “Dates”."
    removed = await told(client, "remove the due date from ticket in Dates")
    assert removed.outcome is Outcome.CONFIRMED
    assert "due none instead of 2031-05-06" in removed.text
