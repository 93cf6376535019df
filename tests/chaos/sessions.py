"""One session at the page's end: asks its steps in order, and goes on until each is told, whatever dies meanwhile.

As a page does: a turn keeps its id through every resend, and a session its id through every connection.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from client import AgentClient, ClientError, Rejected, TimedOut
from contracts.channel import GatewayMessage, TurnAccepted, TurnCompletedEvent
from contracts.tokens import uuid7

from .history import Asked, Step, Told

CONNECT_TIMEOUT_S: Final = 8.0
SILENT_MAX_S: Final = 7.0
"""The gateway pings every three seconds; nothing for this long, and the connection is given up."""
RESEND_AFTER_S: Final = 8.0
"""A completion that was published while the gateway had lost the bus comes only to who asks again."""
AGAIN_AFTER_S: Final = 0.2


class SilentError(Exception):
    """The gateway has said nothing for SILENT_MAX_S."""


@dataclass
class Session:
    """Sends its steps with at most `window` under way at once; 1 waits for each turn's end before the next.

    Each first send takes one from `gate`, so that a killer can have turns on their way when it strikes.
    """

    url: str
    steps: Sequence[Step]
    gate: asyncio.Semaphore
    window: int = 1
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    session: str | None = None
    heard: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released once for each turn that is told its end."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def told(self) -> int:
        """How many turns have been told their end."""
        return sum(1 for asked in self.asked if asked.told)

    @property
    def done(self) -> bool:
        """Whether every step has been told its end."""
        return self.told == len(self.steps)

    async def run(self) -> None:
        """Until every step is told. Bounded by the caller."""
        while not self.done:
            try:
                async with AgentClient.connect(self.url, session=self.session, timeout=CONNECT_TIMEOUT_S) as client:
                    self.session = client.ready.session
                    self.connections += 1
                    await self._converse(client)
            except (ClientError, SilentError, OSError):
                await asyncio.sleep(AGAIN_AFTER_S)

    async def _converse(self, client: AgentClient) -> None:
        """Raises whatever ends the connection."""
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen(client))
                await self._ask_all(client)
                listening.cancel()
        except* (ClientError, SilentError, OSError) as errors:
            raise SilentError from errors

    async def _ask_all(self, client: AgentClient) -> None:
        # Those of an earlier connection first, and in their order.
        waiting = [asked for asked in self.asked if not asked.told and not asked.rejected]
        begun: set[asyncio.Task[None]] = set()
        try:
            while waiting or begun or self._steps_left():
                while len(begun) < self.window and (waiting or self._steps_left()):
                    asked = waiting.pop(0) if waiting else self._next()
                    begun.add(asyncio.create_task(self._ask(client, asked)))
                done, begun = await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)

    def _steps_left(self) -> int:
        return len(self.steps) - sum(1 for asked in self.asked if not asked.rejected)

    def _next(self) -> Asked:
        asked = Asked(uuid7(), self.steps[sum(1 for one in self.asked if not one.rejected)])
        self.asked.append(asked)
        return asked

    async def _ask(self, client: AgentClient, asked: Asked) -> None:
        if not asked.sends:
            await self.gate.acquire()
        while not asked.told:
            asked.sends += 1
            try:
                await client.ask(asked.step.text, turn_id=asked.turn_id, timeout=RESEND_AFTER_S)
                await self._noted(asked)
            except TimedOut:
                continue
            except Rejected:
                if asked.sends == 1:
                    # Nothing was and nothing will be done: a person would ask anew, which is another turn.
                    asked.rejected = True
                    return
                await asyncio.sleep(AGAIN_AFTER_S)

    async def _noted(self, asked: Asked) -> None:
        """Wait until `_listen`, which reads the same messages with their sequences, has come as far."""
        while not asked.told:
            self._news.clear()
            await self._news.wait()

    async def _listen(self, client: AgentClient) -> None:
        by_id = {asked.turn_id: asked for asked in self.asked}
        feed = client.messages()
        while True:
            try:
                # Not wait_for: it loses a cancel that comes together with a message.
                async with asyncio.timeout(SILENT_MAX_S):
                    message: GatewayMessage = await anext(feed)
            except TimeoutError as error:
                raise SilentError from error
            turn_id = _turn_of(message)
            if turn_id is not None and turn_id not in by_id:
                by_id = {asked.turn_id: asked for asked in self.asked}
            asked = by_id.get(turn_id or "")
            if asked is None:
                continue
            if isinstance(message, TurnAccepted):
                asked.accepted = True
            elif isinstance(message, TurnCompletedEvent):
                if not asked.told:
                    self.heard.release()
                asked.told.append(Told(message.seq, message.turn))
                self._news.set()


def _turn_of(message: GatewayMessage) -> str | None:
    if isinstance(message, TurnAccepted):
        return message.turn_id
    return message.turn.turn_id if isinstance(message, TurnCompletedEvent) else None
