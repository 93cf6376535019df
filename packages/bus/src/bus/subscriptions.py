"""What a service holds of its subscriptions on the real bus, to close them by."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import Error as NatsError

from bus.connection import Connection
from bus.serving import Endpoint

log = logging.getLogger(__name__)

DRAIN_TIMEOUT_S: Final = 5


@dataclass(frozen=True)
class EventSubscription:
    """Of events: what is not handled yet is left alone."""

    connection: Connection
    subscription: NatsSubscription

    async def close(self) -> None:
        self.connection.forget(self.subscription)
        if not self.connection.client.is_closed:
            await self.subscription.unsubscribe()


@dataclass(frozen=True)
class ServedSubscription:
    """Of requests: what has been delivered is answered first."""

    client: Client
    subscription: NatsSubscription
    endpoint: Endpoint[Any]  # the request's type matters to its handler alone

    async def close(self) -> None:
        if self.client.is_connected:
            # Leaves the queue group, then lets what has been delivered be answered.
            await asyncio.wait({asyncio.ensure_future(_drained(self.subscription))}, timeout=DRAIN_TIMEOUT_S)
        await self.endpoint.finished()


async def _drained(subscription: NatsSubscription) -> None:
    try:
        await subscription.drain()  # type: ignore[no-untyped-call]
    except NatsError as error:
        log.warning("subscription not drained", extra={"error_type": type(error).__qualname__})
