"""The one HTTP server of a process: `/healthz`, `/readyz` and, where there is one, the service's own app."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

log = logging.getLogger(__name__)

READY_TIMEOUT_S: Final = 2.0
CLOSE_TIMEOUT_S: Final = 5.0

Check = Callable[[], Awaitable[str | None]]
"""Answers None when ready, else a short code of what is missing."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which are the process's, and with an event for having started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class _WebSockets(WebSocketsSansIOProtocol):
    """uvicorn's, which knows no end of a handshake but acceptance: after every refusal it logs an error."""

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True


def application(ready: Check, app: ASGIApp | None) -> Starlette:
    """Liveness says that the event loop turns; readiness, that the service can do its work.

    Both answer under every Host, unlike an `app` that checks it: probes come by address, and what they learn, whoever
    asks, is one of a few words.
    """

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        try:
            missing = await asyncio.wait_for(ready(), READY_TIMEOUT_S)
        except TimeoutError:
            missing = "timeout"
        if missing is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not_ready", "missing": missing}, status_code=503)

    routes: list[BaseRoute] = [Route("/healthz", healthz), Route("/readyz", readyz)]
    if app is not None:
        routes.append(Mount("/", app=app))
    return Starlette(routes=routes)


@asynccontextmanager
async def serving(host: str, port: int, asgi: ASGIApp) -> AsyncIterator[int]:
    """Serve for the length of the block; yields the port. Raises OSError when the port is taken."""
    listener = socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=256
    )
    # What is accepted inherits it; asyncio sets it only on sockets that know their protocol, and this one does not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        asgi,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        # uvicorn's own would believe whoever connects from 127.0.0.1; a service that has proxies in front says which.
        proxy_headers=False,
        ws=_WebSockets,
        ws_max_size=128 * 1024,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=int(CLOSE_TIMEOUT_S),
        limit_concurrency=2048,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.listening.wait()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        _, late = await asyncio.wait({task}, timeout=CLOSE_TIMEOUT_S + 2)
        if late:
            log.error("http server did not stop")
            task.cancel()
        listener.close()
