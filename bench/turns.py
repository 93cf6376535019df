"""What a turn costs beside the model: from the client's send to `completed`, less the time of the model's call."""

import time

from bench.figures import Figure, table
from client import AgentClient
from contracts.turns import Outcome
from local_stack.temporary import RunningStack

WARM_UP = 10
ROUNDS = 100


async def turns(stack: RunningStack) -> str:
    """The table of turns with a model that answers at once."""
    overheads: list[float] = []
    parts: dict[str, list[float]] = {"plan": [], "model": [], "execute": [], "confirm": []}
    async with AgentClient.connect(stack.url) as client:
        await client.ask("create a list called Bench")
        for number in range(WARM_UP + ROUNDS):
            started = time.perf_counter()
            completed = await client.ask(f"add thing {number} to Bench")
            took = (time.perf_counter() - started) * 1000
            if completed.outcome is not Outcome.CONFIRMED:
                raise SystemExit(f"a turn of the bench ended as {completed.outcome}: {completed.text}")
            if number < WARM_UP:
                continue
            timings = completed.receipt.timings
            overheads.append(took - (timings.model or 0))
            for name, samples in parts.items():
                samples.append(getattr(timings, name) or 0)
        await client.ask("yes, delete the list Bench")
    rows = [
        Figure("turn without the model's call, client to client", tuple(overheads)).row(
            "one change, everything synced"
        ),
        Figure("of it PLAN (with the model's call)", tuple(parts["plan"])).row("snapshot, prompt, checks"),
        Figure("of it EXECUTE", tuple(parts["execute"])).row(),
        Figure("of it CONFIRM", tuple(parts["confirm"])).row(),
        Figure("the stand-in's answer", tuple(parts["model"])).row("not counted above"),
    ]
    return table("A turn, with a model of 0 ms", rows)
