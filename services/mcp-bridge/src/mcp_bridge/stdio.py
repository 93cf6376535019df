"""The bridge on stdin and stdout: one client, which started it and ends it by closing stdin."""

from mcp_bridge.callers import local
from mcp_bridge.pushing import Pushing
from mcp_bridge.server import Bridge, initialization
from mcp_bridge.settings import Settings
from mcp_bridge.sources import patient
from mcp_bridge.stopping import on_stop_signals
from mcp_bridge.tools import Tools
from mcp_bridge.wire import Wire


async def serve(tools: Tools, settings: Settings, wire: Wire) -> None:
    """Until stdin ends, or until the first SIGTERM or SIGINT and then the calls in hand. A second one ends at once."""
    async with patient(settings) as source:
        bridge = Bridge(source.bus, tools, local(source.owner))
        pushing = Pushing(bridge.live, source.owner)
        server = bridge.server(pushing)

        def stop() -> None:
            wire.incoming.stop()
            bridge.live.close()

        on_stop_signals(stop)
        try:
            await server.run(wire.incoming, wire.outgoing, initialization(server))
        finally:
            await pushing.close()
