"""Turns of an owner with ten thousand items beside those of one with ten: one run, one stack, taking turns.

The ratio counts; milliseconds depend on the machine and on what else it
does. Measured on the bus, from the stored start to `completed`: the channel to a page is the same for every owner.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bench.figures import Figure, table
from bus.interface import Event
from bus.nats_bus import BusSettings, NatsBus
from contracts import subjects
from contracts.operations import CreateItem, CreateList, Operation
from contracts.permissions import RTC_GATEWAY
from contracts.todo import Author
from contracts.tokens import new_item_id, new_list_id, new_session_id, owner_key, uuid7
from contracts.turns import OperationsCompleted, Outcome, RunOperations, TurnCompleted, TurnStarted
from local_stack.passwords import load_or_make
from local_stack.temporary import RunningStack

LARGE: Final = (50, 200)
"""Lists, and items in each."""
SMALL: Final = (1, 10)
WARM_UP: Final = 8
ROUNDS: Final = 60
BATCH: Final = 400
TIMEOUT_S: Final = 60.0
PARTS: Final = ("plan", "execute", "confirm")


@dataclass
class Owner:
    """One owner as a gateway serves them, and what their turns took, in milliseconds."""

    bus: NatsBus
    size: str
    owner: str = field(default_factory=lambda: owner_key("bench", uuid7()))
    session: str = field(default_factory=new_session_id)
    completed: asyncio.Queue[TurnCompleted] = field(default_factory=lambda: asyncio.Queue(1))
    overheads: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PARTS})

    async def fill(self, lists: int, items: int) -> None:
        """Make the lists with their items."""
        made = [CreateList(list_id=new_list_id(), name=f"Folder {number}") for number in range(lists)]
        inside = [
            CreateItem(item_id=new_item_id(), list_id=row.list_id, title=f"errand {number} of {row.name}")
            for row in made
            for number in range(items)
        ]
        operations: list[Operation] = [*made, *inside]
        for start in range(0, len(operations), BATCH):
            asked = RunOperations(
                owner=self.owner,
                operation_id=uuid7(),
                author=Author.BOARD,
                operations=tuple(operations[start : start + BATCH]),
            )
            done = await self.bus.request(subjects.OPS_RUN, asked, OperationsCompleted, timeout=TIMEOUT_S)
            _expect_confirmed(done.outcome, done.text)

    async def hear(self, event: Event) -> None:
        if event.subject.endswith(".completed"):
            await self.completed.put(TurnCompleted.from_json(event.data))

    async def turn(self, number: int) -> None:
        """One turn, kept once the owner is warm."""
        turn = TurnStarted(
            session=self.session,
            turn_id=uuid7(),
            owner=self.owner,
            text=f"add thing {number} to Folder 0",
            accepted_at=datetime.now(UTC),
        )
        started = time.perf_counter()
        await self.bus.store(subjects.turn_started(turn.session, turn.turn_id), turn)
        async with asyncio.timeout(TIMEOUT_S):
            completed = await self.completed.get()
        took = (time.perf_counter() - started) * 1000
        _expect_confirmed(completed.outcome, completed.text)
        if number < WARM_UP:
            return
        timings = completed.receipt.timings
        model = timings.model or 0
        self.overheads.append(took - model)
        for name, samples in self.parts.items():
            samples.append((getattr(timings, name) or 0) - (model if name == "plan" else 0))


def _expect_confirmed(outcome: Outcome, text: str) -> None:
    if outcome is not Outcome.CONFIRMED:
        raise SystemExit(f"a step of the bench ended as {outcome}: {text}")


@asynccontextmanager
async def gateways_bus(stack: RunningStack) -> AsyncIterator[NatsBus]:
    """The bus with what a gateway may do there."""
    state = json.loads((stack.data / "stack.json").read_text())
    password = load_or_make(stack.data / "secrets.json").bus[RTC_GATEWAY.user]
    settings = BusSettings(state["nats_url"], RTC_GATEWAY.user, password, RTC_GATEWAY.inbox_prefix, RTC_GATEWAY.user)
    async with NatsBus.connected_to(settings) as bus:
        yield bus


async def large_owner(stack: RunningStack) -> str:
    """The table of both owners, and how many times the small one's turn the large one's is."""
    async with gateways_bus(stack) as bus:
        owners = [Owner(bus, "10 items"), Owner(bus, "10,000 items")]
        for owner, size in zip(owners, (SMALL, LARGE), strict=True):
            await owner.fill(*size)
            await bus.subscribe(subjects.live_of_session(owner.session), owner.hear)
        for number in range(WARM_UP + ROUNDS):
            for owner in owners:
                await owner.turn(number)
    rows = []
    for owner in owners:
        rows.append(Figure(f"turn of an owner with {owner.size}, without the model", tuple(owner.overheads)).row())
        rows += [Figure(f"of it {name.upper()}", tuple(owner.parts[name])).row() for name in PARTS]
    small, large = (Figure("", tuple(owner.overheads)).p50 for owner in owners)
    return f"{table('Large owners', rows)}\n\nWith 10,000 items a turn takes {large / small:.2f} times as long."
