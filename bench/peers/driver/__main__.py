"""`python -m bench.peers.driver PEER MODEL_URL`: plays turns of one peer, as told on stdin, until that ends.

Where PEERS_NATS_URL is set, with PEERS_NATS_USER, PEERS_NATS_PASSWORD and PEERS_NATS_INBOX, it can use our store.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TextIO

from nats.aio.client import Client

from bench.peers.driver.desk import Agent, Desk
from bench.peers.driver.stores import MemoryStore, NatsStore, Store

PEERS = {
    "react": "react",
    "pydantic-ai": "with_pydantic_ai",
    "openai-agents": "with_openai_agents",
    "langchain": "with_langchain",
    "smolagents": "with_smolagents",
}
MODEL = "stand-in-for-qwen2.5"
LINE_MAX_BYTES = 1024 * 1024


class Driver:
    """One peer, bare and guarded."""

    def __init__(self, peer: str, url: str, client: Client, answers: TextIO) -> None:
        self._desk = Desk()
        make = importlib.import_module(f"bench.peers.driver.{PEERS[peer]}").Agent
        self._agents: dict[bool, Agent] = {
            guard: make(self._desk, MODEL, f"{url}/v1", guard=guard) for guard in (False, True)
        }
        self._client = client
        self._answers = answers
        self._memory = MemoryStore([], "")

    def say(self, **answer: Any) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    async def turn(self, order: dict[str, Any]) -> None:
        """Play one turn and tell of it."""
        self._memory = MemoryStore(order.get("lists", []), order.get("fault", ""))
        in_memory = order["store"] == "memory"
        store: Store = self._memory if in_memory else NatsStore(self._client, order["owner"])
        text = error = None
        started = time.perf_counter()
        try:
            await self._desk.begin(store, guarded=order["guard"])
            text = await self._agents[order["guard"]].turn(order["request"])
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is what the peer's user would see
            error = f"{type(raised).__name__}: {raised}"[:300]
        took_ms = (time.perf_counter() - started) * 1000
        lists = await self._memory.lists() if in_memory else None
        self.say(did="turn", text=text, error=error, ms=took_ms, lists=lists)

    async def run(self, orders: asyncio.StreamReader) -> None:
        """Until stdin ends."""
        turn: asyncio.Task[None] | None = None
        while line := await orders.readline():
            order = json.loads(line)
            if order["do"] == "turn":
                turn = asyncio.create_task(self.turn(order))
            else:
                self._memory.change(order["operation"])
                self.say(did="write")
        if turn is not None:
            await turn


@asynccontextmanager
async def _bus() -> AsyncIterator[Client]:
    client = Client()
    if "PEERS_NATS_URL" in os.environ:
        await client.connect(
            os.environ["PEERS_NATS_URL"],
            user=os.environ["PEERS_NATS_USER"],
            password=os.environ["PEERS_NATS_PASSWORD"],
            inbox_prefix=os.environ["PEERS_NATS_INBOX"],
        )
    try:
        yield client
    finally:
        if client.is_connected:
            await client.close()


async def main() -> None:
    """The command line."""
    # Whatever the frameworks print must not come between the answers.
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    os.dup2(2, 1)
    orders = asyncio.StreamReader(limit=LINE_MAX_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with _bus() as client:
        driver = Driver(sys.argv[1], sys.argv[2], client, answers)
        driver.say(did="start")
        await driver.run(orders)


if __name__ == "__main__":
    asyncio.run(main())
