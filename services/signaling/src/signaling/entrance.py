"""Who may enter, as whom, and with what: the answer to a hello. Cheapest check first."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from access.errors import AccessError, TokenRefusedError
from access.identity import Identity
from access.interface import Verifier
from bus.metering import Counter
from contracts.message import ErrorCode, Problem
from contracts.metrics import HELLOS
from contracts.signaling import Hello
from contracts.tokens import OwnerKey
from signaling.admission import Admission
from signaling.crowd import Place
from signaling.ice_servers import IceServers
from signaling.sessions import Sessions

_HELLOS: Final = Counter(HELLOS)


@dataclass(frozen=True)
class Everybody:
    """Whoever reaches a stack that asks for no token is its one local owner."""

    owner: OwnerKey
    name: str


@dataclass(frozen=True)
class Entrance:
    """`guard` tells whose a token is, or is the one owner of all. `clock` gives Unix seconds, `timeout_s` bounds it."""

    guard: Verifier | Everybody
    sessions: Sessions
    ice_servers: IceServers
    timeout_s: float
    clock: Callable[[], float] = time.time

    async def admit(self, hello: Hello, place: Place) -> Admission | Problem:
        """Answer a hello. A problem that is not final may pass; then the client says hello again, on another socket."""
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._answer(hello, place)
        except TimeoutError:
            late = f"nobody could let you in within {self.timeout_s:g} s; try again"
            answer = Problem(code=ErrorCode.UNAVAILABLE, detail=late)
        _HELLOS.add(1, {"outcome": _outcome(answer)})
        return answer

    async def _answer(self, hello: Hello, place: Place) -> Admission | Problem:
        crowded = place.hello()
        if crowded is not None:
            return crowded
        try:
            identity = await self._identity(hello.token)
        except TokenRefusedError as refusal:
            place.refused()
            return refusal.problem
        except AccessError as error:
            return error.problem
        crowded = place.enter(identity.owner)
        if crowded is not None:
            return crowded
        entered = await self.sessions.enter(identity.owner, hello.session, hello.resume_token)
        if isinstance(entered, Problem):
            return entered
        ice_servers, expires_at = self.ice_servers.of(identity.owner, self.clock())
        return Admission(
            owner=identity.owner,
            owner_name=identity.name,
            session=entered.session,
            epoch=entered.epoch,
            resumed=entered.resumed,
            resume_token=entered.resume_token,
            token_expires_at=identity.expires_at if isinstance(identity, Identity) else None,
            ice_servers=ice_servers,
            expires_at=expires_at,
        )

    async def _identity(self, token: str | None) -> Identity | Everybody:
        return self.guard if isinstance(self.guard, Everybody) else await self.guard.verify(token)


def _outcome(answer: Admission | Problem) -> str:
    if isinstance(answer, Problem):
        return answer.code.value
    return "resumed" if answer.resumed else "admitted"
