"""The way to the bus: found when the stack starts, lost and found again, told in words while there is none."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus.errors import BusLostError, UnavailableError
from bus.interface import Bus
from bus.memory_bus import MemoryBus
from mcp_bridge.link import Link, LocalStack, NoStackError

BOUND_S = 5


class Stack:
    """A bus that can be started and stopped."""

    def __init__(self) -> None:
        self.runs = False
        self.stopped = asyncio.Event()
        self.connections = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Bus]:
        if not self.runs:
            raise NoStackError
        self.connections += 1
        block = asyncio.current_task()
        assert block is not None
        watching = asyncio.create_task(self.stopped.wait())
        watching.add_done_callback(lambda _: block.cancel())
        try:
            yield MemoryBus()
        except asyncio.CancelledError:
            if self.stopped.is_set():
                self.stopped.clear()
                block.uncancel()
                raise BusLostError(1) from None
            raise
        finally:
            watching.cancel()


@pytest.fixture
async def stack() -> Stack:
    return Stack()


@pytest.fixture
async def link(stack: Stack) -> AsyncIterator[Link]:
    link = Link(stack.connect)
    running = asyncio.create_task(link.run())
    yield link
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def bus_of(link: Link) -> Bus:
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                return await link.bus(BOUND_S)
            except NoStackError:
                await asyncio.sleep(0.01)


async def test_without_a_stack_it_says_at_once_how_to_start_one(link: Link) -> None:
    with pytest.raises(NoStackError) as caught:
        await link.bus(BOUND_S)
    assert caught.value.problem.detail.endswith("start it with: todo-agent up")


async def test_a_stack_that_is_started_later_is_found_and_one_that_is_started_anew_too(
    link: Link, stack: Stack
) -> None:
    heard: list[Bus] = []
    link.on_bus(heard.append)
    stack.runs = True
    first = await bus_of(link)
    stack.stopped.set()
    async with asyncio.timeout(BOUND_S):
        while len(heard) < 2:  # noqa: ASYNC110 - nobody tells a test
            await asyncio.sleep(0.01)
    second = await bus_of(link)
    assert first is not second
    assert heard == [first, second]


async def test_who_comes_later_hears_of_the_bus_that_is_there(link: Link, stack: Stack) -> None:
    stack.runs = True
    bus = await bus_of(link)
    heard: list[Bus] = []
    link.on_bus(heard.append)
    assert heard == [bus]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "no to-do stack is running"),
        ("{", "cannot be read; start the stack anew"),
        ("[]", "cannot be read; start the stack anew"),
        ('{"nats_url": "nats://127.0.0.1:1"}', "cannot be read; start the stack anew"),
    ],
)
async def test_a_stacks_file_that_is_missing_or_broken_is_told_in_words(
    tmp_path: Path, content: str | None, error: str
) -> None:
    path = tmp_path / "mcp.json"
    if content is not None:
        path.write_text(content)
    stack = LocalStack(path, "test")
    with pytest.raises(UnavailableError) as caught:
        stack.owner()
    assert error in caught.value.problem.detail
    with pytest.raises(UnavailableError):
        async with stack.connect():
            pass


async def test_the_owner_is_the_one_that_the_stack_names(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    stack = LocalStack(path, "test")
    owners = []
    for name in ("me", "anna", "me"):
        path.write_text(json.dumps({"nats_url": "u", "nats_password": "p", "local_owner": name}))
        owners.append(stack.owner())
    assert owners[0] == owners[2] != owners[1]
