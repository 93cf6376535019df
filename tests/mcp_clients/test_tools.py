"""Every tool with good and with bad arguments, through a real client on stdio against the real stack."""

import anyio
import pytest

from local_stack.temporary import RunningStack

from .bridge import Caller, connected, new_owner

NAMES = {
    "get_all_todo_lists", "create_todo_list", "rename_todo_list", "delete_todo_list", "create_todo_item",
    "update_todo_item", "complete_todo_item", "move_todo_item", "delete_todo_item", "search_todo_items",
    "get_changes", "undo_change",
}  # fmt: skip


async def test_a_model_can_do_with_twelve_tools_all_that_a_person_can(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner) as bridge:
        assert {tool.name for tool in (await bridge.client.list_tools()).tools} == NAMES
        assert (await bridge.call("get_all_todo_lists")).text.endswith("no lists yet; create_todo_list makes one.")

        groceries = (await bridge.done("create_todo_list", name="Groceries"))["list_id"]
        work = (await bridge.done("create_todo_list", name="Work"))["list_id"]
        await bridge.done("rename_todo_list", list_id=groceries, name="Food")
        milk = (await bridge.done("create_todo_item", list_id=groceries, title="milk", due="2026-12-24"))["item_id"]
        eggs = (
            await bridge.done(
                "create_todo_item", list_id=groceries, title="eggs", priority="high", notes="ten\nof them"
            )
        )["item_id"]
        await bridge.done("update_todo_item", item_id=milk, title="oat milk", due="none", notes="the blue one")
        await bridge.done("complete_todo_item", item_id=eggs)
        await bridge.done("move_todo_item", item_id=milk, list_id=work)
        await bridge.done("move_todo_item", item_id=milk, list_id=groceries, position="first")

        shown = await bridge.call("get_all_todo_lists", include_done=True)
        assert shown.text.splitlines()[1:] == [
            f'list {groceries} "Food": 1 open, 1 done',
            f'- {milk} "oat milk", notes "the blue one"',
            f'- {eggs} "eggs", done, priority high, notes "ten\\nof them"',
            f'list {work} "Work": 0 open, 0 done',
        ]
        assert [row["id"] for row in (await bridge.call("get_all_todo_lists", list_id=work)).facts["lists"]] == [work]
        found = await bridge.call("search_todo_items", query="OAT")
        assert [item["id"] for item in found.facts["items"]] == [milk]
        assert (await bridge.call("search_todo_items", query="eggs")).facts["total"] == 0  # done
        assert (await bridge.call("search_todo_items", query="eggs", include_done=True)).facts["total"] == 1

        deleted = await bridge.done("delete_todo_list", list_id=groceries)
        assert await bridge.titles() == []
        await bridge.done("undo_change", change_id=deleted["change_id"])
        assert await bridge.titles() == ["oat milk", "eggs"]
        await bridge.done("delete_todo_item", item_id=eggs)
        changes = await bridge.call("get_changes", limit=2)
        assert [row["author"] for row in changes.facts["changes"]] == ["mcp", "mcp"]
        assert changes.text.splitlines()[-1].endswith(f'deleted item {eggs} "eggs" in {groceries}')


async def test_a_verified_change_carries_its_receipt(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner) as bridge:
        made = await bridge.call("create_todo_list", name="Groceries")
        assert made.text == (
            f"verified: Created the list “Groceries” (list {made.facts['list_id']}, change {made.facts['change_id']}, "
            "revision 1); nothing further to call."
        )
        receipt = made.facts["receipt"]
        assert receipt["verdict"] == "confirmed"
        assert receipt["observed"]["changes"] == [
            {"id": made.facts["list_id"], "after": {"kind": "list", "name": "Groceries"}}
        ]
        assert (receipt["revision_before"], receipt["revision_after"]) == (0, 1)


async def groceries(bridge: Caller) -> tuple[str, str]:
    """A list, and an item of it: oat milk."""
    list_id = (await bridge.done("create_todo_list", name="Groceries"))["list_id"]
    item_id = (await bridge.done("create_todo_item", list_id=list_id, title="oat milk"))["item_id"]
    return list_id, item_id


async def test_what_does_not_exist_is_answered_with_what_is_near(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner) as bridge:
        list_id, item_id = await groceries(bridge)
        near_list = f'Near: {list_id} "Groceries". Lists: {list_id} "Groceries".'
        near_item = f'Near: {item_id} "oat milk" in "Groceries" ({list_id}).'
        wrong_id = item_id[:-1] + ("a" if item_id[-1] != "a" else "b")
        for tool, arguments, near in [
            ("get_all_todo_lists", {"list_id": "Groceries"}, near_list),
            ("create_todo_item", {"list_id": "groceries", "title": "tea"}, near_list),
            ("rename_todo_list", {"list_id": "Grocery", "name": "Food"}, near_list),
            ("delete_todo_list", {"list_id": list_id[:-1]}, near_list),
            ("complete_todo_item", {"item_id": "milk"}, near_item),
            ("update_todo_item", {"item_id": "Oat Milk", "title": "milk"}, near_item),
            ("delete_todo_item", {"item_id": wrong_id}, near_item),
            ("move_todo_item", {"item_id": item_id, "list_id": "Grocery"}, near_list),
            ("move_todo_item", {"item_id": item_id, "list_id": list_id, "position": "oat"}, near_item),
            ("undo_change", {"change_id": "c0"}, "get_changes shows those that there are."),
            ("get_all_todo_lists", {"cursor": "lnone"}, "search from the beginning"),
        ]:
            answer = await bridge.call(tool, **arguments)
            assert answer.failed
            assert near in answer.text, answer.text
            assert ("Nothing was changed." in answer.text) == (tool != "get_all_todo_lists")
        assert await bridge.titles() == ["oat milk"]
        assert (await bridge.call("get_changes")).facts["revision"] == 2


async def test_an_idempotency_key_makes_a_repeat_harmless_and_belongs_to_one_change(
    stack: RunningStack, owner: str
) -> None:
    async with connected(stack.data, owner) as bridge:
        list_id, _ = await groceries(bridge)
        tea = {"list_id": list_id, "title": "tea", "idempotency_key": "my tea"}
        first, again = [await bridge.done("create_todo_item", **tea) for _ in range(2)]
        assert (first["item_id"], first["change_id"]) == (again["item_id"], again["change_id"])
        other = await bridge.call("create_todo_item", **{**tea, "title": "jam"})
        assert other.failed
        assert "this idempotency_key was used for another change before" in other.text
        assert await bridge.titles() == ["oat milk", "tea"]
        # After it was deleted, a late repeat does not bring it back.
        await bridge.done("delete_todo_item", item_id=first["item_id"])
        await bridge.call("create_todo_item", **tea)
        assert await bridge.titles() == ["oat milk"]
        # A key that is somebody else's means nothing here.
        async with connected(stack.data, new_owner()) as elsewhere:
            theirs = (await elsewhere.done("create_todo_list", name="Theirs", idempotency_key="my tea"))["list_id"]
            assert theirs != list_id


async def test_a_stale_view_is_a_conflict_that_says_what_is_there_now(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner) as bridge:
        list_id, item_id = await groceries(bridge)
        seen = (await bridge.call("get_all_todo_lists")).facts["revision"]
        await bridge.done("update_todo_item", item_id=item_id, title="soy milk")
        stale = await bridge.call("complete_todo_item", item_id=item_id, expected_revision=seen)
        assert stale.failed
        assert stale.text.startswith("conflict: The state has changed since you looked")
        assert f'Now, at revision {seen + 1}: {item_id} "soy milk" in "Groceries" ({list_id}).' in stale.text
        assert stale.facts["now"]["items"][0]["done"] is False
        await bridge.done("complete_todo_item", item_id=item_id, expected_revision=seen + 1)


async def test_long_lists_come_in_pages_and_a_page_is_never_long(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner) as bridge:
        list_id = (await bridge.done("create_todo_list", name="Long"))["list_id"]
        await bridge.done("create_todo_list", name="Empty")
        for number in range(25):
            await bridge.done("create_todo_item", list_id=list_id, title=f"{number} " + "x" * 490, notes="y" * 400)
        shown: list[str] = []
        cursor = ""
        pages = 0
        while cursor or not pages:
            page = await bridge.call("get_all_todo_lists", limit=10, cursor=cursor)
            assert len(page.text) < 15_000
            shown += [item["title"].partition(" ")[0] for row in page.facts["lists"] for item in row["items"]]
            cursor = page.facts.get("next_cursor", "")
            pages += 1
        assert shown == [str(number) for number in range(25)]
        assert pages == 3
        first = await bridge.call("search_todo_items", query="x", limit=20)
        rest = await bridge.call("search_todo_items", query="x", limit=20, cursor=first.facts["next_cursor"])
        assert len(first.facts["items"]) + len(rest.facts["items"]) == first.facts["total"] == 25
        later = await bridge.call("get_changes", since=20, limit=5)
        assert "More: call get_changes with since=25." in later.text


async def test_only_the_tools_that_were_asked_for_are_offered(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner, "--read-only") as bridge:
        assert {tool.name for tool in (await bridge.client.list_tools()).tools} == {
            "get_all_todo_lists",
            "search_todo_items",
            "get_changes",
        }
        with pytest.raises(Exception, match='Unknown tool "create_todo_list"'):
            await bridge.call("create_todo_list", name="x")
    async with connected(stack.data, owner, "--tools", "create_todo_list,get_changes") as bridge:
        assert [tool.name for tool in (await bridge.client.list_tools()).tools] == ["create_todo_list", "get_changes"]


async def test_two_clients_at_once_lose_nothing_and_see_each_other(stack: RunningStack, owner: str) -> None:
    async with connected(stack.data, owner) as one, connected(stack.data, owner, mode="legacy") as other:
        list_id = (await one.done("create_todo_list", name="Shared"))["list_id"]

        async def add(bridge: Caller, name: str) -> None:
            for number in range(15):
                await bridge.done("create_todo_item", list_id=list_id, title=f"{name}{number}")

        async with anyio.create_task_group() as group:
            group.start_soon(add, one, "a")
            group.start_soon(add, other, "b")
        wanted = sorted(f"{name}{number}" for name in "ab" for number in range(15))
        assert sorted(await one.titles()) == sorted(await other.titles()) == wanted


async def test_the_trace_of_a_call_runs_on_into_its_receipt(stack: RunningStack, owner: str) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with connected(stack.data, owner) as bridge:
        result = await bridge.client.call_tool(
            "create_todo_list", {"name": "Traced"}, meta={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        )
        assert isinstance(result.structured_content, dict)
        assert result.structured_content["receipt"]["trace_id"] == trace_id
        without = await bridge.done("create_todo_list", name="Untraced")
        assert without["receipt"]["trace_id"] not in {trace_id, None}
