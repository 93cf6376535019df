"""`todo-agent up` to its `ready` line, on data that is there already."""

import time

from bench.figures import Figure, table
from local_stack.temporary import running_stack, temporary_directory

ROUNDS = 5
GOAL_MS = 5000


async def startup() -> str:
    """The table of warm starts, one agent, one gateway, one store."""
    samples: list[float] = []
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin"):
            pass
        for _ in range(ROUNDS):
            started = time.perf_counter()
            async with running_stack(directory, "--standin"):
                samples.append((time.perf_counter() - started) * 1000)
    figure = Figure("todo-agent up, warm", tuple(samples))
    return table("Start", [figure.row(f"goal: {GOAL_MS} ms")])
