"""The bridge over Streamable HTTP: any number of them serve any client, since none keeps anything of one.

The revisions before 2026-07-28 have sessions; without them they have everything but news that are pushed.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from access.settings import Door, door
from mcp_bridge.callers import by_token, local
from mcp_bridge.gate import Gate
from mcp_bridge.server import Bridge
from mcp_bridge.settings import Settings
from mcp_bridge.sources import standing
from mcp_bridge.tools import Tools
from runtime.process import Running

PATH: Final = "/mcp"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource"
BODY_MAX_BYTES: Final = 256 * 1024
_LOOPBACK_ORIGINS: Final = ("http://localhost", "http://127.0.0.1", "http://[::1]")


@asynccontextmanager
async def start(settings: Settings, tools: Tools) -> AsyncIterator[Running]:
    """Serve while the block lasts. Raises BusError."""
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(standing(settings))
        entry = await stack.enter_async_context(door(settings))
        bridge = Bridge(source.bus, tools, local(source.owner) if entry.verifier is None else by_token)
        sessions = StreamableHTTPSessionManager(
            app=bridge.server(),
            stateless=True,
            security_settings=security(settings),
            max_request_body_size=BODY_MAX_BYTES,
        )
        await stack.enter_async_context(sessions.run())

        async def lacks() -> str | None:
            return source.lacks() or entry.lacks

        async def drain() -> None:
            bridge.live.close()

        yield Running(ready=lacks, app=application(settings, entry, sessions), drain=drain)


def application(settings: Settings, entry: Door, sessions: StreamableHTTPSessionManager) -> Starlette:
    """`/mcp`, behind the gate where tokens are asked for; and for OAuth clients, where they get one."""
    endpoint: ASGIApp = StreamableHTTPASGIApp(sessions)
    metadata = _metadata(settings)
    if entry.verifier is not None:
        endpoint = Gate(endpoint, entry.verifier, None if metadata is None else _metadata_url(settings))
    # POST alone: sessions, which GET and DELETE are about, there are none.
    routes: list[BaseRoute] = [Route(PATH, endpoint=endpoint, methods=["POST"])]
    if metadata is not None:

        async def told(_: Request) -> JSONResponse:
            return JSONResponse(metadata, headers={"access-control-allow-origin": "*"})

        routes += [Route(path, told) for path in (METADATA_PATH, METADATA_PATH + PATH)]
    return Starlette(routes=routes)


def security(settings: Settings) -> TransportSecuritySettings:
    """Which Host and Origin headers are taken: a page of a stranger can point a name of its own at this machine."""
    if settings.secured and "*" in settings.allowed_hosts:
        # Whoever calls has to hold a token, which no page has.
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return TransportSecuritySettings(
        allowed_hosts=[form for host in settings.allowed_hosts for form in (host, f"{host}:*")],
        allowed_origins=[
            *settings.allowed_origins,
            *(form for origin in _LOOPBACK_ORIGINS for form in (origin, f"{origin}:*")),
        ],
    )


def _metadata(settings: Settings) -> dict[str, object] | None:
    """RFC 9728: who gives out the tokens that are taken here."""
    if settings.public_url is None or settings.auth_jwks_url is None:
        return None
    return {
        "resource": settings.public_url,
        "authorization_servers": [settings.expected.issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": "To-do lists",
    }


def _metadata_url(settings: Settings) -> str:
    public = urlsplit(settings.public_url or "")
    return f"{public.scheme}://{public.netloc}{METADATA_PATH}{PATH}"
