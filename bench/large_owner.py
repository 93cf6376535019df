"""Turns of an owner with ten thousand items beside those of one with ten, in one run, taking turns.

`python -m bench.large_owner` runs a stack of its own and prints the table. The ratio counts; milliseconds depend on the
machine and on what else it does.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from bench.figures import Figure, table
from client import AgentClient
from contracts.operations import CreateItem, CreateList, Operation
from contracts.tokens import new_item_id, new_list_id
from contracts.turns import Outcome
from local_stack.temporary import running_stack, temporary_directory

LARGE: Final = (50, 200)
"""Lists, and items in each."""
SMALL: Final = (1, 10)
WARM_UP: Final = 5
ROUNDS: Final = 60
BATCH: Final = 400
PARTS: Final = ("plan", "execute", "confirm")


@dataclass
class Owner:
    """One owner's connection and what their turns took, in milliseconds."""

    client: AgentClient
    size: str
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
            done = await self.client.run(operations[start : start + BATCH])
            if done.outcome is not Outcome.CONFIRMED:
                raise SystemExit(f"filling an owner of the bench ended as {done.outcome}: {done.text}")

    async def turn(self, number: int) -> None:
        """One turn, kept once the owner is warm."""
        started = time.perf_counter()
        completed = await self.client.ask(f"add thing {number} to Folder 0")
        took = (time.perf_counter() - started) * 1000
        if completed.outcome is not Outcome.CONFIRMED:
            raise SystemExit(f"a turn of the bench ended as {completed.outcome}: {completed.text}")
        if number < WARM_UP:
            return
        timings = completed.receipt.timings
        model = timings.model or 0
        self.overheads.append(took - model)
        for name, samples in self.parts.items():
            samples.append((getattr(timings, name) or 0) - (model if name == "plan" else 0))
