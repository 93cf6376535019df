"""Where the bridge finds its bus, and whose lists are meant where no token tells."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from access.settings import LOCAL_ISSUER
from bus.interface import Bus
from bus.nats_bus import NatsBus
from contracts.tokens import owner_key
from mcp_bridge.link import BusSource, Fixed, Link, LocalStack
from mcp_bridge.settings import Settings

SERVICE: Final = "mcp-bridge"
LOCAL_OWNER: Final = "me"
LEAVE_S: Final = 0.5


@dataclass(frozen=True)
class Source:
    """`owner` is the key of the local owner, and may raise BusError; `lacks` is for readiness."""

    bus: BusSource
    owner: Callable[[], str]
    lacks: Callable[[], str | None]


@asynccontextmanager
async def patient(settings: Settings) -> AsyncIterator[Source]:
    """A bus that may come and go. Nothing is waited for: a client wants to hear of the tools at once."""
    name = f"{SERVICE} {settings.instance or os.getpid()}"
    own = _named(settings)
    if settings.stack_file is not None:
        stack = LocalStack(settings.stack_file, name)
        link, owner = Link(stack.connect), own or stack.owner
    else:

        @asynccontextmanager
        async def connect() -> AsyncIterator[Bus]:
            async with NatsBus.connected_to(settings.bus(SERVICE)) as bus:
                yield bus

        link, owner = Link(connect), own or _me
    running = asyncio.create_task(link.run(), name="link")
    try:
        yield Source(link, owner, lambda: None if link.up else "bus")
    finally:
        running.cancel()
        # Not for longer: a client that has closed stdin waits for this process to be gone.
        await asyncio.wait({running}, timeout=LEAVE_S)


@asynccontextmanager
async def standing(settings: Settings) -> AsyncIterator[Source]:
    """The same for a service that is started anew when it ends: its bus is there, or it ends. Raises BusError."""
    if settings.stack_file is not None:
        async with patient(settings) as source:
            yield source
        return
    async with NatsBus.connected_to(settings.bus(SERVICE)) as bus:
        yield Source(Fixed(bus), _named(settings) or _me, lambda: bus.lacks)


def _named(settings: Settings) -> Callable[[], str] | None:
    if settings.local_owner is None:
        return None
    key = owner_key(LOCAL_ISSUER, settings.local_owner)
    return lambda: key


def _me() -> str:
    return owner_key(LOCAL_ISSUER, LOCAL_OWNER)
