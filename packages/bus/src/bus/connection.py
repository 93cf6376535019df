"""One connection to NATS: made to fail early, watched, closed by hand.

It ends the block that it serves when the bus does not come back. What is sent over it is `nats_bus`' business.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import ConnectionClosedError, SlowConsumerError, StaleConnectionError
from nats.errors import Error as NatsError

from bus import losses
from bus.errors import BusLostError, UnavailableError
from bus.interface import LossHandler
from bus.metering import Counter, observing
from contracts.metrics import BUS_BACK, BUS_CONNECTED, BUS_FORBIDDEN, BUS_LOST, BUS_SLOW
from contracts.permissions import Permissions
from contracts.subjects import template

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 30.0
CLOSING_FLUSH_S: Final = 2
LOST_AFTER_S: Final = 60.0
LATE_ANSWERS_S: Final = 2.0
"""So long after the bus is back, a request of before may yet be answered: whoever has it may have to come back too."""
SLOW_LOGGED_EVERY_S: Final = 1.0
_LOST: Final = Counter(BUS_LOST)
_BACK: Final = Counter(BUS_BACK)
_SLOW: Final = Counter(BUS_SLOW)
_FORBIDDEN: Final = Counter(BUS_FORBIDDEN)
_VIOLATION: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class BusSettings:
    """How one service reaches the bus.

    `url` is one server's, or those of a cluster with commas between. `lost_after_s`: how long the bus may be away
    before the block ends. `needs`: what its user must be permitted, compared with the server's word at the start.
    """

    url: str
    user: str
    password: str = field(repr=False)
    inbox_prefix: str
    name: str
    lost_after_s: float = LOST_AFTER_S
    needs: Permissions | None = None


class Connection:
    """A client, and what its callbacks noticed. Made by `connected`."""

    def __init__(self, lost_after_s: float) -> None:
        self.client: Final = Client()
        self.refused_subscriptions: Final[deque[str]] = deque(maxlen=64)
        self.refused_publishes = 0
        self._lost_after_s = lost_after_s
        self._closing = False
        self._limit = asyncio.timeout(None)
        self._loss_handlers: dict[int, LossHandler] = {}
        self._slow_logged_at = 0.0
        self._asked_before: list[asyncio.Future[Msg]] = []

    def on_loss_of(self, subscription: NatsSubscription, handler: LossHandler) -> None:
        """Have `handler` called whenever events of a subscription may have been lost, until `forget`."""
        self._loss_handlers[subscription._id] = handler

    def forget(self, subscription: NatsSubscription) -> None:
        self._loss_handlers.pop(subscription._id, None)

    async def on_error(self, error: Exception) -> None:
        # Awaited inside nats-py's read loop: an exception here would silence every subscription.
        if isinstance(error, SlowConsumerError):
            self._too_slow(error)
            return
        violation = _VIOLATION.search(str(error))
        if violation is None:
            log.warning("bus error", extra={"error_type": type(error).__qualname__})
            return
        kind, subject = violation.group(1).lower(), violation.group(2).lower()
        if kind == "subscription":
            self.refused_subscriptions.append(subject)
            return
        if subject.startswith("_inbox"):
            # A reply that comes after the server's patience with it has ended; what we may do is not in question.
            log.warning("late reply refused")
            return
        self.refused_publishes += 1
        _FORBIDDEN.add(1)
        if self.refused_publishes == 1:
            # Once: whoever is refused is refused each time. nats-py hands the subject over in lower case.
            log.error("bus user may not publish", extra={"subject": template(subject)})

    async def on_disconnected(self) -> None:
        if (
            not self._asked_before
        ):  # a loss may be told of more than once, and what is asked meanwhile is yet to be sent
            self._asked_before = list(self.client._resp_map.values())
        if not self._closing:
            log.warning("bus lost")
            _LOST.add(1)
            self._end_in(self._lost_after_s)

    async def on_reconnected(self) -> None:
        log.warning("bus back")
        _BACK.add(1)
        if self._watching:
            self._limit.reschedule(None)
        asked, self._asked_before = self._asked_before, []
        asyncio.get_running_loop().call_later(LATE_ANSWERS_S, _give_up, asked)
        # nats-py has subscribed again and flushed: what is sent from here on arrives.
        for handler in list(self._loss_handlers.values()):
            losses.tell(handler)

    def _too_slow(self, error: SlowConsumerError) -> None:
        # Told once a message, which may be thousands in a second.
        _SLOW.add(1)
        now = asyncio.get_running_loop().time()
        if now - self._slow_logged_at >= SLOW_LOGGED_EVERY_S:
            self._slow_logged_at = now
            log.warning("events lost by a slow handler", extra={"subject": template(error.subject)})
        handler = self._loss_handlers.get(error.sid)
        if handler is not None:
            losses.tell(handler)

    async def on_closed(self) -> None:
        # nats-py gives up for good on most errors that a server says, a password taken back among them.
        if not self._closing:
            log.warning("bus closed the connection")
            self._end_in(0)

    @property
    def _watching(self) -> bool:
        return not self._closing and not self._limit.expired()

    def _end_in(self, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        before = self._limit.when()
        # An attempt to reconnect that fails late tells of a loss again; the first one counts.
        if self._watching and (before is None or end < before):
            self._limit.reschedule(end)

    async def open(self, settings: BusSettings) -> None:
        """Raises UnavailableError if the server does not answer within CONNECT_TIMEOUT_S."""
        try:
            connecting = self.client.connect(
                settings.url.split(","),
                user=settings.user,
                password=settings.password,
                inbox_prefix=settings.inbox_prefix,
                name=settings.name,
                # nats-py's own defaults give up for ever after two minutes and notice a dead server after six.
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                ping_interval=10,
                max_outstanding_pings=2,
                error_cb=self.on_error,
                disconnected_cb=self.on_disconnected,
                reconnected_cb=self.on_reconnected,
                closed_cb=self.on_closed,
                allow_reconnect=True,
            )
            # With endless reconnecting nats-py also waits for its first connection without end.
            await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
        except (NatsError, OSError, TimeoutError) as error:
            self._closing = True
            # nats-py leaves the socket of a refused connection open.
            await self.client.close()
            raise UnavailableError("the bus does not answer") from error

    def shown(self) -> AbstractContextManager[None]:
        """Have the metrics say whether the bus is there, 0 before the first connection too: with the bus away a process
        does little but wait for it."""
        return observing(BUS_CONNECTED, lambda: 1 if self.client.is_connected else 0)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancels the block when the bus is lost, and raises BusLostError in its place."""
        try:
            async with self._limit:
                try:
                    yield
                finally:
                    self._closing = True
        except TimeoutError as error:
            if self._limit.expired():
                raise BusLostError(self._lost_after_s) from error
            raise

    async def close(self) -> None:
        """Not nats-py's drain(): it raises while the bus is away, and hangs after a pull."""
        try:
            if self.client.is_connected:
                await self.client.flush(timeout=CLOSING_FLUSH_S)
        except (NatsError, TimeoutError) as error:
            log.warning("last messages not flushed", extra={"error_type": type(error).__qualname__})
        if not self.client.is_connected:
            # What still waits would be written to a socket that is gone: nats-py's close would raise, half done.
            self.client._pending.clear()
            self.client._pending_data_size = 0
        try:
            await self.client.close()
        except ConnectionClosedError:
            log.info("bus was closed already")


def _give_up(asked: list[asyncio.Future[Msg]]) -> None:
    """End requests that were under way when the bus went away: they, or their answers, went with it. nats-py would wait
    for as long as was given, which is a minute for an operation."""
    waiting = [answer for answer in asked if not answer.done()]
    for answer in waiting:
        answer.set_exception(StaleConnectionError())
    if waiting:
        log.warning("requests lost with the bus", extra={"count": len(waiting)})
