"""NATS dies under the whole stack: an open board equals the database again, and turns are told their outcomes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import asyncpg
import psutil
import pytest

from client import AgentClient, Lists, Rejected, TimedOut
from contracts.operations import CreateItem, CreateList, Operation
from contracts.tokens import uuid7
from contracts.turns import Outcome, TurnCompleted
from local_stack.temporary import RunningStack, running_stack, temporary_directory

CURRENT_S = 40.0  # the periodic look, its spread, one failure and the reading; a busy machine
ITEMS = 40


@pytest.fixture
async def own_stack() -> AsyncIterator[RunningStack]:
    """A stack that may be hurt."""
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2") as running:
            yield running


def kill_nats(stack: RunningStack) -> None:
    """The supervisor starts it again, on its port and with its streams."""
    children = psutil.Process(stack.pid).children(recursive=True)
    (server,) = [child for child in children if child.name() == "nats-server"]
    server.kill()


async def until_taken(client: AgentClient, *operations: Operation) -> None:
    """Run them, again and again under one id while nobody can tell or take them."""
    operation_id = uuid7()
    while True:
        try:
            done = await client.run(operations, operation_id=operation_id)
        except (Rejected, TimedOut):
            continue
        assert done.outcome in {Outcome.CONFIRMED, Outcome.ALREADY_SO}, done
        return


async def in_database(stack: RunningStack) -> tuple[int, list[str]]:
    database = await asyncpg.connect(stack.database_url)
    try:
        revision = await database.fetchval("SELECT max(revision) FROM owners")
        rows = await database.fetch(
            'SELECT title FROM todo_items WHERE deleted_at IS NULL ORDER BY list_id, position COLLATE "C", id'
        )
    finally:
        await database.close()
    return revision, [row["title"] for row in rows]


async def until_current(stack: RunningStack, board: AsyncGenerator[Lists]) -> None:
    revision, titles = await in_database(stack)
    shown = await anext(board)
    while shown.revision < revision:
        shown = await anext(board)
    assert [item.title for _, items in shown.lists for item in items] == titles


async def test_nats_is_killed_twice_under_an_open_board_while_another_client_changes_it(
    own_stack: RunningStack,
) -> None:
    async with (
        AgentClient.connect(own_stack.url) as reader,
        AgentClient.connect(own_stack.url) as writer,
        aclosing(reader.board()) as board,
    ):
        await writer.run([CreateList(list_id="l1", name="Groceries")])
        await anext(board)
        for number in range(ITEMS):
            if number % 20 == 10:
                kill_nats(own_stack)
            await until_taken(writer, CreateItem(item_id=f"i{number}", list_id="l1", title=f"item {number}"))
        _, titles = await in_database(own_stack)
        assert sorted(titles) == sorted(f"item {number}" for number in range(ITEMS))
        async with asyncio.timeout(CURRENT_S):
            await until_current(own_stack, board)


async def test_turns_that_are_under_way_when_nats_dies_are_told_their_outcome(own_stack: RunningStack) -> None:
    begun = asyncio.Event()
    async with AgentClient.connect(own_stack.url) as client:
        await client.ask("create a list called Groceries")

        async def ask(title: str) -> TurnCompleted:
            turn_id = uuid7()
            while True:
                try:
                    text = f"add {title} to Groceries"
                    return await client.ask(text, turn_id=turn_id, timeout=100, on_phase=lambda _: begun.set())
                except Rejected:
                    continue

        asked = [asyncio.ensure_future(ask(title)) for title in ("milk", "eggs", "tea", "bread", "salt", "rice")]
        await begun.wait()
        kill_nats(own_stack)
        async with asyncio.timeout(100):
            outcomes = await asyncio.gather(*asked)
    # A server that is killed may forget that it delivered a turn, so that two agents have it: the one that finds the
    # other's effect there must not say that it was so already.
    assert {outcome.outcome for outcome in outcomes} == {Outcome.CONFIRMED}
    assert sorted((await in_database(own_stack))[1]) == ["bread", "eggs", "milk", "rice", "salt", "tea"]
