"""Where the peers' tools keep what they are told: a dictionary, or our todo-store over NATS.

Both raise StoreError with words for the model. `fault`, of the dictionary alone, is what it does to its first write:
`loses` (says that it is done, and it is not) or `late` (done, and no answer comes); our store brings its own.
"""

import json
import secrets
import string
import uuid
from copy import deepcopy
from typing import Any, Protocol

from nats.aio.client import Client

READ_TIMEOUT_S = 10.0
WRITE_TIMEOUT_S = 1.0
_LAST = "Todo-Last"
_ERROR = "Nats-Service-Error-Code"
_ALPHABET = string.ascii_lowercase + string.digits

Lists = list[dict[str, Any]]
"""`[{"id", "name", "items": [{"id", "title", "done"}]}]`."""


class StoreError(Exception):
    """What a tool tells the model."""


class Store(Protocol):
    async def lists(self) -> Lists: ...

    async def write(self, operation: dict[str, Any]) -> None:
        """One operation in our store's own terms: `{"op": "create_item", ...}`."""


def new_id(kind: str) -> str:
    """A row's id."""
    return kind + "".join(secrets.choice(_ALPHABET) for _ in range(10))


class MemoryStore:
    """A list of dictionaries, as an example in a framework's documentation has it."""

    def __init__(self, seed: Lists, fault: str) -> None:
        self._lists = deepcopy(seed)
        self._fault = fault

    async def lists(self) -> Lists:
        return deepcopy(self._lists)

    async def write(self, operation: dict[str, Any]) -> None:
        fault, self._fault = self._fault, ""
        if fault == "loses":
            return
        self.change(operation)
        if fault == "late":
            raise StoreError("the store did not answer in time")

    def change(self, operation: dict[str, Any]) -> None:
        """At once and without faults; also the other writer's way in."""
        match operation:
            case {"op": "create_item", "item_id": item_id, "list_id": list_id, "title": title}:
                self._list(list_id)["items"].append({"id": item_id, "title": title, "done": False})
            case {"op": "create_list", "list_id": list_id, "name": name}:
                self._lists.append({"id": list_id, "name": name, "items": []})
            case {"op": "complete_item", "item_id": item_id}:
                self._item(item_id)[1]["done"] = True
            case {"op": "delete_item", "item_id": item_id}:
                row, item = self._item(item_id)
                row["items"].remove(item)

    def _list(self, list_id: str) -> dict[str, Any]:
        for row in self._lists:
            if row["id"] == list_id:
                return row
        raise StoreError(f"there is no list {list_id}")

    def _item(self, item_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        for row in self._lists:
            for item in row["items"]:
                if item["id"] == item_id:
                    return row, item
        raise StoreError(f"there is no item {item_id}")


class NatsStore:
    """Our todo-store, called as anybody would call it: read, and apply one operation under an id of its own."""

    def __init__(self, client: Client, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def lists(self) -> Lists:
        inbox = self._client.new_inbox()
        replies = await self._client.subscribe(inbox)
        lists: dict[str, dict[str, Any]] = {}
        try:
            await self._client.publish("rpc.todo.v1.snapshot", json.dumps({"owner": self._owner}).encode(), reply=inbox)
            while True:
                answer = await replies.next_msg(timeout=READ_TIMEOUT_S)
                headers = answer.headers or {}
                part = json.loads(answer.data) if answer.data else {}
                if _ERROR in headers:
                    raise StoreError(part.get("detail", "the store refused"))
                for row in part.get("lists", ()):
                    lists[row["id"]] = {"id": row["id"], "name": row["name"], "items": []}
                for item in part.get("items", ()):
                    shown = {"id": item["id"], "title": item["title"], "done": item["done"]}
                    lists[item["list_id"]]["items"].append(shown)
                if _LAST in headers:
                    return list(lists.values())
        finally:
            await replies.unsubscribe()

    async def write(self, operation: dict[str, Any]) -> None:
        request = {
            "owner": self._owner,
            "operation_id": str(uuid.uuid4()),
            "author": "mcp",
            "operations": [operation],
            "plan": {"revision": 0},
        }
        try:
            answer = await self._client.request(
                "rpc.todo.v1.apply", json.dumps(request).encode(), timeout=WRITE_TIMEOUT_S
            )
        except TimeoutError as error:
            raise StoreError("the store did not answer in time") from error
        result = json.loads(answer.data)
        if _ERROR in (answer.headers or {}):
            raise StoreError(result.get("detail", "the store refused"))
        if result["status"] != "applied":
            raise StoreError(f"the store refused: {result.get('reason') or result['status']}")
