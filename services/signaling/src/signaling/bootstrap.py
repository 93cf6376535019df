"""The one place where signaling's real parts are joined."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from access.settings import LOCAL_ISSUER, Door, door
from bus.interface import Bus
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.gateway import VerifyToken
from contracts.tokens import owner_key
from runtime.process import Running
from signaling.app import create_app
from signaling.crowd import Crowd
from signaling.entrance import Entrance, Everybody
from signaling.gateways import Gateways
from signaling.ice_servers import IceServers
from signaling.open_sockets import OpenSockets
from signaling.sessions import Sessions
from signaling.settings import Settings
from signaling.verification import TokenVerification

SERVICE: Final = "signaling"
DRAIN_TIMEOUT_S: Final = 5.0


@asynccontextmanager
async def start(settings: Settings) -> AsyncIterator[Running]:
    """Serve while the block lasts; its `drain` tells every client to go elsewhere. Raises UnavailableError."""
    sockets = OpenSockets(settings.max_sockets)
    async with NatsBus.connected_to(settings.bus(SERVICE)) as bus, door(settings) as entry:

        async def missing() -> str | None:
            if sockets.draining:
                return "draining"
            return bus.lacks or entry.lacks

        gateways = Gateways(bus, settings.offer_timeout_s, settings.candidate_timeout_s)
        crowd = Crowd(settings.bounds, time.monotonic)
        app = create_app(settings, entrance(settings, entry, bus), gateways, sockets, crowd)
        renewals = await bus.serve(
            subjects.AUTH_VERIFY, VerifyToken, TokenVerification(entry.verifier).verify, queue=subjects.QUEUE_AUTH
        )

        async def drain() -> None:
            await sockets.drain(DRAIN_TIMEOUT_S)

        try:
            yield Running(ready=missing, app=app, drain=drain)
        finally:
            await renewals.close()


def entrance(settings: Settings, entry: Door, bus: Bus) -> Entrance:
    """The entrance that the settings describe."""
    everybody = Everybody(owner_key(LOCAL_ISSUER, settings.local_owner), settings.local_owner)
    ice_servers = IceServers(
        stun_urls=settings.stun_urls,
        turn_urls=settings.turn_urls,
        turn_secret=settings.newest_turn_secret,
        turn_ttl_s=settings.turn_ttl_s,
    )
    return Entrance(entry.verifier or everybody, Sessions(bus), ice_servers, timeout_s=settings.enter_timeout_s)
