"""`kill -9` of the gateway that has a session, while an answer to it is under way, again and again.

The moment differs: a gateway that waits, one that is telling an outcome, one that tells a returned session what it
missed.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto

import psutil

from client import AgentSession
from contracts.turns import Outcome
from local_stack.temporary import RunningStack

from ..chaos.accounts import accounts, until_told
from ..chaos.ledger import Account
from ..chaos.steps import names
from ..chaos.witness import Witness
from .processes import holder, holding, until_back
from .world import World

BOUND_S = 60.0
TOLD_WITHIN_S = 10.0
GATEWAYS = 2
LIST = "Kept"


class Moment(Enum):
    """When a gateway is killed."""

    WAITING = auto()  # the model is held: there is nothing to tell
    TELLING = auto()  # the model has answered, and the first event since then was told
    REPLAYING = auto()  # a session whose gateway was killed is back, and was told the first of what it missed


PLANS = ((Moment.TELLING, Moment.WAITING), (Moment.WAITING, Moment.REPLAYING))
"""What a round does; one round after the other."""


@dataclass
class KillReport:
    """`noticed_s`: from each kill until a client of that gateway noticed. `reconnected_s`: from there to its channel.

    `reconnected_with_another_s`: only of rounds in which another gateway lived all the time; where a replay is cut
    short, the gateway that had taken the session in dies before the first one is back. `answered_before`: turns that
    were told their end before a kill that was to come while the model is held, which then proves nothing.
    """

    sessions: int = 0
    moments: Counter[Moment] = field(default_factory=Counter)
    noticed_s: list[float] = field(default_factory=list)
    reconnected_s: list[float] = field(default_factory=list)
    reconnected_with_another_s: list[float] = field(default_factory=list)
    answered_before: int = 0
    not_resumed: int = 0
    account: Account = field(default_factory=Account)

    @property
    def kills(self) -> int:
        return self.moments.total()


@dataclass
class Sitter:
    """A session, and what it saw."""

    session: AgentSession
    witness: Witness

    def ask(self, text: str) -> asyncio.Task[None]:
        async def asking() -> None:
            turn = await self.session.ask(text, timeout=BOUND_S)
            assert turn.outcome is Outcome.CONFIRMED, turn

        return asyncio.create_task(asking())


async def gateways_killed(world: World, kills: int, *, sessions: int = 4, seed: int = 1) -> KillReport:
    """With so many sessions, or more where two gateways would not both have one."""
    async with AsyncExitStack() as leaving:
        sitters: list[Sitter] = []
        # Over both, or else the second kill would wait for sessions to come back from the first.
        while len(sitters) < sessions or len(_used(world.stack, sitters)) < GATEWAYS:
            sitters.append(await leaving.enter_async_context(_seated(world.stack)))
        await sitters[0].ask(f"create a list called {LIST}")
        killing = _Killing(world, sitters, names(random.Random(seed)))
        plans = itertools.cycle(PLANS)
        while killing.report.kills < kills:
            async with asyncio.timeout(BOUND_S * 2):
                await killing.round(next(plans)[: kills - killing.report.kills])
        witnesses = [sitter.witness for sitter in sitters]
        with suppress(TimeoutError):  # what is not told by then is for the account to name
            async with asyncio.timeout(TOLD_WITHIN_S):
                await until_told(world.directory, witnesses)
    report = killing.report
    report.sessions = len(sitters)
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


def _used(stack: RunningStack, sitters: Sequence[Sitter]) -> set[str]:
    """The gateways that have them."""
    return {holding(stack, sitter.witness.address)[0] for sitter in sitters}


@dataclass
class _Killing:
    world: World
    sitters: list[Sitter]
    words: Iterator[str]
    report: KillReport = field(default_factory=KillReport)
    _hit: list[tuple[Sitter, float]] = field(default_factory=list)
    """Whose gateway was killed in this round, and when."""

    async def round(self, moments: Sequence[Moment]) -> None:
        """Kill a gateway that has a session at each of these moments, and wait until all are back.

        The last turn that is held back is answered when its session is back, others while nobody listens.
        """
        self._hit, asking, killed = [], [], []
        asker, connection = await self._asker(), 0
        for number, moment in enumerate(moments, start=1):
            if moment is Moment.REPLAYING:
                await asker.witness.until_sent(1, connection=connection + 1)
            else:
                asker = await self._asker()
                await self.world.model.hold()
                asking.append(asker.ask(f"add {next(self.words)} to {LIST}"))
                await self.world.model.until_asked()
                if moment is Moment.TELLING:
                    await self._first_is_told(asker)
                else:
                    self.report.answered_before += asking[-1].done()
            connection = asker.witness.connections
            killed.append(self._kill(asker))
            self.report.moments[moment] += 1
            if number < len(moments):
                await self.world.model.release()
            if Moment.REPLAYING not in moments[number:]:  # whose moment would be missed meanwhile
                await until_back(self.world.stack, *killed[-1])
        for sitter, hit_at in self._hit:
            outage = await sitter.witness.until_back_since(hit_at)
            self.report.noticed_s.append(outage.lost_at - hit_at)
            self.report.reconnected_s.append(outage.seconds)
            if Moment.REPLAYING not in moments:
                self.report.reconnected_with_another_s.append(outage.seconds)
        await self.world.model.release()
        await asyncio.gather(*asking)
        for name, process in killed:
            await until_back(self.world.stack, name, process)

    async def _asker(self) -> Sitter:
        """One whose gateway lives."""
        while True:
            for sitter in self.sitters:
                if holder(self.world.stack, sitter.witness.address) is not None:
                    return sitter
            for sitter, hit_at in self._hit:
                await sitter.witness.until_back_since(hit_at)

    async def _first_is_told(self, asker: Sitter) -> None:
        """Let the model answer, and wait for the first event of it."""
        connection, sent = asker.witness.connections, len(asker.witness.wires[-1])
        await self.world.model.release()
        await asker.witness.until_sent(sent + 1, connection=connection)

    def _kill(self, sitter: Sitter) -> tuple[str, psutil.Process]:
        """The gateway that has this session now; it may have others', which came to it meanwhile."""
        stack = self.world.stack
        name, process = holding(stack, sitter.witness.address)
        theirs = [one for one in self.sitters if holder(stack, one.witness.address) == (name, process)]
        process.kill()
        self._hit += [(one, time.monotonic()) for one in theirs]
        return name, process
