"""Which sessions this gateway holds. Serves what signaling asks, and lets go of what another connection has taken over.

A session may have several peers for a while: the newer one is being made while the older one still serves. The newer
one takes over when it is open, wherever it is.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bus import tracing
from bus.errors import BusError, Refusal
from bus.interface import Bus, Subscription
from contracts import subjects
from contracts.channel import ChannelDraining
from contracts.gateway import AddCandidate, ClosePeer, Done, OpenPeer, PeerOpened
from contracts.message import ErrorCode, Problem
from rtc_gateway.boards import Boards, OwnerBoard
from rtc_gateway.event_feed import EventFeed
from rtc_gateway.fencing import Fencing, Rank
from rtc_gateway.history import READS_AT_ONCE, History
from rtc_gateway.measures import Measures
from rtc_gateway.model_news import ModelNews
from rtc_gateway.peer import Peer, PeerError, Peers
from rtc_gateway.requests import Caller, Requests
from rtc_gateway.session import Session, SessionLimits

log = logging.getLogger(__name__)

PEERS_OF_A_SESSION_MAX: Final = 3
SPARE_SHARE: Final = 10
SPARE_MIN: Final = 4
"""One place in so many, and at least a few, beyond the capacity for sessions that are here already and move."""
_AWAY: Final = Problem(code=ErrorCode.UNAVAILABLE, detail="this gateway cannot take a session now; try again")
_SUPERSEDED: Final = Problem(
    code=ErrorCode.SUPERSEDED, detail="another connection has this session; connect again to take it back", final=True
)


@dataclass(eq=False)
class _Entry:
    request: OpenPeer
    session: Session
    peer: Peer
    subscribed: asyncio.Future[Problem | None] = field(repr=False)  # a problem, or None once events arrive
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def rank(self) -> Rank:
        return Rank(self.request.epoch, self.request.attempt)


class Registry:
    """Lives in `running`: every session's task ends with it. `on_room` is called when a place is taken or freed."""

    def __init__(
        self,
        *,
        instance: str,
        bus: Bus,
        peers: Peers,
        capacity: int,
        owner_capacity: int,
        limits: SessionLimits,
        measures: Measures,
        model: ModelNews,
    ) -> None:
        self._instance = instance
        self._bus = bus
        self._peers = peers
        self._capacity = capacity
        self._owner_capacity = owner_capacity
        self._limits = limits
        self._measures = measures
        self._model = model
        self._entries: set[_Entry] = set()
        self._draining = False
        self._tasks: asyncio.TaskGroup | None = None
        self._boards = Boards(bus, measures, limits.look_every_s)
        self._reading = asyncio.Semaphore(READS_AT_ONCE)
        self._fencing = Fencing(bus, self._held, self._let_go)
        self.on_room: Callable[[], None] = lambda: None

    @property
    def sessions(self) -> int:
        return len(self._entries)

    @property
    def room(self) -> int:
        """How many more it can take; 0 while it drains."""
        return 0 if self._draining else max(0, self._capacity - len(self._entries))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve inside; leaving closes every session and waits for its end."""
        async with self._fencing.listening(), asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._draining = True
                for entry in list(self._entries):
                    entry.session.close()

    async def open(self, request: OpenPeer) -> PeerOpened:
        """`rpc.rtc.v1.offer`. The peer that the session has stays until this one is open. Raises Refusal."""
        try:
            opened = await self._opened(request)
        except Refusal as refusal:
            self._measures.offers.add(1, {"result": refusal.problem.code.value})
            raise
        self._measures.offers.add(1, {"result": "answered"})
        return opened

    async def _opened(self, request: OpenPeer) -> PeerOpened:
        self._check(request)
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
        entry = self._find(request)
        if entry is None:
            detail = "names a session and attempt that this gateway has no peer for; make a new offer"
            raise Refusal(Problem(code=ErrorCode.NOT_FOUND, field="attempt", value=str(request.attempt), detail=detail))
        if request.candidate is not None:
            try:
                await entry.peer.add_candidate(request.candidate)
            except PeerError as error:
                raise Refusal(error.problem) from error
        return Done()

    async def close(self, request: ClosePeer) -> Done:
        """`rpc.rtc.i.<instance>.close`. A peer that is gone is no error."""
        entry = self._find(request)
        if entry is not None:
            entry.session.close()
        return Done()

    async def drain(self, patience_s: float) -> None:
        """Refuse offers, tell every page to connect elsewhere, and wait at most `patience_s` until they have left."""
        self._draining = True
        self.on_room()
        leaving = list(self._entries)
        for number, entry in enumerate(leaving):
            # Over the first half of the time, so that those who take them in are not asked all at once.
            after_ms = int(500 * patience_s * number / len(leaving))
            entry.session.announce(ChannelDraining(retry_after_ms=after_ms))
        tasks = [entry.task for entry in leaving if entry.task is not None]
        if tasks:
            log.info("waiting for pages to leave", extra={"count": len(tasks)})
            await asyncio.wait(tasks, timeout=patience_s)

    async def ready(self) -> str | None:
        """None while offers are welcome, else why not."""
        if (lacks := self._bus.lacks) is not None:
            return lacks
        if self._draining:
            return "draining"
        return None if self.room else "full"

    def _find(self, request: AddCandidate | ClosePeer) -> _Entry | None:
        wanted = (request.session, Rank(request.epoch, request.attempt))
        return next((entry for entry in self._entries if (entry.request.session, entry.rank) == wanted), None)

    def _of(self, session: str) -> list[_Entry]:
        return sorted((e for e in self._entries if e.request.session == session), key=lambda entry: entry.rank)

    def _held(self) -> dict[str, Rank]:
        """The newest open connection of each session."""
        held: dict[str, Rank] = {}
        for entry in self._entries:
            if entry.session.is_open:
                held[entry.request.session] = max(entry.rank, held.get(entry.request.session, entry.rank))
        return held

    def _let_go(self, session: str, taken: Rank) -> None:
        """Close what is older than the connection that has the session."""
        for entry in self._of(session):
            if entry.rank < taken:
                entry.session.close(_SUPERSEDED)

    def _check(self, request: OpenPeer) -> None:
        if self._draining or self._tasks is None:
            raise Refusal(_AWAY)
        held = self._of(request.session)
        if held and request.epoch < held[-1].request.epoch:
            raise Refusal(_SUPERSEDED)
        # Those that are not open yet first: what works stays as long as it can.
        leaving = sorted(held, key=lambda entry: (entry.session.is_open, entry.rank))
        for entry in leaving[: max(0, len(held) - PEERS_OF_A_SESSION_MAX + 1)]:
            entry.session.close(_SUPERSEDED)
        # A session that moves has two places for a moment, beside the others if need be.
        spare = 0 if not held else max(SPARE_MIN, self._capacity // SPARE_SHARE)
        if len(self._entries) >= self._capacity + spare:
            detail = "this gateway is full; try again, another one may have room"
            raise Refusal(Problem(code=ErrorCode.CAPACITY, detail=detail))
        of_owner = sum(1 for entry in self._entries if entry.request.owner == request.owner)
        if not held and of_owner >= self._owner_capacity:
            detail = f"you have {of_owner} connections here already; close one, and try again"
            raise Refusal(Problem(code=ErrorCode.LIMIT, detail=detail))

    def _admit(self, request: OpenPeer) -> _Entry:
        if self._tasks is None:
            raise Refusal(_AWAY)
        caller = Caller(session=request.session, owner=request.owner, time_zone=request.time_zone)
        history = History(self._bus, request.session, self._reading)
        requests = Requests(self._bus, caller, lambda: datetime.now(UTC), history)
        feed = EventFeed(self._bus, request.session, self._measures, seen=request.last_seen, fresh=not request.resumed)
        session = Session(requests, self._limits, self._measures, feed, request.token_expires_at)
        subscribed: asyncio.Future[Problem | None] = asyncio.get_running_loop().create_future()
        entry = _Entry(request, session, self._peers.create(session.handlers), subscribed)
        self._entries.add(entry)
        self.on_room()
        # A context of its own: the session is no part of the trace of the offer that began it.
        entry.task = self._tasks.create_task(self._live(entry), context=contextvars.Context())
        return entry

    async def _live(self, entry: _Entry) -> None:
        """One session from its admission to its end."""
        request = entry.request
        feed = entry.session.feed
        subscription: Subscription | None = None
        reason = "failed"
        self._measures.sessions.add(1)
        try:
            subscription = await self._bus.subscribe(
                subjects.live_of_session(request.session), feed.take, on_loss=feed.look
            )
            async with self._boards.of(request.owner) as board:
                entry.subscribed.set_result(None)
                # Said by the spans of each message; none is as long as the session. A board is all its pages'.
                with tracing.session(request.session):
                    reason = await self._served(entry, board)
        except BusError as error:
            entry.subscribed.set_result(error.problem)
        except Exception:
            log.exception("session failed")
        finally:
            entry.session.close()
            entry.peer.close()
            if not entry.subscribed.done():
                entry.subscribed.set_result(_AWAY)
            self._entries.discard(entry)
            self.on_room()
            self._measures.sessions.add(-1)
            self._measures.closed.add(1, {"reason": reason})
            log.info("session ended", extra={"session": request.session, "reason": reason})
            if subscription is not None:
                await subscription.close()

    async def _served(self, entry: _Entry, board: OwnerBoard) -> str:
        async def take_over() -> None:
            await entry.session.opened()
            self._measures.opened.add(1, {"session": "resumed" if entry.request.resumed else "new"})
            self._let_go(entry.request.session, entry.rank)
            await self._fencing.entered(entry.request.session, entry.rank)

        async def follow_the_model() -> None:
            await entry.session.opened()
            with self._model.followed_by(entry.session.announce):
                await asyncio.Future()

        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(take_over()), tasks.create_task(follow_the_model())]
            reason = await entry.session.run(entry.peer, board)
            for task in beside:
                task.cancel()
        return reason
