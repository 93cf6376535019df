"""Sessions: whose they are, and who may go on with one. Kept in the bucket `sessions` by compare-and-set.

To go on takes the session's id, its owner, and its resume token. Whatever does not fit gets a session of its own, and
is not told why: an id that somebody has overheard says nothing.
"""

import asyncio
import hashlib
import hmac
import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from bus.errors import BusError, NoReplyError, RemoteError, UnavailableError
from bus.interface import Bus
from contracts import streams, subjects
from contracts.message import ErrorCode, Problem
from contracts.sessions import SessionRecord
from contracts.tokens import OwnerKey, SessionId, new_session_id

log = logging.getLogger(__name__)

TRIES: Final = 6
FIRST_PAUSE_S: Final = 0.02  # doubled with each try
_TOKEN_BYTES: Final = 32

_AWAY: Final = Problem(code=ErrorCode.UNAVAILABLE, detail="the system's bus is away; nothing was done, try again")
_FULL: Final = Problem(code=ErrorCode.OVERLOADED, detail="no more sessions can be kept now; try again later")
_CROWDED: Final = Problem(
    code=ErrorCode.OVERLOADED, detail="this session is being entered from elsewhere at the same time; try again"
)


@dataclass(frozen=True)
class EnteredSession:
    """A session as of this entering. `resume_token` is for the next one.

    `resumed`: what its client has heard counts. It does not in a session that has just begun, or is out of a backup.
    """

    session: SessionId
    epoch: int
    resume_token: str = field(repr=False)
    resumed: bool


@dataclass(frozen=True)
class _Kept:
    record: SessionRecord
    sequence: int


def digest(token: str) -> str:
    """What is kept of a resume token: SHA-256 in hex. It has 256 random bits, so it needs no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def fits(record: SessionRecord, owner: OwnerKey, presented: str) -> bool:
    """Whether `owner` may go on with a session by a resume token: the newest, or the one it was given for."""
    shown = digest(presented)
    # Both, whatever the first says, each in constant time.
    good = [hmac.compare_digest(shown, kept) for kept in (record.resume, record.resume_before) if kept is not None]
    return record.owner == owner and any(good)


def raised(record: SessionRecord, presented: str, resume_token: str, at: datetime) -> SessionRecord:
    """The record after going on: one epoch more, and besides the new token the presented one, whose answer may be
    lost. For as long as it is one of before a restore, that is not forgotten."""
    return SessionRecord(
        owner=record.owner,
        epoch=record.epoch + 1,
        resume=digest(resume_token),
        resume_before=digest(presented),
        entered_at=at,
        restored=record.restored if is_of_before(record, presented) else (),
    )


def is_of_before(record: SessionRecord, presented: str) -> bool:
    """Whether a token was given out before the record came out of a backup."""
    return digest(presented) in record.restored


class Sessions:
    """The bucket, as one process of signaling sees it."""

    def __init__(self, bus: Bus, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._bus = bus
        self._now = now

    async def enter(
        self, owner: OwnerKey, session: SessionId | None, resume_token: str | None
    ) -> EnteredSession | Problem:
        """Go on with `session`, or begin one. Never raises for what the bus does; the client may try again then."""
        if not self._bus.connected:
            return _AWAY
        try:
            if session is not None and resume_token is not None:
                resumed = await self._resume(owner, session, resume_token)
                if resumed is not None:
                    return resumed
            return await self._begin(owner)
        except (UnavailableError, NoReplyError):
            return _AWAY
        except RemoteError as error:
            return _FULL if error.problem.code is ErrorCode.OVERLOADED else error.problem
        except BusError as error:
            log.error("session not kept", exc_info=error)
            return Problem(code=ErrorCode.INTERNAL, detail="the session could not be kept; try again")

    async def _resume(self, owner: OwnerKey, session: SessionId, presented: str) -> EnteredSession | Problem | None:
        """None where this is not the owner's to go on with."""
        # One for all tries: where an answer was lost, it is what tells our write from another's.
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        for number in range(TRIES):
            kept = await self._read(session)
            if kept is not None and hmac.compare_digest(kept.record.resume, digest(token)):
                return EnteredSession(
                    session, kept.record.epoch, token, resumed=not is_of_before(kept.record, presented)
                )
            if kept is None or not fits(kept.record, owner, presented):
                if number > 0:
                    return None
                # A replica may be behind: what does not fit is read once more.
            elif await self._replace(session, raised(kept.record, presented, token, self._now()), kept.sequence):
                goes_on = not is_of_before(kept.record, presented)
                return EnteredSession(session, kept.record.epoch + 1, token, resumed=goes_on)
            await _pause(number)
        return _CROWDED

    async def _begin(self, owner: OwnerKey) -> EnteredSession | Problem:
        session, token = new_session_id(), secrets.token_urlsafe(_TOKEN_BYTES)
        record = SessionRecord(owner=owner, epoch=1, resume=digest(token), entered_at=self._now())
        for number in range(TRIES):
            if await self._replace(session, record, 0):
                return EnteredSession(session, 1, token, resumed=False)
            kept = await self._read(session)
            if kept is not None and kept.record.resume == record.resume:
                return EnteredSession(session, 1, token, resumed=False)
            await _pause(number)
        return _CROWDED

    async def _replace(self, session: SessionId, record: SessionRecord, seen: int) -> bool:
        """Whether it is known to be kept. Where it is not, reading tells."""
        try:
            return await self._bus.replace(subjects.session_record(session), record, seen=seen) is not None
        except NoReplyError:
            return False

    async def _read(self, session: SessionId) -> _Kept | None:
        """None too for what is no record: a key that was deleted by hand, or a newer version's."""
        found = await self._bus.stored(streams.SESSIONS, subjects.session_record(session))
        if found is None or found.sequence is None:
            return None
        try:
            return _Kept(SessionRecord.from_json(found.data), found.sequence)
        except ValidationError:
            return None


async def _pause(number: int) -> None:
    await asyncio.sleep(FIRST_PAUSE_S * 2**number * random.uniform(0.5, 1.0))  # noqa: S311 - spread, not secrecy
