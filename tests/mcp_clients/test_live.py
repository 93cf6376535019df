"""Resources that tell of themselves when they change, on the revisions before 2026-07-28 and on that one."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from mcp.client.subscriptions import Subscription
from mcp.shared.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp_types import ResourceListChangedNotification, ResourceUpdatedNotification

from local_stack.temporary import RunningStack

from .bridge import BOUND_S, Caller, RawBridge, command, connected, new_owner
from .test_http import SECRET, Served, over_http, serving, token

LISTS = "todo://lists"


@pytest.fixture
async def writer(stack: RunningStack, owner: str) -> AsyncIterator[Caller]:
    """Another client of the same owner. Held by a task of its own, which enters and leaves it."""
    ready: asyncio.Future[Caller] = asyncio.get_running_loop().create_future()
    done = asyncio.Event()

    async def hold() -> None:
        async with connected(stack.data, owner) as bridge:
            ready.set_result(bridge)
            await done.wait()

    holding = asyncio.create_task(hold())
    yield await ready
    done.set()
    await holding


async def until(subscription: Subscription, *wanted: object) -> None:
    """Wait until each of these events has come."""
    missing = set(wanted)
    async with asyncio.timeout(BOUND_S):
        async for event in subscription:
            missing.discard(event)
            if not missing:
                return
    raise AssertionError(f"the stream has ended without {missing}")


async def test_what_changes_is_told_to_who_listens_and_to_nobody_else(
    stack: RunningStack, owner: str, writer: Caller
) -> None:
    watched = (await writer.done("create_todo_list", name="Watched"))["list_id"]
    other = (await writer.done("create_todo_list", name="Other"))["list_id"]
    uri = f"{LISTS}/{watched}"
    async with (
        connected(stack.data, owner) as reader,
        reader.client.listen(resource_subscriptions=[uri, LISTS], resources_list_changed=True) as news,
        connected(stack.data, new_owner()) as stranger,
        stranger.client.listen(resource_subscriptions=[uri, LISTS], resources_list_changed=True) as nothing,
    ):
        item = (await writer.done("create_todo_item", list_id=watched, title="milk"))["item_id"]
        await until(news, ResourceUpdated(uri), ResourceUpdated(LISTS))
        await writer.done("update_todo_item", item_id=item, title="oat milk")
        await until(news, ResourceUpdated(uri))
        await writer.done("rename_todo_list", list_id=watched, name="Renamed")
        await until(news, ResourceUpdated(uri), ResourcesListChanged())
        await writer.done("move_todo_item", item_id=item, list_id=other)
        await until(news, ResourceUpdated(uri))
        # What was for somebody else did not come: the first news of the stranger are of its own list.
        await stranger.done("create_todo_list", name="Theirs")
        async with asyncio.timeout(BOUND_S):
            first = await anext(aiter(nothing))
        assert first in {ResourceUpdated(LISTS), ResourcesListChanged()}
        assert (await stranger.call("get_changes")).facts["revision"] == 1


async def test_before_2026_a_resource_is_subscribed_to_and_unsubscribed_from(
    stack: RunningStack, owner: str, writer: Caller
) -> None:
    watched = (await writer.done("create_todo_list", name="Watched"))["list_id"]
    uri = f"{LISTS}/{watched}"
    bridge = await RawBridge.started(command(stack.data, owner))
    try:
        await bridge.initialize("2024-11-05")
        assert (await bridge.ask("resources/subscribe", {"uri": uri}))["result"] == {}
        wrong = await bridge.ask("resources/subscribe", {"uri": "todo://nothing"})
        assert wrong["error"]["code"] == -32602
        await writer.done("create_todo_item", list_id=watched, title="milk")
        updated = await bridge.line()
        assert ResourceUpdatedNotification.model_validate(updated).params.uri == uri
        await writer.done("create_todo_list", name="Another")
        assert (await bridge.line())["method"] == ResourceListChangedNotification().method
        await bridge.ask("resources/unsubscribe", {"uri": uri})
        await writer.done("create_todo_item", list_id=watched, title="tea")
        await writer.done("create_todo_list", name="A third")
        assert (await bridge.line())["method"] == ResourceListChangedNotification().method
    finally:
        await bridge.ended()


@pytest.fixture(scope="module")
async def secured(stack: RunningStack) -> AsyncIterator[Served]:
    async with serving(stack, AUTH_SECRET=SECRET) as served:
        yield served


async def test_over_http_and_passed_on_news_come_too(secured: Served, stack: RunningStack, owner: str) -> None:
    env = {"TODO_AGENT_TOKEN": token(owner)}
    async with (
        over_http(secured, owner) as writer,
        over_http(secured, owner) as near,
        connected(stack.data, owner, "--url", secured.url, env=env) as far,
        near.client.listen(resource_subscriptions=[LISTS]) as by_http,
        far.client.listen(resource_subscriptions=[LISTS]) as passed_on,
    ):
        await writer.done("create_todo_list", name="News")
        await until(by_http, ResourceUpdated(LISTS))
        await until(passed_on, ResourceUpdated(LISTS))
