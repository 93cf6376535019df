"""One page's session on one peer: reads what the page sends, answers it, and passes on what the bus says."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts import conventions
from contracts.channel import (
    Ack,
    ChannelDraining,
    ChannelError,
    GatewayMessage,
    HistoryPage,
    PageMessage,
    PathReport,
    Ping,
    Pong,
    SessionCurrent,
    TurnAccepted,
    TurnCompletedEvent,
    TurnDeltaEvent,
)
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode, Problem
from contracts.model_status import ModelStatus
from rtc_gateway.awaited import AwaitedTurns
from rtc_gateway.board_writer import BoardWriter
from rtc_gateway.boards import OwnerBoard
from rtc_gateway.desk import Desk
from rtc_gateway.event_feed import EventFeed
from rtc_gateway.events import turn_of
from rtc_gateway.heartbeat import Heartbeat
from rtc_gateway.inbound import Inbound, refusal_of_frame
from rtc_gateway.leave import Leave
from rtc_gateway.measures import Measures
from rtc_gateway.outbox import Outbox
from rtc_gateway.page_spans import receiving
from rtc_gateway.peer import CloseReason, Peer, PeerClosedError, PeerHandlers
from rtc_gateway.pieces import Pieces
from rtc_gateway.requests import Requests, State
from runtime.rate import TokenBucket

log = logging.getLogger(__name__)

FINAL_TIMEOUT_S: Final = 1.0
_EXPIRED: Final = Problem(
    code=ErrorCode.UNAUTHORISED, field="token", detail="has expired; connect again with a new one", final=True
)


@dataclass(frozen=True)
class SessionLimits:
    """What one page may use of us."""

    messages_per_s: float = 50
    messages_burst: int = 100
    refusals_per_s: float = 50  # a page that goes on beyond these as well is closed
    refusals_burst: int = 500
    inbox_max: int = 128
    in_flight_max: int = 16
    outbox_count_max: int = 4096
    outbox_bytes_max: int = 2 * MESSAGE_OUT_MAX_BYTES
    stalled_max_s: float = 20.0  # a channel that takes nothing for so long is closed
    ping_every_s: float = 3.0
    silent_max_s: float = 8.0  # a second more goes into closing, and within ten nothing is left
    look_every_s: float = 20.0  # for what was lost without anybody having been told


class _EndedError(Exception):
    """Leaves the session's task group."""


class Session:
    """Made for a peer that is not open yet; `run` lives as long as the peer. `until`: see Leave."""

    def __init__(
        self, requests: Requests, limits: SessionLimits, measures: Measures, feed: EventFeed, until: datetime | None
    ) -> None:
        loop = asyncio.get_running_loop()
        self._requests = requests
        self._limits = limits
        self._measures = measures
        self._feed = feed
        self._leave = Leave(until)
        self._now = loop.time
        self._inbound = Inbound()
        self._inbox: asyncio.Queue[str | bytes] = asyncio.Queue(limits.inbox_max)
        self._outbox = Outbox(
            count_max=limits.outbox_count_max,
            bytes_max=limits.outbox_bytes_max,
            stalled_max_s=limits.stalled_max_s,
            on_overflow=self._too_slow,
        )
        self._pieces = Pieces(self._outbox.push)
        self._rate = TokenBucket(per_second=limits.messages_per_s, burst=limits.messages_burst, now=loop.time())
        self._patience = TokenBucket(per_second=limits.refusals_per_s, burst=limits.refusals_burst, now=loop.time())
        self._heartbeat = Heartbeat(every_s=limits.ping_every_s, silent_max_s=limits.silent_max_s, now=loop.time)
        self._opened = asyncio.Event()
        self._ended: asyncio.Future[str] = loop.create_future()
        self._desk = Desk(
            requests,
            in_flight_max=limits.in_flight_max,
            tell=self._tell,
            refuse=self._refuse,
            show=self._show,
            leave=self._leave,
        )
        self._awaited = AwaitedTurns(requests.outcome, self._tell, limits.look_every_s)
        self._board: BoardWriter | None = None  # while it runs
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def handlers(self) -> PeerHandlers:
        """What the peer calls."""
        return PeerHandlers(on_open=self._on_open, on_message=self._on_frame, on_closed=self._on_closed)

    @property
    def feed(self) -> EventFeed:
        """Where what the bus says of this session goes in."""
        return self._feed

    @property
    def ended(self) -> bool:
        return self._ended.done()

    @property
    def is_open(self) -> bool:
        """Whether its channel has opened, and it has not ended."""
        return self._opened.is_set() and not self._ended.done()

    async def opened(self) -> None:
        """Return once the channel is open; for ever never, if it does not open."""
        await self._opened.wait()

    async def run(self, peer: Peer, board: OwnerBoard) -> str:
        """Serve until the peer is gone or `close` was called; returns why. Closes the peer."""
        self._board = BoardWriter(board, self._outbox, self._measures)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._awaited.run())
                tasks.create_task(self._read())
                tasks.create_task(self._watch())
                tasks.create_task(self._leave_in_time())
                tasks.create_task(self._follow())
                writer = tasks.create_task(self._write(peer))
                with board.followed_by(self._board.moved):
                    await asyncio.shield(self._ended)
                if self._opened.is_set():
                    await asyncio.wait({writer}, timeout=FINAL_TIMEOUT_S)
                raise _EndedError
        except* _EndedError:
            pass
        finally:
            self._tasks = None
            self._end("failed")
            peer.close()
        return self._ended.result()

    def announce(self, message: ChannelDraining | ModelStatus) -> None:
        """Tell the page what is so for every session of this gateway."""
        self._outbox.push(message)

    def close(self, problem: Problem | None = None) -> None:
        """End the session, with a last word to the page if there is one. Without effect once ended."""
        self._end("closed" if problem is None else problem.code.value, problem)

    def _end(self, reason: str, problem: Problem | None = None) -> None:
        if self._ended.done():
            return
        # First of all: what is still told may be one too many, and end it again.
        self._ended.set_result(reason)
        self._pieces.flush()
        final = None if problem is None else ChannelError.model_validate(problem.model_dump() | {"final": True})
        self._outbox.end(final)

    def _too_slow(self) -> None:
        detail = "reads too slowly; connect again and ask state.get"
        self._end(ErrorCode.SLOW_READER.value, Problem(code=ErrorCode.SLOW_READER, detail=detail))

    def _on_open(self) -> None:
        self._heartbeat.heard()
        self._opened.set()

    def _on_closed(self, reason: CloseReason) -> None:
        self._end(reason.value)

    def _on_frame(self, frame: str | bytes) -> None:
        self._heartbeat.heard()
        if not self._rate.take(self._now()):
            limits = self._limits
            detail = f"comes too fast; at most {limits.messages_per_s:g} frames a second are read, send it again later"
            problem = Problem(code=ErrorCode.RATE, detail=detail)
            if self._patience.take(self._now()):
                self._refuse(refusal_of_frame(frame, problem))
            else:
                self.close(problem)
        elif len(frame) > FRAME_MAX_BYTES:
            self._read_frame(frame)  # becomes an error at once, and takes no room in the inbox
        else:
            try:
                self._inbox.put_nowait(frame)
            except asyncio.QueueFull:
                problem = Problem(code=ErrorCode.OVERLOADED, detail="cannot be read just now; send it again later")
                self._refuse(refusal_of_frame(frame, problem))

    async def _read(self) -> None:
        while True:
            self._read_frame(await self._inbox.get())
            await asyncio.sleep(0)  # a queue that is never empty would not let anyone else run

    def _read_frame(self, frame: str | bytes) -> None:
        read = self._inbound.read(frame)
        if isinstance(read, Problem):
            self._refuse(read)
        elif read is not None:
            self._measures.received.add(1, {"type": read.type})
            self._dispatch(read)

    def _dispatch(self, message: PageMessage) -> None:
        match message:
            case Ping():
                self._outbox.push(Pong(ref=message.id))
            case Pong():
                rtt_s = self._heartbeat.answered(message.ref)
                if rtt_s is not None:
                    self._measures.rtt.record(rtt_s)
            case PathReport():
                self._note_path(message)
            case Ack():
                pass  # events stay in their streams, whoever has seen them
            case _:
                if self._tasks is not None:
                    self._desk.ask(message, self._tasks)

    def _note_path(self, report: PathReport) -> None:
        if self._desk.path is not None:
            return  # one connection has one beginning
        self._desk.path = f"{report.local.value}/{report.remote.value}/{report.protocol.value}"
        labels = {"local": report.local.value, "remote": report.remote.value, "protocol": report.protocol.value}
        self._measures.connect.record(report.connect_ms / 1000, labels)
        with receiving(report, report.type) as received:
            received.span.set_attributes(
                {
                    conventions.RTC_PATH_LOCAL: report.local.value,
                    conventions.RTC_PATH_REMOTE: report.remote.value,
                    conventions.RTC_PATH_PROTOCOL: report.protocol.value,
                }
            )
            log.info("path chosen", extra={**labels, "connect_ms": round(report.connect_ms, 1)})

    async def _show(self, answer: State | HistoryPage) -> None:
        if isinstance(answer, HistoryPage):
            await self._outbox.stream(iter((answer,)))
            return
        if self._board is not None:
            self._board.loaded(answer.revision)
        await self._outbox.stream(answer.messages)

    def _refuse(self, answer: GatewayMessage) -> None:
        if isinstance(answer, Problem):
            self._measures.refused.add(1, {"code": answer.code.value})
        self._outbox.push(answer)

    async def _follow(self) -> None:
        await self._opened.wait()
        await self._feed.run(self._tell_in_order)

    async def _tell_in_order(self, message: GatewayMessage) -> None:
        """Tell the next event, once its turn's start is answered and there is room for it."""
        await self._desk.answered(turn_of(message) or "")
        if isinstance(message, SessionCurrent):
            self._measures.replayed.add(message.replayed)
        await self._outbox.room()
        self._tell(message)

    def _tell(self, message: GatewayMessage) -> None:
        if isinstance(message, TurnDeltaEvent):
            self._pieces.add(message)
            return
        self._pieces.flush()
        if isinstance(message, TurnCompletedEvent):
            if message.ref is not None and not self._feed.is_past(message):
                self._feed.look()  # it will be told in its place
                return
            self._awaited.done(message.turn.turn_id)
        elif isinstance(message, TurnAccepted):
            self._awaited.add(message.turn_id, message.ref)
        self._outbox.push(message)

    async def _write(self, peer: Peer) -> None:
        await self._opened.wait()
        try:
            await self._outbox.run(peer)
        except PeerClosedError:
            self._end(CloseReason.REMOTE.value)

    async def _watch(self) -> None:
        await self._opened.wait()
        await self._heartbeat.run(self._outbox.push)
        self._end("silent")

    async def _leave_in_time(self) -> None:
        await self._leave.ended()
        self.close(_EXPIRED)
