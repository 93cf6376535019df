"""The bridge on stdin and stdout: one client, which started it and ends it by closing stdin."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from bus.errors import BusError
from bus.interface import Bus
from bus.nats_bus import NatsBus
from contracts.tokens import owner_key
from mcp_bridge.link import LOCAL_ISSUER, Link, LocalStack
from mcp_bridge.pushing import Pushing
from mcp_bridge.server import Bridge, initialization
from mcp_bridge.settings import Settings
from mcp_bridge.store import AwayError
from mcp_bridge.tools import Tool
from mcp_bridge.wire import Incoming, Outgoing, Unanswered

SERVICE: Final = "mcp-bridge"
DRAIN_S: Final = 15.0
"""A call in hand is given so long after SIGTERM; none is patient for longer."""
LEAVE_S: Final = 0.5
EXIT_FORCED: Final = 130


async def serve(settings: Settings, tools: Mapping[str, Tool], descriptors: tuple[int, int]) -> None:
    """Until stdin ends, or until the first SIGTERM or SIGINT and then the calls in hand. A second one ends at once."""
    incoming_descriptor, outgoing_descriptor = descriptors
    unanswered = Unanswered()
    outgoing = Outgoing(outgoing_descriptor, unanswered)
    incoming = Incoming(incoming_descriptor, unanswered, outgoing)
    async with linked(settings) as (link, owner):
        bridge = Bridge(link, tools, lambda _: _owner(owner))
        pushing = Pushing(bridge.live, owner)
        server = bridge.server(pushing)

        def stop() -> None:
            incoming.stop()
            bridge.live.close()

        stop_on_signals(stop)
        try:
            await server.run(incoming, outgoing, initialization(server))
        finally:
            await pushing.close()


@asynccontextmanager
async def linked(settings: Settings) -> AsyncIterator[tuple[Link, Callable[[], str]]]:
    """A link to the bus that the settings name, and who the owner is. Nothing is waited for."""
    name = f"{SERVICE} {settings.instance or os.getpid()}"
    if settings.stack_file is not None:
        stack = LocalStack(settings.stack_file, name)
        link, owner = Link(stack.connect), stack.owner
    else:
        key = owner_key(LOCAL_ISSUER, settings.local_owner)

        @asynccontextmanager
        async def connect() -> AsyncIterator[Bus]:
            async with NatsBus.connected_to(settings.bus(SERVICE)) as bus:
                yield bus

        link, owner = Link(connect), lambda: key
    running = asyncio.create_task(link.run(), name="link")
    try:
        yield link, owner
    finally:
        running.cancel()
        # Not for longer: a client that has closed stdin waits for this process to be gone.
        await asyncio.wait({running}, timeout=LEAVE_S)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` on the first SIGTERM or SIGINT, and be gone on the second, or DRAIN_S later."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def on_signal() -> None:
        if told.is_set():
            os._exit(EXIT_FORCED)
        told.set()
        loop.call_later(DRAIN_S, os._exit, EXIT_FORCED)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)


def _owner(owner: Callable[[], str]) -> str:
    try:
        return owner()
    except BusError as error:
        raise AwayError(error.problem, in_doubt=False) from error
