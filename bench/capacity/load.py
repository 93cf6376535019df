"""A process that holds sessions: `python -m bench.capacity.load URL`. Obeys lines of JSON, answers each with one.

`{"do": "connect", "tokens": [...]}` opens a session for each token and its board, a few at once, and keeps them.
`{"do": "look"}` asks every session for its board, and counts those that are told.
`{"do": "ping", "sessions": n, "per_s": r, "seconds": s}` has the newest n send r pings a second, answered or not.
At the end of the orders all sessions leave. What cannot be done is counted and named, never passed over.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from client import AgentClient, ClientError
from contracts.channel import Ping, Pong

AT_ONCE: Final = 4
"""Connecting, or asking for a board."""
CONNECT_TIMEOUT_S: Final = 30.0
LAST_PONGS_S: Final = 2.0


@dataclass
class Load:
    """All sessions of this process."""

    url: str
    clients: list[AgentClient] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self, token: str, connected: asyncio.Event) -> None:
        """One session, from its hello until all end. `connected` is set whether it succeeded or not."""
        async with AsyncExitStack() as stack:
            try:
                async with self.gate:
                    connecting = AgentClient.connect(self.url, token=token, timeout=CONNECT_TIMEOUT_S)
                    client = await stack.enter_async_context(connecting)
                    await client.lists()  # as a page does, which then follows every change
            except ClientError as error:
                self.failed[str(error)[:200]] += 1
                return
            finally:
                connected.set()
            self.clients.append(client)
            await self.ended.wait()

    async def look(self) -> dict[str, Any]:
        """How many sessions are still served, which a count of connections would not show."""

        async def is_served(client: AgentClient) -> bool:
            try:
                async with self.gate:
                    await client.lists()
            except ClientError:
                return False
            return True

        return {"served": sum(await asyncio.gather(*map(is_served, self.clients)))}

    async def ping(self, sessions: int, per_s: float, seconds: float) -> dict[str, Any]:
        """Milliseconds of every round trip, and how many pings were sent and not answered."""
        chosen = self.clients[-sessions:]
        pingers = [Pinger(client, per_s, seconds, place / len(chosen)) for place, client in enumerate(chosen)]
        await asyncio.gather(*(pinger.run() for pinger in pingers))
        return {
            "sent": sum(pinger.sent for pinger in pingers),
            "rtt_ms": [round(sample, 1) for pinger in pingers for sample in pinger.rtt_ms],
        }


@dataclass
class Pinger:
    """Sends at a fixed rate, whatever comes back; `phase` spreads the sessions over the interval."""

    client: AgentClient
    per_s: float
    seconds: float
    phase: float
    sent: int = 0
    rtt_ms: list[float] = field(default_factory=list)
    sent_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        listening = asyncio.get_running_loop().create_task(self._listen())
        began = time.perf_counter() + self.phase / self.per_s
        try:
            for number in range(int(self.seconds * self.per_s)):
                await asyncio.sleep(max(0.0, began + number / self.per_s - time.perf_counter()))
                ping = Ping(id=f"load-{number}")
                self.sent_at[ping.id] = time.perf_counter()
                self.client.send_raw(ping.to_json().decode())
                self.sent += 1
            await asyncio.sleep(LAST_PONGS_S)
        except ClientError:
            return  # what was not sent is missing in the sum
        finally:
            listening.cancel()

    async def _listen(self) -> None:
        async for message in self.client.messages():
            if isinstance(message, Pong) and message.ref in self.sent_at:
                self.rtt_ms.append((time.perf_counter() - self.sent_at.pop(message.ref)) * 1000)


async def main(url: str) -> None:
    """Obey to the end of the orders."""
    logging.disable()  # what fails is counted; aiortc's tasks would tell of every peer that leaves, one by one
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=2**24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    load = Load(url)
    async with asyncio.TaskGroup() as sessions:
        async for line in reader:
            order = json.loads(line)
            answer: dict[str, Any] = {}
            match order.pop("do"):
                case "connect":
                    connected = [asyncio.Event() for _ in order["tokens"]]
                    for token, event in zip(order["tokens"], connected, strict=True):
                        sessions.create_task(load.live(token, event))
                    await asyncio.gather(*(event.wait() for event in connected))
                    answer = {"failed": dict(load.failed)}
                    load.failed.clear()
                case "look":
                    answer = await load.look()
                case "ping":
                    answer = await load.ping(**order)
                case other:
                    raise ValueError(f"{other!r} is no order")
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        load.ended.set()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
