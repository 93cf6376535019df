"""One session at the page's end: asks its steps in order, and goes on until each is told, whatever dies meanwhile.

As a page does: a turn keeps its id through every resend, and the session its place through every connection.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from client import AgentSession, Feed, Rejected, TimedOut
from contracts.channel import GatewayMessage, TurnAccepted, TurnCompletedEvent
from contracts.tokens import uuid7

from .history import Asked, Step, Told
from .witness import Witness

ASK_AGAIN_AFTER_S: Final = 30.0
AGAIN_AFTER_S: Final = 0.2


@dataclass
class Session:
    """Sends its steps with at most `window` under way at once; 1 waits for each turn's end before the next.

    Each first send takes one from `gate`, so that a killer can have turns on their way when it strikes.
    """

    url: str
    steps: Iterable[Step]
    gate: asyncio.Semaphore
    window: int = 1
    asked: list[Asked] = field(default_factory=list)
    witness: Witness = field(default_factory=Witness)
    heard: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released once for each turn that is told its end."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Until every step is told. Bounded by the caller."""
        steps = iter(self.steps)
        async with (
            AgentSession.open(self.url, timeout=None, on_change=self.witness.note) as session,
            asyncio.TaskGroup() as listening,
        ):
            listeners = [
                listening.create_task(self._listen(session.messages())),
                listening.create_task(self.witness.follow(session)),
            ]
            async with asyncio.TaskGroup() as asking:
                for _ in range(self.window):
                    asking.create_task(self._ask_all(session, steps))
            for listener in listeners:
                listener.cancel()

    async def _ask_all(self, session: AgentSession, steps: Iterator[Step]) -> None:
        for step in steps:
            await self.gate.acquire()
            asked = await self._ask(session, step)
            while asked.rejected:  # nothing was done: a person would ask anew, which is another turn
                asked = await self._ask(session, step)

    async def _ask(self, session: AgentSession, step: Step) -> Asked:
        asked = Asked(uuid7(), step)
        self.asked.append(asked)
        doubtful = False
        while not asked.told and not asked.rejected:
            try:
                await session.ask(step.text, turn_id=asked.turn_id, timeout=ASK_AGAIN_AFTER_S)
                await self._noted(asked)
            except TimedOut:
                doubtful = True
            except Rejected:
                asked.rejected = not doubtful
                await asyncio.sleep(AGAIN_AFTER_S)
        return asked

    async def _noted(self, asked: Asked) -> None:
        """Wait until `_listen`, which reads the same messages with their sequences, has come as far."""
        while not asked.told:
            self._news.clear()
            await self._news.wait()

    async def _listen(self, messages: Feed[GatewayMessage]) -> None:
        while True:
            message = await anext(messages)
            by_id = {asked.turn_id: asked for asked in self.asked}
            if isinstance(message, TurnAccepted) and message.turn_id in by_id:
                by_id[message.turn_id].accepted += 1
            elif isinstance(message, TurnCompletedEvent) and message.turn.turn_id in by_id:
                asked = by_id[message.turn.turn_id]
                if not asked.told:
                    self.heard.release()
                asked.told.append(Told(message.seq, message.turn))
                self._news.set()
