"""Verified operations a second through `rpc.ops.v1.run`, beside the same rows written by bare asyncpg, in turns.

Ours: the rows are read, the change is foreseen, applied in one transaction, read again and compared. Theirs: the same
transaction by hand on the same PostgreSQL, as many connections as operations at once, nothing read and nothing checked.
Every operation adds an item. Owners are new in each round, so that none has more than a round's items.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from bench.figures import rates
from bus.nats_bus import BusSettings, NatsBus
from contracts import subjects
from contracts.operations import CreateItem, CreateList, Operation
from contracts.permissions import MCP_BRIDGE
from contracts.todo import Author
from contracts.tokens import new_change_id, new_item_id, owner_key, uuid7
from contracts.turns import OperationsCompleted, RunOperations, Verdict
from local_stack.passwords import load_or_make
from local_stack.temporary import RunningStack

ROUNDS: Final = 5
LIST: Final = "bench"
TIMEOUT_S: Final = 30.0
# Operations at once, and how many in one round.
LOADS: Final = ((1, 40), (8, 160), (32, 320))
POSITION: Final = "a{:08d}"

LOCK: Final = "SELECT revision FROM owners WHERE owner_key = $1 FOR UPDATE"
JOURNAL: Final = """
WITH risen AS (UPDATE owners SET revision = $2 WHERE owner_key = $1)
INSERT INTO changes (owner_key, revision, change_id, operation_id, author, published_at)
VALUES ($1, $2, $3, $4, 'mcp', now())
RETURNING set_config('todo.owner', owner_key, true), set_config('todo.revision', revision::text, true)
"""
ITEM: Final = "INSERT INTO todo_items (owner_key, id, list_id, title, position) VALUES ($1, $2, $3, $4, $5)"
TURN: Final = """
INSERT INTO turns (owner_key, operation_id, plan_hash, outcome, result) VALUES ($1, $2, $3, 'applied', $4::jsonb)
"""

Act = Callable[[str, int], Awaitable[None]]
"""Adds one item, the n-th of its round, to an owner."""


class Ours:
    """The bus as mcp-bridge has it."""

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus

    async def run(self, owner: str, *operations: Operation) -> str:
        """Run operations, and return their id. Raises SystemExit where they are not confirmed."""
        asked = RunOperations(owner=owner, operation_id=uuid7(), author=Author.MCP, operations=operations)
        done = await self._bus.request(subjects.OPS_RUN, asked, OperationsCompleted, timeout=TIMEOUT_S)
        if done.receipt.verdict is not Verdict.CONFIRMED:
            raise SystemExit(f"an operation of the bench ended as {done.outcome}: {done.text}")
        return asked.operation_id

    async def add(self, owner: str, number: int) -> None:
        await self.run(owner, CreateItem(item_id=new_item_id(), list_id=LIST, title=f"thing {number}"))


class Theirs:
    """asyncpg, and nothing else. `result` is what our store recorded of one, so that theirs is as long."""

    def __init__(self, pool: asyncpg.Pool, result: str, plan_hash: str) -> None:
        self._pool = pool
        self._result = result
        self._plan_hash = plan_hash

    async def add(self, owner: str, number: int) -> None:
        operation = uuid7()
        async with self._pool.acquire() as connection, connection.transaction():
            revision: int = await connection.fetchval(LOCK, owner) + 1
            await connection.execute(JOURNAL, owner, revision, new_change_id(), operation)
            place = POSITION.format(number)
            await connection.execute(ITEM, owner, new_item_id(), LIST, f"thing {number}", place)
            await connection.execute(TURN, owner, operation, self._plan_hash, self._result)


@dataclass
class Load:
    """So many operations at once, each in its own owner or all in one, and the rates that were reached."""

    at_once: int
    count: int
    one_owner: bool
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)  # milliseconds, of ours

    def row(self) -> str:
        who = "one owner" if self.one_owner and self.at_once > 1 else "an owner each" if self.at_once > 1 else ""
        ours, theirs = statistics.median(self.ours), statistics.median(self.theirs)
        cells = (f"{self.at_once} at once{who and ', '}{who}", f"{ours:.0f}", f"{theirs:.0f}", f"{ours / theirs:.2f}",
                 f"{statistics.median(self.waited):.1f}", len(self.waited))  # fmt: skip
        return "| " + " | ".join(str(cell) for cell in cells) + " |"


async def operations(stack: RunningStack) -> str:
    """The table of rates."""
    settings = BusSettings(
        url=json.loads((stack.data / "stack.json").read_text())["nats_url"],
        user=MCP_BRIDGE.user,
        password=load_or_make(stack.data / "secrets.json").bus[MCP_BRIDGE.user],
        inbox_prefix=MCP_BRIDGE.inbox_prefix,
        name="bench",
    )
    dsn = stack.database_url.replace("postgresql+asyncpg", "postgresql")
    most = max(at_once for at_once, _ in LOADS)
    async with NatsBus.connected_to(settings) as bus, asyncpg.create_pool(dsn, min_size=most, max_size=most) as pool:
        return await _measured(Ours(bus), pool)


async def _measured(ours: Ours, pool: asyncpg.Pool) -> str:
    like = await _an_owner(ours)
    operation = await ours.run(like, CreateItem(item_id=new_item_id(), list_id=LIST, title="thing 1"))
    found = await pool.fetchrow("SELECT result::text, plan_hash FROM turns WHERE operation_id = $1", operation)
    if found is None:
        raise SystemExit("an operation that was confirmed is not in the database")
    theirs = Theirs(pool, found["result"], found["plan_hash"])
    loads = [Load(at_once, count, one_owner=False) for at_once, count in LOADS]
    loads += [Load(at_once, count, one_owner=True) for at_once, count in LOADS[1:]]
    for number in range(1 + ROUNDS):
        for load in loads:
            rate, waited = await _round(load, ours, ours.add)
            bare_rate, _ = await _round(load, ours, theirs.add)
            if number > 0:
                load.ours.append(rate)
                load.theirs.append(bare_rate)
                load.waited.extend(waited)
    return rates("Verified operations a second, two agents and two stores", [load.row() for load in loads])


async def _round(load: Load, ours: Ours, act: Act) -> tuple[float, list[float]]:
    """Operations a second, and how many milliseconds each took."""
    owners = [await _an_owner(ours) for _ in range(1 if load.one_owner else load.at_once)]
    numbers = iter(range(load.count))
    waited: list[float] = []

    async def keep_asking(owner: str) -> None:
        for number in numbers:
            since = time.perf_counter()
            await act(owner, number)
            waited.append((time.perf_counter() - since) * 1000)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for place in range(load.at_once):
            group.create_task(keep_asking(owners[place % len(owners)]))
    return load.count / (time.perf_counter() - started), waited


async def _an_owner(ours: Ours) -> str:
    """A new one with an empty list."""
    owner = owner_key("bench", uuid7())
    await ours.run(owner, CreateList(list_id=LIST, name="Bench"))
    return owner
