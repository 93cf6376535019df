"""A host like LM Studio: its model is offered the bridge's tools, calls them, reads the answers and tells its user."""

import json
from typing import Any

import httpx
import pytest

from local_stack.temporary import RunningStack

from .bridge import BOUND_S, Caller, answered, connected

TURNS_MAX = 12


class Host:
    """The loop of a host, around a model behind LM Studio's wire and a client on the bridge."""

    def __init__(self, bridge: Caller, model_url: str) -> None:
        self.bridge = bridge
        self.called: list[str] = []
        self._url = f"{model_url}/v1/chat/completions"

    async def ask(self, request: str) -> str:
        """The model's last word."""
        listed = (await self.bridge.client.list_tools()).tools
        tools = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
            }
            for tool in listed
        ]
        messages: list[dict[str, Any]] = [{"role": "user", "content": request}]
        async with httpx.AsyncClient(timeout=BOUND_S, trust_env=False) as http:
            for _ in range(TURNS_MAX):
                body = {"model": "any", "messages": messages, "tools": tools}
                answer = (await http.post(self._url, json=body)).raise_for_status().json()
                message = answer["choices"][0]["message"]
                if not message["tool_calls"]:
                    return str(message["content"])
                messages.append(message)
                messages += [await self._called(call) for call in message["tool_calls"]]
        raise AssertionError(f"still calling after {TURNS_MAX} turns: {self.called}")

    async def _called(self, call: dict[str, Any]) -> dict[str, Any]:
        name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
        self.called.append(name)
        result = answered(await self.bridge.client.call_tool(name, arguments))
        return {"role": "tool", "tool_call_id": call["id"], "content": result.text}


@pytest.fixture
def model_url(stack: RunningStack) -> str:
    return str(json.loads((stack.data / "stack.json").read_text())["model_url"])


async def test_what_the_model_tells_at_the_end_of_its_loop_is_what_the_database_holds(
    stack: RunningStack, owner: str, model_url: str
) -> None:
    async with connected(stack.data, owner) as bridge:
        host = Host(bridge, model_url)
        told = await host.ask("create a list called Groceries with milk, eggs and bread")
        assert told.splitlines()[0].startswith("Created the list “Groceries”")
        assert host.called == ["get_all_todo_lists", "create_todo_list", *["create_todo_item"] * 3]
        assert await bridge.titles() == ["milk", "eggs", "bread"]

        told = await host.ask("rename item milk to oat milk and mark eggs as done")
        assert "“milk”: renamed to “oat milk”" in told
        assert "Marked “eggs” in “Groceries” as done" in told
        told = await host.ask("create a list called Travel and move bread to Travel")
        assert "moved to “Travel”" in told
        assert "bread" in await host.ask("what is on Travel?")
        await host.ask("delete eggs")
        shown = await bridge.call("get_all_todo_lists", include_done=True)
        assert [(row["name"], [item["title"] for item in row["items"]]) for row in shown.facts["lists"]] == [
            ("Groceries", ["oat milk"]),
            ("Travel", ["bread"]),
        ]


async def test_what_could_not_be_done_is_not_told_as_done(stack: RunningStack, owner: str, model_url: str) -> None:
    async with connected(stack.data, owner) as bridge:
        host = Host(bridge, model_url)
        await host.ask("create a list called Groceries")
        told = await host.ask("add tickets to Groceries due tomorrow")
        assert 'due "tomorrow" is no date' in told
        assert "Nothing was changed." in told
        assert await bridge.titles() == []
