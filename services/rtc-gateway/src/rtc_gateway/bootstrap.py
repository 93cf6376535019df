"""Joins the real adapters: NATS on one side, aiortc on the other."""

import asyncio
import resource
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bus.metering import observing
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.gateway import AddCandidate, ClosePeer, OpenPeer
from contracts.metrics import ROOM
from rtc_gateway.aiortc_adapter import AiortcPeers
from rtc_gateway.doorway import Doorway
from rtc_gateway.measures import Measures
from rtc_gateway.model_news import ModelNews
from rtc_gateway.registry import Registry
from rtc_gateway.session import SessionLimits
from rtc_gateway.settings import Settings
from runtime.process import Running

SERVICE = "rtc-gateway"
SPARE_SHARE = 50
"""A full gateway takes offers again when one in so many places is free, so that it does not come and go with each."""


@asynccontextmanager
async def start(settings: Settings) -> AsyncIterator[Running]:
    """Serve offers inside. Leaving drains: no more offers, `draining` to every page, time to leave, close."""
    _allow_many_sockets()
    instance = secrets.token_hex(8)
    peers = AiortcPeers(settings.aiortc())
    try:
        async with NatsBus.connected_to(settings.bus(SERVICE)) as bus:
            model = ModelNews(bus, silent_after_s=settings.agents_silent_after_s)
            registry = Registry(
                instance=instance,
                bus=bus,
                peers=peers,
                capacity=settings.sessions_max,
                owner_capacity=settings.owner_sessions_max,
                limits=SessionLimits(look_every_s=settings.look_every_s),
                measures=Measures(),
                model=model,
            )
            async with model.listening(), registry.running():
                # The verbs for this instance first: an answered offer may be followed by them at once.
                await bus.serve(subjects.rtc_candidate(instance), AddCandidate, registry.add_candidate, queue=None)
                await bus.serve(subjects.rtc_close(instance), ClosePeer, registry.close, queue=None)
                doorway = Doorway(
                    registry,
                    lambda: bus.serve(subjects.RTC_OFFER, OpenPeer, registry.open, queue=subjects.QUEUE_RTC),
                    spare=max(1, settings.sessions_max // SPARE_SHARE),
                )
                await doorway.open()
                async with asyncio.TaskGroup() as tasks:
                    keeping = tasks.create_task(doorway.run())
                    try:
                        with observing(ROOM, lambda: registry.room):
                            yield Running(ready=registry.ready)
                    finally:
                        # Also when the bus was lost: the pages are still connected, and another gateway may serve them.
                        keeping.cancel()
                        await doorway.close()
                        await registry.drain(settings.drain_s)
    finally:
        await peers.close()


def _allow_many_sockets() -> None:
    """Each peer takes a socket for each local address; the usual soft limit of 1,024 files would end early."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
