"""`kill -9` of the gateway that has a session, while an answer to it is under way, again and again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import psutil

from client import AgentSession
from contracts.turns import Outcome
from local_stack.temporary import RunningStack

from ..chaos.accounts import accounts
from ..chaos.ledger import Account
from ..chaos.steps import names
from ..chaos.witness import Witness
from .processes import holding, until_back
from .world import World

BOUND_S = 60.0
LIST = "Kept"


@dataclass
class KillReport:
    """`noticed_s`: from each kill until a client of that gateway noticed; `reconnected_s`: from there to its next
    channel. `answered_before`: turns that were told their end before the kill, which then proves nothing."""

    kills: int = 0
    noticed_s: list[float] = field(default_factory=list)
    reconnected_s: list[float] = field(default_factory=list)
    answered_before: int = 0
    not_resumed: int = 0
    account: Account = field(default_factory=Account)


@dataclass
class Sitter:
    """A session, and what it saw. `hit_at`: when its gateway was last killed."""

    session: AgentSession
    witness: Witness
    hit_at: float = 0.0

    def ask(self, text: str) -> asyncio.Task[None]:
        async def asking() -> None:
            turn = await self.session.ask(text, timeout=BOUND_S)
            assert turn.outcome is Outcome.CONFIRMED, turn

        return asyncio.create_task(asking())


async def gateways_killed(world: World, kills: int, *, sessions: int = 4, seed: int = 1) -> KillReport:
    """With so many sessions, spread over two gateways."""
    async with AsyncExitStack() as leaving:
        sitters = [await leaving.enter_async_context(_seated(world.stack)) for _ in range(sessions)]
        await sitters[0].ask(f"create a list called {LIST}")
        killing = _Killing(world, sitters, names(random.Random(seed)))
        while killing.report.kills < kills:
            async with asyncio.timeout(BOUND_S * 2):
                await killing.round(kills - killing.report.kills)
    report, witnesses = killing.report, [sitter.witness for sitter in sitters]
    report.account = await accounts(world.directory, witnesses)
    report.not_resumed = sum(len(witness.sessions) - 1 for witness in witnesses)
    return report


@asynccontextmanager
async def _seated(stack: RunningStack) -> AsyncIterator[Sitter]:
    witness = Witness()
    async with AgentSession.open(stack.url, on_change=witness.note) as session, asyncio.TaskGroup() as watching:
        following = watching.create_task(witness.follow(session))
        yield Sitter(session, witness)
        following.cancel()


@dataclass
class _Killing:
    world: World
    sitters: list[Sitter]
    words: Iterator[str]
    report: KillReport = field(default_factory=KillReport)

    async def round(self, most: int) -> None:
        """Kill every gateway that has a session, but at most so many, one after the other, and wait until all are back.

        The last kill's turn is answered when its session is back, the others' while nobody listens.
        """
        hit: list[Sitter] = []
        asking: list[asyncio.Task[None]] = []
        gateways = self._gateways()[:most]
        for number, (name, process, theirs) in enumerate(gateways, start=1):
            await self.world.model.hold()
            asking.append(theirs[0].ask(f"add {next(self.words)} to {LIST}"))
            await self.world.model.until_asked()
            self.report.answered_before += asking[-1].done()
            process.kill()
            self.report.kills += 1
            for sitter in theirs:
                sitter.hit_at = time.monotonic()
            hit += theirs
            if number < len(gateways):
                await self.world.model.release()
            await until_back(self.world.stack, name, process)
        for sitter in hit:
            await sitter.witness.until_back_since(sitter.hit_at)
            outage = sitter.witness.outages[-1]
            self.report.noticed_s.append(outage.lost_at - sitter.hit_at)
            self.report.reconnected_s.append(outage.seconds)
        await self.world.model.release()
        await asyncio.gather(*asking)

    def _gateways(self) -> list[tuple[str, psutil.Process, list[Sitter]]]:
        """Those that have sessions, with these."""
        found: dict[str, tuple[str, psutil.Process, list[Sitter]]] = {}
        for sitter in self.sitters:
            name, process = holding(self.world.stack, sitter.witness.address)
            found.setdefault(name, (name, process, []))[2].append(sitter)
        return [found[name] for name in sorted(found)]
