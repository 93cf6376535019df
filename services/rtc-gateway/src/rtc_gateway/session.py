"""One page's session on one peer: reads what the page sends, answers it, and passes on what the bus says."""

import asyncio
import logging
import secrets
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace
from pydantic import ValidationError

from bus.interface import Event
from bus.serving import opaque_problem
from contracts.channel import (
    Ack,
    ChannelDraining,
    ChannelError,
    GatewayMessage,
    HistoryGet,
    PageMessage,
    PathReport,
    Ping,
    Pong,
    RunOperation,
    StateGet,
    TokenRenew,
    TurnAccepted,
    TurnCancelRequest,
    TurnCompletedEvent,
    TurnStart,
)
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_OUT_MAX_BYTES
from contracts.message import ErrorCode, Problem
from rtc_gateway.awaited import AwaitedTurns
from rtc_gateway.board_writer import BoardWriter
from rtc_gateway.boards import OwnerBoard
from rtc_gateway.events import to_page, turn_of
from rtc_gateway.inbound import Inbound, refusal_of, refusal_of_frame
from rtc_gateway.measures import Measures
from rtc_gateway.outbox import Outbox
from rtc_gateway.peer import CloseReason, Peer, PeerClosedError, PeerHandlers
from rtc_gateway.requests import Asked, Requests, State, receiving
from runtime.rate import TokenBucket

log = logging.getLogger(__name__)

HELD_EVENTS_MAX: Final = 16
FINAL_TIMEOUT_S: Final = 1.0


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
    ping_every_s: float = 3.0
    silent_max_s: float = 9.0
    look_every_s: float = 20.0  # for what was lost without anybody having been told


class _EndedError(Exception):
    """Leaves the session's task group."""


class Session:
    """Made for a peer that is not open yet; `run` lives as long as the peer."""

    def __init__(self, requests: Requests, limits: SessionLimits, measures: Measures) -> None:
        loop = asyncio.get_running_loop()
        self._requests = requests
        self._limits = limits
        self._measures = measures
        self._now = loop.time
        self._inbound = Inbound()
        self._inbox: asyncio.Queue[str | bytes] = asyncio.Queue(limits.inbox_max)
        self._outbox = Outbox(
            count_max=limits.outbox_count_max, bytes_max=limits.outbox_bytes_max, on_overflow=self._too_slow
        )
        self._rate = TokenBucket(per_second=limits.messages_per_s, burst=limits.messages_burst, now=loop.time())
        self._patience = TokenBucket(per_second=limits.refusals_per_s, burst=limits.refusals_burst, now=loop.time())
        self._opened = asyncio.Event()
        self._ended: asyncio.Future[str] = loop.create_future()
        self._heard_at = loop.time()
        self._pings: dict[str, float] = {}
        self._in_flight = 0
        # Requests of a kind are served in the order they came: turns keep theirs, and so do clicks on the board.
        self._lanes = {kind: asyncio.Lock() for kind in (TurnStart, TurnCancelRequest, RunOperation, StateGet)}
        self._held: dict[str, list[GatewayMessage]] = {}
        self._awaited = AwaitedTurns(requests.outcome, self._tell, limits.look_every_s)
        self._board: BoardWriter | None = None  # while it runs
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def handlers(self) -> PeerHandlers:
        """What the peer calls."""
        return PeerHandlers(on_open=self._on_open, on_message=self._on_frame, on_closed=self._on_closed)

    async def run(self, peer: Peer, board: OwnerBoard) -> str:
        """Serve until the peer is gone or `close` was called; returns why. Closes the peer."""
        self._board = BoardWriter(board, self._outbox, self._measures)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._awaited.run())
                tasks.create_task(self._read())
                tasks.create_task(self._beat())
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

    def lost(self) -> None:
        """Events of this session may have been lost."""
        self._awaited.lost()

    async def take(self, event: Event) -> None:
        """Pass on what the bus says of this session."""
        try:
            message = to_page(event)
        except ValidationError:
            self._measures.ignored.add(1, {"cause": "malformed"})
            log.warning("malformed event ignored")
            return
        if message is None:
            self._measures.ignored.add(1, {"cause": "unknown"})
            return
        held = self._held.get(turn_of(message) or "")
        if held is not None and len(held) < HELD_EVENTS_MAX:
            held.append(message)
        else:
            self._tell(message)

    def _tell(self, message: GatewayMessage) -> None:
        if isinstance(message, TurnCompletedEvent):
            self._awaited.done(message.turn.turn_id)
        elif isinstance(message, TurnAccepted):
            self._awaited.add(message.turn_id)
        self._outbox.push(message)

    def announce_draining(self, retry_after_ms: int) -> None:
        """Tell the page to connect elsewhere; this session goes on meanwhile."""
        self._outbox.push(ChannelDraining(retry_after_ms=retry_after_ms))

    def close(self, problem: Problem | None = None) -> None:
        """End the session, with a last word to the page if there is one. Without effect once ended."""
        self._end("closed" if problem is None else problem.code.value, problem)

    def _end(self, reason: str, problem: Problem | None = None) -> None:
        if self._ended.done():
            return
        final = None if problem is None else ChannelError.model_validate(problem.model_dump() | {"final": True})
        self._outbox.end(final)
        self._ended.set_result(reason)

    def _too_slow(self) -> None:
        detail = "reads too slowly; connect again and ask state.get"
        self._end(ErrorCode.SLOW_READER.value, Problem(code=ErrorCode.SLOW_READER, detail=detail))

    def _on_open(self) -> None:
        self._heard_at = self._now()
        self._opened.set()

    def _on_closed(self, reason: CloseReason) -> None:
        self._end(reason.value)

    def _on_frame(self, frame: str | bytes) -> None:
        self._heard_at = self._now()
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
                sent_at = self._pings.pop(message.ref, None)
                if sent_at is not None:
                    self._measures.rtt.record((self._now() - sent_at) * 1000)
            case Ack() | PathReport() | TokenRenew():
                pass
            case HistoryGet():
                detail = "history.get is not served yet; keep what turn.completed brings"
                self._refuse(refusal_of(message, Problem(code=ErrorCode.UNSUPPORTED, field="type", detail=detail)))
            case _:
                self._ask(message)

    def _ask(self, message: Asked) -> None:
        if self._tasks is None or self._in_flight >= self._limits.in_flight_max:
            detail = f"comes while {self._limits.in_flight_max} requests are under way; send it again later"
            self._refuse(refusal_of(message, Problem(code=ErrorCode.OVERLOADED, detail=detail)))
            return
        self._in_flight += 1
        if isinstance(message, TurnStart):
            # The agent may be quicker than the store's word to us: no phase goes out before `turn.accepted`.
            self._held.setdefault(message.turn_id, [])
        self._tasks.create_task(self._answer(message))

    async def _answer(self, message: Asked) -> None:
        try:
            async with self._lanes[type(message)]:
                with receiving(message):
                    await self._serve(message)
        except Exception as error:  # noqa: BLE001 - logged there, and answered with the id of the log line
            self._refuse(refusal_of(message, opaque_problem(error)))
        finally:
            self._in_flight -= 1
            if isinstance(message, TurnStart):
                for event in self._held.pop(message.turn_id, ()):
                    self._tell(event)

    async def _serve(self, message: Asked) -> None:
        answer: GatewayMessage | State | None
        match message:
            case TurnStart():
                async for part in self._requests.start(message):
                    if isinstance(part, TurnCompletedEvent):
                        # The last word: what the bus has said of the turn meanwhile is older, or the same.
                        # Another start of the same turn may have let go of them already.
                        self._held.get(message.turn_id, []).clear()
                    self._give(part)
                return
            case TurnCancelRequest():
                answer = await self._requests.cancel(message)
            case RunOperation():
                answer = await self._requests.run(message)
            case StateGet():
                answer = await self._requests.state(message)
        if isinstance(answer, State):
            if self._board is not None:
                self._board.loaded(answer.revision)
            await self._outbox.stream(answer.messages)
        elif answer is not None:
            self._give(answer)

    def _give(self, answer: GatewayMessage) -> None:
        if isinstance(answer, Problem):
            trace.get_current_span().set_attribute("error.type", answer.code.value)
            trace.get_current_span().set_status(trace.StatusCode.ERROR)
            self._refuse(answer)
        else:
            self._tell(answer)

    def _refuse(self, answer: GatewayMessage) -> None:
        if isinstance(answer, Problem):
            self._measures.refused.add(1, {"code": answer.code.value})
        self._outbox.push(answer)

    async def _write(self, peer: Peer) -> None:
        await self._opened.wait()
        try:
            await self._outbox.run(peer)
        except PeerClosedError:
            self._end(CloseReason.REMOTE.value)

    async def _beat(self) -> None:
        """Ping, and close a peer that is silent: ICE itself takes half a minute to notice."""
        await self._opened.wait()
        while True:
            await asyncio.sleep(self._limits.ping_every_s)
            if self._now() - self._heard_at > self._limits.silent_max_s:
                self._end("silent")
                return
            ping_id = secrets.token_hex(4)
            self._pings = {**dict(list(self._pings.items())[-3:]), ping_id: self._now()}
            self._outbox.push(Ping(id=ping_id))
