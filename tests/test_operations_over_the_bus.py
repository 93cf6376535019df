"""`rpc.ops.v1.run` on the real stack: moves to every place, across lists, and undo, each confirmed by a second read."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from bus.nats_bus import BusSettings, NatsBus
from client import AgentClient
from contracts import subjects
from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteList, MoveItem, Operation, UndoChange
from contracts.permissions import MCP_BRIDGE
from contracts.store import SnapshotPart, SnapshotRequest
from contracts.todo import Author
from contracts.tokens import owner_key, uuid7
from contracts.turns import OperationsCompleted, Outcome, RunOperations, Verdict
from local_stack.passwords import load_or_make
from local_stack.temporary import RunningStack

TIMEOUT_S = 20.0
SETUP = (
    CreateList(list_id="l1", name="Groceries"),
    CreateList(list_id="l2", name="Travel"),
    CreateList(list_id="l3", name="Empty"),
    *(CreateItem(item_id=item, list_id="l1", title=item) for item in ("a", "b", "c")),
    *(CreateItem(item_id=item, list_id="l2", title=item) for item in ("x", "y")),
)


@dataclass
class Door:
    """The bus as mcp-bridge has it, for an owner of its own."""

    bus: NatsBus
    name: str

    @property
    def owner(self) -> str:
        return owner_key("test", self.name)

    async def run(self, *operations: Operation) -> OperationsCompleted:
        asked = RunOperations(owner=self.owner, operation_id=uuid7(), author=Author.MCP, operations=operations)
        return await self.bus.request(subjects.OPS_RUN, asked, OperationsCompleted, timeout=TIMEOUT_S)

    async def confirmed(self, *operations: Operation) -> OperationsCompleted:
        done = await self.run(*operations)
        assert (done.outcome, done.receipt.verdict) == (Outcome.CONFIRMED, Verdict.CONFIRMED), done
        assert done.receipt.observed == done.receipt.expected
        return done

    async def orders(self) -> dict[str, str]:
        """Each list's items in order, by the list's id."""
        request = SnapshotRequest(owner=self.owner)
        parts = self.bus.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=TIMEOUT_S)
        found: dict[str, str] = {}
        async for part in parts:
            for row in part.lists:
                found.setdefault(row.id, "")
            for item in part.items:
                found[item.list_id] += item.id
        return found


@pytest.fixture
async def door(stack: RunningStack) -> AsyncIterator[Door]:
    state = json.loads((stack.data / "stack.json").read_text())
    password = load_or_make(stack.data / "secrets.json").bus[MCP_BRIDGE.user]
    settings = BusSettings(state["nats_url"], MCP_BRIDGE.user, password, MCP_BRIDGE.inbox_prefix, MCP_BRIDGE.user)
    async with NatsBus.connected_to(settings) as bus:
        yield Door(bus, uuid7())


MOVES: dict[str, tuple[MoveItem, dict[str, str]]] = {
    "to the front of its list": (MoveItem(item_id="c", list_id="l1", first=True), {"l1": "cab"}),
    "to the end of its list": (MoveItem(item_id="a", list_id="l1"), {"l1": "bca"}),
    "behind another in its list": (MoveItem(item_id="a", list_id="l1", after_id="b"), {"l1": "bac"}),
    "back behind the one before": (MoveItem(item_id="c", list_id="l1", after_id="a"), {"l1": "acb"}),
    "to the front of another": (MoveItem(item_id="b", list_id="l2", first=True), {"l1": "ac", "l2": "bxy"}),
    "behind an item of another": (MoveItem(item_id="b", list_id="l2", after_id="x"), {"l1": "ac", "l2": "xby"}),
    "behind the last of another": (MoveItem(item_id="b", list_id="l2", after_id="y"), {"l1": "ac", "l2": "xyb"}),
    "to the end of another": (MoveItem(item_id="b", list_id="l2"), {"l1": "ac", "l2": "xyb"}),
    "to the front of an empty one": (MoveItem(item_id="b", list_id="l3", first=True), {"l1": "ac", "l3": "b"}),
    "to an empty one": (MoveItem(item_id="b", list_id="l3"), {"l1": "ac", "l3": "b"}),
}


@pytest.mark.parametrize("name", MOVES)
async def test_a_move_is_confirmed_keeps_the_id_and_can_be_taken_back(door: Door, name: str) -> None:
    move, moved = MOVES[name]
    await door.confirmed(*SETUP)
    before = await door.orders()
    done = await door.confirmed(move)
    assert await door.orders() == before | moved
    assert done.receipt.change_id is not None
    undone = await door.confirmed(UndoChange(change_id=done.receipt.change_id))
    assert undone.text.startswith("Took the change back.")
    assert await door.orders() == before


async def test_moves_one_after_another_in_one_run_end_where_each_was_sent(door: Door) -> None:
    await door.confirmed(*SETUP)
    await door.confirmed(
        MoveItem(item_id="a", list_id="l2", first=True),
        MoveItem(item_id="y", list_id="l1", after_id="b"),
        MoveItem(item_id="c", list_id="l2", after_id="a"),
        MoveItem(item_id="b", list_id="l3"),
    )
    assert await door.orders() == {"l1": "y", "l2": "acx", "l3": "b"}


async def test_a_move_to_where_it_stands_is_so_already(door: Door) -> None:
    await door.confirmed(*SETUP)
    for move in (MoveItem(item_id="c", list_id="l1"), MoveItem(item_id="b", list_id="l1", after_id="a")):
        assert (await door.run(move)).outcome is Outcome.ALREADY_SO


async def test_a_deleted_list_comes_back_whole_and_goes_again(door: Door) -> None:
    await door.confirmed(*SETUP)
    before = await door.orders()
    deleted = await door.confirmed(DeleteList(list_id="l1"))
    assert deleted.receipt.change_id is not None
    undone = await door.confirmed(UndoChange(change_id=deleted.receipt.change_id))
    assert await door.orders() == before
    again = await door.run(UndoChange(change_id=deleted.receipt.change_id))
    assert again.outcome is Outcome.ALREADY_SO
    assert undone.receipt.change_id is not None
    await door.confirmed(UndoChange(change_id=undone.receipt.change_id))
    assert await door.orders() == {"l2": "xy", "l3": ""}
    unknown = await door.run(UndoChange(change_id="cnever"))
    assert (unknown.outcome, unknown.reason) == (Outcome.NOT_FOUND, "unknown_change")


async def test_undo_in_the_chat_takes_the_newest_change_back_and_undo_again_makes_it_again(stack: RunningStack) -> None:
    async with AgentClient.connect(stack.url) as client:
        await client.ask("create a list called Undoing")
        await client.ask("add thimble to Undoing")
        undone = await client.ask("undo")
        assert (undone.outcome, undone.receipt.verdict) == (Outcome.CONFIRMED, Verdict.CONFIRMED)
        assert undone.text == "Took the change back. Deleted “thimble” from “Undoing”."
        assert undone.receipt.understood == ("take back: Added “thimble” to “Undoing”.",)
        again = await client.ask("undo")
        assert again.text == "Took the change back. Added “thimble” to “Undoing”."


async def test_a_forgotten_owner_has_nothing_left_and_can_begin_anew(stack: RunningStack, door: Door) -> None:
    await door.confirmed(*SETUP)
    forget = ("forget", "--issuer", "test", "--owner", door.name, "--data", str(stack.data))
    assert await todo_agent(*forget) == (
        0,
        "erased 3 lists, 5 items, 1 changes, 8 images, 1 turns, 0 aliases, 0 questions\n",
        "",
    )
    assert await door.orders() == {}
    assert await todo_agent(*forget) == (
        0,
        "erased 0 lists, 0 items, 0 changes, 0 images, 0 turns, 0 aliases, 0 questions\n",
        "",
    )
    await door.confirmed(*SETUP)


async def test_forgetting_where_no_stack_runs_is_one_line_and_status_1(tmp_path: Path) -> None:
    status, _, said = await todo_agent("forget", "--owner", "me", "--data", str(tmp_path))
    assert (status, len(said.splitlines()), "no stack runs" in said) == (1, 1, True)


async def todo_agent(*arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local_stack", *arguments, stdout=PIPE, stderr=PIPE
    )
    out, said = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    return process.returncode, out.decode(), said.decode()


async def behind_the_journal(stack: RunningStack, statement: str, owner: str) -> None:
    """Run a statement with the items' triggers off, as only the tables' owner can."""
    console = await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))
    try:
        async with console.transaction():
            await console.execute("ALTER TABLE todo_items DISABLE TRIGGER USER")
            assert await console.execute(statement, owner) == "UPDATE 1"
            await console.execute("ALTER TABLE todo_items ENABLE TRIGGER USER")
    finally:
        await console.close()


async def test_agents_that_remember_the_rows_see_what_was_written_behind_the_journal(
    door: Door, stack: RunningStack
) -> None:
    await door.confirmed(*SETUP)
    for number in range(8):  # both agents have read the rows
        await door.confirmed(CompleteItem(item_id="a", done=number % 2 == 0))
    statement = "UPDATE todo_items SET title = 'tampered' WHERE owner_key = $1 AND id = 'b'"
    await behind_the_journal(stack, statement, door.owner)
    for number in range(4):
        done = await door.confirmed(CompleteItem(item_id="b", done=number % 2 == 0))
        assert "tampered" in done.text
        assert done.receipt.others.changes == ()
    await behind_the_journal(
        stack, "UPDATE todo_items SET deleted_at = now() WHERE owner_key = $1 AND id = 'c'", door.owner
    )
    for _ in range(4):
        assert (await door.run(CompleteItem(item_id="c"))).outcome is Outcome.NOT_FOUND


async def test_agents_that_remember_the_rows_refute_a_write_that_the_database_drops(
    door: Door, stack: RunningStack
) -> None:
    await door.confirmed(*SETUP)
    for number in range(8):
        await door.confirmed(CompleteItem(item_id="a", done=number % 2 == 0))
    console = await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))
    try:
        await console.execute(
            "CREATE FUNCTION drop_writes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
        )
        await console.execute(
            "CREATE TRIGGER drop_writes BEFORE UPDATE ON todo_items FOR EACH ROW "
            f"WHEN (OLD.owner_key = '{door.owner}') EXECUTE FUNCTION drop_writes()"
        )
        for _ in range(4):
            assert (await door.run(CompleteItem(item_id="b"))).outcome is Outcome.REFUTED
    finally:
        await console.execute("DROP FUNCTION IF EXISTS drop_writes CASCADE")
        await console.close()
    await door.confirmed(CompleteItem(item_id="b"))
