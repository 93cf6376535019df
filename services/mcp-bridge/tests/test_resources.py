"""Resources, their news on both kinds of revisions, and prompts; through a real client."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client
from mcp.client.subscriptions import SubscriptionLost
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp.shared.exceptions import MCPError

from contracts.store import ListCount, SearchRequest, SearchResult
from contracts.todo import Image, JournalEntry, TodoItem, TodoList
from mcp_bridge.callers import Caller
from mcp_bridge.link import Fixed
from mcp_bridge.live import events_of
from mcp_bridge.resources import LISTS_URI
from mcp_bridge.server import Bridge
from mcp_bridge.tools import offered

if TYPE_CHECKING:
    from conftest import Stack


def item(list_id: str, *, done: bool = False) -> TodoItem:
    return TodoItem(id="i1", list_id=list_id, title="milk", done=done, position="a", version=1)


def entry(*images: Image, truncated: bool = False) -> JournalEntry:
    return JournalEntry.model_validate(
        {
            "revision": 1,
            "change_id": "c1",
            "operation_id": "o",
            "author": "mcp",
            "at": "2026-12-01T09:00:00Z",
            "images": images,
            "truncated": truncated,
        }
    )


LIST = TodoList(id="la", name="Groceries", position="a", version=1)
LA, LB, ALL = ResourceUpdated("todo://lists/la"), ResourceUpdated("todo://lists/lb"), ResourceUpdated(LISTS_URI)


@pytest.mark.parametrize(
    ("image", "events"),
    [
        (Image(row_id="la", after=LIST), {ALL, LA, ResourcesListChanged()}),
        (Image(row_id="la", before=LIST), {ALL, LA, ResourcesListChanged()}),
        (Image(row_id="i1", after=item("la")), {LA, ALL}),
        (Image(row_id="i1", before=item("la"), after=item("lb")), {LA, LB, ALL}),
        (Image(row_id="i1", before=item("la"), after=item("la", done=True)), {LA, ALL}),
        (Image(row_id="i1", before=item("la"), after=item("la")), {LA}),
    ],
)
def test_a_change_is_news_of_the_lists_that_it_touched(image: Image, events: set[object]) -> None:
    assert set(events_of(entry(image, image)) or ()) == events


def test_a_change_that_is_too_large_to_tell_may_be_anything() -> None:
    assert events_of(entry(truncated=True)) is None


def found(asked: SearchRequest) -> SearchResult:
    counts = tuple(ListCount(id=f"l{number}", name=f"List {number}", open=1, done=0) for number in range(230))
    items = (item("l3"),) if asked.list_id == "l3" else ()
    return SearchResult(revision=5, items=items, total=len(items), counts=counts)


async def test_the_resources_are_all_lists_and_each_in_pages(client: Client, stack: "Stack") -> None:
    stack.on_search = found
    uris: list[str] = []
    cursor: str | None = None
    while True:
        page = await client.list_resources(cursor=cursor)
        uris += [str(resource.uri) for resource in page.resources]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert uris == [LISTS_URI, *(f"todo://lists/l{number}" for number in range(230))]
    templates = await client.list_resource_templates()
    assert [template.uri_template for template in templates.resource_templates] == ["todo://lists/{list_id}"]


async def read(client: Client, uri: str) -> dict[str, Any]:
    (content,) = (await client.read_resource(uri)).contents
    assert content.mime_type == "application/json"
    facts: dict[str, Any] = json.loads(content.text)
    return facts


async def test_a_list_is_read_with_its_items_and_all_lists_with_their_counts(client: Client, stack: "Stack") -> None:
    stack.on_search = found
    assert len((await read(client, LISTS_URI))["lists"]) == 230
    assert await read(client, "todo://lists/l3") == {
        "revision": 5,
        "id": "l3",
        "name": "List 3",
        "open": 1,
        "done": 0,
        "items": [{"id": "i1", "title": "milk", "done": False, "priority": "none"}],
        "left_out": 0,
    }


@pytest.mark.parametrize("uri", ["todo://lists/lnone", "todo://lists/../x", "todo://items", "file:///etc/passwd"])
async def test_a_resource_that_is_not_there_is_invalid_and_names_those_that_are(client: Client, uri: str) -> None:
    with pytest.raises(MCPError, match="todo://lists") as caught:
        await client.read_resource(uri)
    assert caught.value.code == -32602


async def test_the_prompts_name_the_tools_to_use(client: Client) -> None:
    assert [prompt.name for prompt in (await client.list_prompts()).prompts] == ["plan_my_day", "add_from_notes"]
    (message,) = (await client.get_prompt("plan_my_day")).messages
    assert "get_all_todo_lists" in message.content.text
    (message,) = (await client.get_prompt("add_from_notes", {"notes": "call {Bob}", "list": "Work"})).messages
    assert message.content.text.endswith("call {Bob}")
    assert "'Work'" in message.content.text
    for name, arguments in (("add_from_notes", {}), ("fly", {})):
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
        assert caught.value.code == -32602


async def test_news_end_when_the_token_that_asked_for_them_does(stack: "Stack") -> None:
    until = datetime.now(UTC) + timedelta(seconds=0.5)
    bridge = Bridge(Fixed(stack.bus), offered(), lambda _: Caller("a" * 26, until))
    async with Client(bridge.server()) as client, client.listen(resource_subscriptions=[LISTS_URI]) as news:
        with pytest.raises(SubscriptionLost):
            async with asyncio.timeout(10):
                await anext(aiter(news))
    assert datetime.now(UTC) >= until
