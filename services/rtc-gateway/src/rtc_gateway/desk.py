"""Serves what a page asks of the bus: several requests at once, those of a kind in the order they came."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from opentelemetry import trace

from bus import tracing
from bus.serving import opaque_problem
from contracts import conventions
from contracts.channel import (
    GatewayMessage,
    HistoryGet,
    HistoryPage,
    RunOperation,
    StateGet,
    TokenRenew,
    TokenRenewed,
    TurnCancelRequest,
    TurnStart,
)
from contracts.message import ErrorCode, Problem
from rtc_gateway.inbound import refusal_of
from rtc_gateway.leave import Leave
from rtc_gateway.page_spans import Receiving, receiving
from rtc_gateway.requests import Asked, Requests, State

Tell = Callable[[GatewayMessage], None]
Show = Callable[[State | HistoryPage], Awaitable[None]]


class Desk:
    """Of one page. `tell` sends an answer, `refuse` a problem or what stands for one, `show` what is long
    and waits until it is sent.

    `path` is how the page is connected, for its spans, once it is known.
    """

    def __init__(
        self, requests: Requests, *, in_flight_max: int, tell: Tell, refuse: Tell, show: Show, leave: Leave
    ) -> None:
        self.path: str | None = None
        self._requests = requests
        self._in_flight_max = in_flight_max
        self._tell = tell
        self._refuse = refuse
        self._show = show
        self._leave = leave
        self._in_flight = 0
        # Turns keep their order, and so do clicks on the board.
        kinds = (TurnStart, TurnCancelRequest, RunOperation, StateGet, HistoryGet, TokenRenew)
        self._lanes = {kind: asyncio.Lock() for kind in kinds}
        self._starting: dict[str, asyncio.Event] = {}

    async def answered(self, turn_id: str) -> None:
        """Return once a start of this turn that is under way has its answer; at once where none is.

        The agent may be quicker than the stream's word to us: no phase goes out before `turn.accepted`.
        """
        starting = self._starting.get(turn_id)
        if starting is not None:
            await starting.wait()

    def ask(self, message: Asked, tasks: asyncio.TaskGroup) -> None:
        """Serve it as a task of `tasks`, or refuse it for what is under way already."""
        if self._in_flight >= self._in_flight_max:
            detail = f"comes while {self._in_flight_max} requests are under way; send it again later"
            self._refuse(refusal_of(message, Problem(code=ErrorCode.OVERLOADED, detail=detail)))
            return
        self._in_flight += 1
        if isinstance(message, TurnStart):
            self._starting.setdefault(message.turn_id, asyncio.Event())
        tasks.create_task(self._answer(message))

    async def _answer(self, message: Asked) -> None:
        try:
            async with self._lanes[type(message)]:
                with receiving(message, message.type) as received:
                    if self.path is not None:
                        received.span.set_attribute(conventions.RTC_PATH, self.path)
                    await self._serve(message, received)
        except Exception as error:  # noqa: BLE001 - logged there, and answered with the id of the log line
            self._refuse(refusal_of(message, opaque_problem(error)))
        finally:
            self._in_flight -= 1
            if isinstance(message, TurnStart):
                # Another start of the same turn may have been answered first.
                starting = self._starting.pop(message.turn_id, None)
                if starting is not None:
                    starting.set()

    async def _serve(self, message: Asked, received: Receiving) -> None:
        answer: GatewayMessage | State | None
        match message:
            case TurnStart():
                async for part in self._requests.start(message, on_repeat=received.again):
                    self._give(part)
                return
            case TurnCancelRequest():
                answer = await self._requests.cancel(message)
            case RunOperation():
                answer = await self._requests.run(message)
            case TokenRenew():
                answer = await self._renew(message)
            case StateGet():
                answer = await self._requests.state(message)
            case HistoryGet():
                answer = await self._requests.history(message)
        if isinstance(answer, State | HistoryPage):
            await self._show(answer)
        elif answer is not None:
            self._give(answer)

    async def _renew(self, message: TokenRenew) -> GatewayMessage:
        until = await self._requests.renew(message)
        if not isinstance(until, datetime):
            return until
        self._leave.extend(until)
        return TokenRenewed(ref=message.id, expires_at=until)

    def _give(self, answer: GatewayMessage) -> None:
        if not isinstance(answer, Problem):
            self._tell(answer)
            return
        tracing.refused(trace.get_current_span(), answer.code)
        self._refuse(answer)
