"""An owner's rows in our store: seeded, read back, and written to by somebody else in the middle of a turn."""

from collections.abc import Mapping
from typing import Any, Final

from bench.peers.faulty_store import OTHER_WRITER
from bench.peers.scenarios import State
from bus.interface import Bus
from contracts import subjects
from contracts.operations import CompleteItem, CreateItem, CreateList, Operation
from contracts.store import ApplyRequest, ApplyResult, ApplyStatus, Plan, SnapshotPart, SnapshotRequest
from contracts.todo import Author, TodoItem, TodoList
from contracts.tokens import new_item_id, new_list_id, uuid7

TIMEOUT_S: Final = 10.0


def seeded(state: State) -> tuple[tuple[Operation, ...], Mapping[str, str]]:
    """The operations that make a state, and the ids in it by `$list:Name` and `$item:title`."""
    operations: list[Operation] = []
    ids: dict[str, str] = {}
    for name, rows in state.items():
        ids[f"$list:{name}"] = list_id = new_list_id()
        operations.append(CreateList(list_id=list_id, name=name))
        for title, done in rows:
            ids[f"$item:{title}"] = item_id = new_item_id()
            operations.append(CreateItem(item_id=item_id, list_id=list_id, title=title))
            if done:
                operations.append(CompleteItem(item_id=item_id))
    return tuple(operations), ids


def as_lists(state: State, ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """A state as a peer's own store holds it."""
    return [
        {
            "id": ids[f"$list:{name}"],
            "name": name,
            "items": [{"id": ids[f"$item:{title}"], "title": title, "done": done} for title, done in rows],
        }
        for name, rows in state.items()
    ]


def of_lists(lists: list[dict[str, Any]]) -> State:
    """What a peer's own store held in the end."""
    return {row["name"]: tuple((item["title"], item["done"]) for item in row["items"]) for row in lists}


class Rows:
    """Owners' rows over the bus."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def write(self, owner: str, operations: tuple[Operation, ...]) -> None:
        """As somebody who is not in the turn."""
        request = ApplyRequest(
            owner=owner,
            operation_id=f"{OTHER_WRITER}-{uuid7()}",
            author=Author.BOARD,
            operations=operations,
            plan=Plan(revision=0),
        )
        result = await self._bus.request(subjects.TODO_APPLY, request, ApplyResult, timeout=TIMEOUT_S)
        if result.status is not ApplyStatus.APPLIED:
            raise RuntimeError(f"the bench's own write was not applied: {result.status}")

    async def read(self, owner: str) -> State:
        """What the database holds."""
        lists: list[TodoList] = []
        items: list[TodoItem] = []
        request = SnapshotRequest(owner=owner)
        async for part in self._bus.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=TIMEOUT_S):
            lists.extend(part.lists)
            items.extend(part.items)
        return {row.name: tuple((item.title, item.done) for item in items if item.list_id == row.id) for row in lists}
