"""Which sessions this gateway holds: one peer each. Serves what signaling asks."""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bus.errors import BusError, Refusal
from bus.interface import Bus, Subscription
from contracts import subjects
from contracts.gateway import AddCandidate, ClosePeer, Done, OpenPeer, PeerOpened
from contracts.message import ErrorCode, Problem
from rtc_gateway.boards import Boards
from rtc_gateway.measures import Measures
from rtc_gateway.peer import Peer, PeerError, Peers
from rtc_gateway.requests import Caller, Requests
from rtc_gateway.session import Session, SessionLimits

log = logging.getLogger(__name__)

_AWAY: Final = Problem(code=ErrorCode.UNAVAILABLE, detail="this gateway cannot take a session now; try again")


@dataclass
class _Entry:
    request: OpenPeer
    session: Session
    peer: Peer
    subscribed: asyncio.Future[Problem | None] = field(repr=False)  # a problem, or None once events arrive
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Registry:
    """Lives in `running`: every session's task ends with it."""

    def __init__(
        self, *, instance: str, bus: Bus, peers: Peers, capacity: int, limits: SessionLimits, measures: Measures
    ) -> None:
        self._instance = instance
        self._bus = bus
        self._peers = peers
        self._capacity = capacity
        self._limits = limits
        self._measures = measures
        self._entries: dict[str, _Entry] = {}
        self._draining = False
        self._tasks: asyncio.TaskGroup | None = None
        self._boards = Boards(bus, measures, limits.look_every_s)

    @property
    def sessions(self) -> int:
        return len(self._entries)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve inside; leaving closes every session and waits for its end."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._draining = True
                for entry in list(self._entries.values()):
                    entry.session.close()

    async def open(self, request: OpenPeer) -> PeerOpened:
        """`rpc.rtc.v1.offer`. A newer offer for a session closes the peer it had. Raises Refusal."""
        self._check(request)
        older = self._entries.get(request.session)
        if older is not None:
            older.session.close(
                Problem(code=ErrorCode.SUPERSEDED, detail="another connection has this session", final=True)
            )
        entry = self._admit(request)
        try:
            # The subscriptions are made meanwhile; the answer waits for them, so no event is missed once it is open.
            answer = await entry.peer.accept(request.sdp)
            problem = await asyncio.shield(entry.subscribed)
        except PeerError as error:
            entry.session.close()
            raise Refusal(error.problem) from error
        except BaseException:
            entry.session.close()
            raise
        if problem is not None:
            raise Refusal(problem)
        return PeerOpened(instance=self._instance, sdp=answer)

    async def add_candidate(self, request: AddCandidate) -> Done:
        """`rpc.rtc.i.<instance>.candidate`. That there are no more is not passed on: aioice would give up too early."""
        entry = self._entries.get(request.session)
        if entry is None or entry.request.attempt != request.attempt:
            detail = "names a session and attempt that this gateway has no peer for; make a new offer"
            raise Refusal(Problem(code=ErrorCode.NOT_FOUND, field="attempt", value=str(request.attempt), detail=detail))
        if request.candidate is not None:
            try:
                await entry.peer.add_candidate(request.candidate)
            except PeerError as error:
                raise Refusal(error.problem) from error
        return Done()

    async def close(self, request: ClosePeer) -> Done:
        """`rpc.rtc.i.<instance>.close`. A peer that is gone, or that a later attempt has replaced, is left alone."""
        entry = self._entries.get(request.session)
        if entry is not None and entry.request.attempt == request.attempt:
            entry.session.close()
        return Done()

    async def drain(self, patience_s: float) -> None:
        """Refuse offers, tell every page to connect elsewhere, and wait at most `patience_s` until they have left."""
        self._draining = True
        tasks = [entry.task for entry in self._entries.values() if entry.task is not None]
        for entry in self._entries.values():
            entry.session.announce_draining(0)
        if tasks:
            log.info("waiting for pages to leave", extra={"count": len(tasks)})
            await asyncio.wait(tasks, timeout=patience_s)

    async def ready(self) -> str | None:
        """None while offers are welcome, else why not."""
        if (lacks := self._bus.lacks) is not None:
            return lacks
        if self._draining:
            return "draining"
        return "full" if len(self._entries) >= self._capacity else None

    def _check(self, request: OpenPeer) -> None:
        if self._draining or self._tasks is None:
            raise Refusal(_AWAY)
        older = self._entries.get(request.session)
        if older is None and len(self._entries) >= self._capacity:
            detail = "this gateway is full; try again, another one may have room"
            raise Refusal(Problem(code=ErrorCode.CAPACITY, detail=detail))
        if older is not None and request.epoch < older.request.epoch:
            detail = "a later connection has this session"
            raise Refusal(Problem(code=ErrorCode.SUPERSEDED, detail=detail, final=True))

    def _admit(self, request: OpenPeer) -> _Entry:
        if self._tasks is None:
            raise Refusal(_AWAY)
        caller = Caller(session=request.session, owner=request.owner, time_zone=request.time_zone)
        requests = Requests(self._bus, caller, lambda: datetime.now(UTC))
        session = Session(requests, self._limits, self._measures)
        subscribed: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()
        entry = _Entry(request, session, self._peers.create(session.handlers), subscribed)
        self._entries[request.session] = entry
        # A context of its own: the session is no part of the trace of the offer that began it.
        entry.task = self._tasks.create_task(self._live(entry), context=contextvars.Context())
        return entry

    async def _live(self, entry: _Entry) -> None:
        """One session from its admission to its end."""
        request = entry.request
        subscription: Subscription | None = None
        reason = "failed"
        self._measures.sessions.add(1)
        try:
            subscription = await self._bus.subscribe(
                subjects.live_of_session(request.session), entry.session.take, on_loss=entry.session.lost
            )
            async with self._boards.of(request.owner) as board:
                entry.subscribed.set_result(None)
                reason = await entry.session.run(entry.peer, board)
        except BusError as error:
            entry.subscribed.set_result(error.problem)
        except Exception:
            log.exception("session failed")
        finally:
            entry.session.close()
            entry.peer.close()
            if not entry.subscribed.done():
                entry.subscribed.set_result(_AWAY)
            if self._entries.get(request.session) is entry:
                del self._entries[request.session]
            self._measures.sessions.add(-1)
            self._measures.closed.add(1, {"reason": reason})
            log.info("session ended", extra={"session": request.session, "reason": reason})
            if subscription is not None:
                await subscription.close()
