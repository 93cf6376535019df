"""Clients on WebRTC stacks that nobody here wrote complete turns: one in JavaScript, one in C++."""

import asyncio
import json
import os
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from client import AgentClient
from contracts.operations import CreateItem, CreateList
from contracts.tokens import new_item_id, new_list_id
from local_stack.temporary import RunningStack

HERE: Final = Path(__file__).parent
BOUND_S: Final = 60.0
MANY: Final = 200  # items, whose list does not fit into one frame


@pytest.fixture(scope="module")
def node() -> str:
    """Node with the libraries. Without them the tests are skipped by name, and fail where CI=true."""
    executable = shutil.which("node")
    reason = None if executable else "Node is not installed"
    if not (HERE / "node_modules").is_dir():
        reason = "its libraries are not installed: make tests/foreign_client/node_modules"
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if executable is None or reason:
        pytest.skip(reason or "")
    return executable


async def told_by(node: str, library: str, stack: RunningStack, *sentences: str) -> dict[str, Any]:
    """What a client on `library` is told when it asks these."""
    arguments = (str(HERE / "client.mjs"), library, f"ws://{urlsplit(stack.url).netloc}/ai/ws", *sentences)
    process = await asyncio.create_subprocess_exec(node, *arguments, stdout=PIPE, stderr=PIPE)
    try:
        out, errors = await asyncio.wait_for(process.communicate(), BOUND_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, errors.decode()
    told: dict[str, Any] = json.loads(out)
    return told


async def rows(stack: RunningStack, list_name: str) -> list[str]:
    """The titles of a list's living items, as PostgreSQL has them."""
    database = await asyncpg.connect(stack.database_url)
    try:
        found = await database.fetch(
            "SELECT i.title FROM todo_items i JOIN todo_lists l ON l.owner_key = i.owner_key AND l.id = i.list_id "
            "WHERE l.name = $1 AND l.deleted_at IS NULL AND i.deleted_at IS NULL "
            'ORDER BY i.position COLLATE "C", i.id',
            list_name,
        )
    finally:
        await database.close()
    return [row["title"] for row in found]


@pytest.mark.parametrize("library", ["werift", "node-datachannel"])
async def test_turns_of_a_foreign_client_are_confirmed_and_its_board_is_what_the_database_holds(
    node: str, stack: RunningStack, library: str
) -> None:
    name = f"Brought by {library}"
    async with AgentClient.connect(stack.url) as ours:
        long = CreateList(list_id=new_list_id(), name=f"Long for {library}")
        items = (CreateItem(item_id=new_item_id(), list_id=long.list_id, title=f"thing {n}") for n in range(MANY))
        await ours.run([long, *items])

    told = await told_by(node, library, stack, f"create a list called {name}", f"add rye and oats to {name}")

    created, added = told["turns"]
    for turn in (created, added):
        assert (turn["outcome"], turn["verdict"]) == ("confirmed", "confirmed")
        assert turn["phases"] == ["plan", "execute", "confirm"]
    assert created["said"] == f"Created the list “{name}”."
    assert added["said"] == f"Added “rye” and “oats” to “{name}”."
    assert told["board"][name] == await rows(stack, name) == ["rye", "oats"]
    assert told["board"][long.name] == await rows(stack, long.name) == [f"thing {n}" for n in range(MANY)]
