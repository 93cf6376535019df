"""The one place where signaling's real parts are joined."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bus.nats_bus import NatsBus
from runtime.process import Running
from signaling.app import create_app
from signaling.entrance import Entrance
from signaling.gateways import Gateways
from signaling.open_sockets import OpenSockets
from signaling.settings import Settings

SERVICE: Final = "signaling"
DRAIN_TIMEOUT_S: Final = 5.0


@asynccontextmanager
async def start(settings: Settings) -> AsyncIterator[Running]:
    """Serve while the block lasts; its `drain` tells every client to go elsewhere. Raises UnavailableError."""
    sockets = OpenSockets(settings.max_sockets)
    async with NatsBus.connected_to(settings.bus(SERVICE)) as bus:

        async def missing() -> str | None:
            if sockets.draining:
                return "draining"
            return bus.lacks

        gateways = Gateways(bus, settings.offer_timeout_s, settings.candidate_timeout_s)
        app = create_app(settings, Entrance.of(settings), gateways, sockets)

        async def drain() -> None:
            await sockets.drain(DRAIN_TIMEOUT_S)

        yield Running(ready=missing, app=app, drain=drain)
