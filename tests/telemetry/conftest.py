"""The whole stack, and a receiver of what it exports."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
from tests.resume.model import HeldModel, held_model

from local_stack.temporary import RunningStack, running_stack, temporary_directory

from .receiver import Receiver, receiving
from .trees import Received, Tree, faults

SCALE = ("--scale", "agent=2,rtc-gateway=2")
CRASH = "agent-1:before_plan"
"""One agent dies once, over the first turn that it gets, as it is about to plan it."""


@dataclass
class Traced:
    """A stack that exports to a receiver."""

    stack: RunningStack
    model: HeldModel
    receiver: Receiver
    running: AsyncExitStack

    async def tree(self, trace_id: str | None, *, once: Callable[[Tree], bool]) -> Tree:
        """The trace, as soon as it is whole and `once` holds of it. Fails with what is wrong with it."""
        assert trace_id is not None

        def whole() -> bool:
            spans = self.receiver.of_trace(trace_id)
            return bool(spans) and not faults(spans) and once(Tree(spans))

        try:
            await self.receiver.until(whole)
        except TimeoutError:
            spans = self.receiver.of_trace(trace_id)
            tree = Tree(spans)
            found = faults(spans) or ["it is whole, but not what was waited for"]
            pytest.fail("\n".join([*found, *sorted(" > ".join(tree.path(span)) for span in spans)]))
        return Tree(self.receiver.of_trace(trace_id))

    def traces(self) -> dict[str, list[Received]]:
        """All that came, by trace."""
        found = defaultdict(list)
        for span in self.receiver.spans:
            found[span.trace_id].append(span)
        return found

    async def stop(self) -> None:
        """Stop the stack; each of its processes sends what it still holds."""
        await self.running.aclose()


@pytest.fixture(scope="module")
async def traced() -> AsyncIterator[Traced]:
    """One of the agents dies, once."""
    async with running_traced(CRASH) as running:
        yield running


@asynccontextmanager
async def running_traced(crash_at: str) -> AsyncIterator[Traced]:
    """Two agents and two gateways with the stand-in."""
    with temporary_directory() as directory:
        async with receiving() as receiver, held_model() as model, AsyncExitStack() as running:
            environ = {**receiver.environ, "OTEL_METRICS_EXPORTER": "none", "CRASH_AT": crash_at}
            arguments = ("--model-url", model.url, *SCALE)
            stack = await running.enter_async_context(running_stack(directory, *arguments, environ=environ))
            yield Traced(stack, model, receiver, running)
