"""A stack to kill gateways of: two of them, two agents, and a model that answers when it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from client import AgentClient
from contracts.streams import CHAT
from local_stack.directory import DataDirectory
from local_stack.temporary import RunningStack, running_stack, temporary_directory

from ..chaos.collect import stored
from .model import HeldModel, held_model

STACK = ("--scale", "agent=2,rtc-gateway=2", "--deaths", "1000")
DRAIN_S = "8"
"""A stack's own gateways do not wait for their sessions: it stops as a whole, and these have nowhere to go."""


@dataclass
class World:
    stack: RunningStack
    directory: DataDirectory
    model: HeldModel

    async def changes(self, operation_id: str) -> int:
        """How often something was done under this id."""
        database = await asyncpg.connect(self.stack.database_url)
        try:
            found: int = await database.fetchval("SELECT count(*) FROM changes WHERE operation_id = $1", operation_id)
        finally:
            await database.close()
        return found

    async def partition(self, client: AgentClient) -> str:
        """Of a session that has asked something: turns of one partition wait for each other."""
        for message in (await stored(self.directory, CHAT))[CHAT]:
            tree, _, partition, session, *_ = message.subject.split(".")
            if tree == "job" and session == client.ready.session:
                return partition
        raise AssertionError("nothing was asked in this session")


@asynccontextmanager
async def running_world() -> AsyncIterator[World]:
    with temporary_directory() as directory:
        async with (
            held_model() as model,
            running_stack(directory, "--model-url", model.url, *STACK, environ={"DRAIN_S": DRAIN_S}) as stack,
        ):
            yield World(stack, directory, model)
