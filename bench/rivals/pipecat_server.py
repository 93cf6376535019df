"""pipecat's SmallWebRTC as its runner serves it, with an echo where the bot would be. Runs in the rivals' environment.

`python pipecat_server.py PAGE.js` prints its port. No pipeline is built: it would only add to every figure. What its
connections say of themselves is printed as lines of JSON: `{"at": seconds since 1970, "event": ...}`.
"""

import asyncio
import contextlib
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from loguru import logger
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.request_handler import (
    SmallWebRTCPatchRequest,
    SmallWebRTCRequest,
    SmallWebRTCRequestHandler,
)

PAGE = '<!doctype html><title>pipecat</title><link rel="icon" href="data:,"><script src="/page.js"></script>'
LOOK_EVERY_S = 0.02


def say(event: str) -> None:
    sys.stdout.write(json.dumps({"at": time.time(), "event": event}) + "\n")
    sys.stdout.flush()


def application(page: Path) -> FastAPI:
    """`/`, `/page.js`, and what the runner has: POST and PATCH of `/api/offer`."""
    app = FastAPI()
    handler = SmallWebRTCRequestHandler()
    watching: set[asyncio.Task[None]] = set()

    async def watch(connection: SmallWebRTCConnection) -> None:
        """Say when their own measure of liveness, which is asked and never tells, says that nobody is there."""
        for wanted in (True, False):
            while connection.is_connected() is not wanted:  # noqa: ASYNC110 - it offers nothing to wait for
                await asyncio.sleep(LOOK_EVERY_S)
        say("is_connected() is false")

    async def begin(connection: SmallWebRTCConnection) -> None:
        @connection.event_handler("app-message")
        async def answer(connection: SmallWebRTCConnection, message: dict[str, Any]) -> None:
            if message["type"] == "client-ready":
                ready = {"label": "rtvi-ai", "type": "bot-ready", "id": message["id"], "data": {"version": "1.0.0"}}
                connection.send_app_message(ready)
            elif message["type"] == "ping":
                connection.send_app_message({"type": "pong", "ref": message["id"]})

        @connection.event_handler("closed")
        async def closed(_: SmallWebRTCConnection) -> None:
            say("closed")

        await connection.connect()
        task = asyncio.get_running_loop().create_task(watch(connection))
        watching.add(task)
        task.add_done_callback(watching.discard)

    @app.get("/")
    async def index() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @app.get("/page.js")
    async def script() -> FileResponse:
        return FileResponse(page, media_type="text/javascript")

    @app.post("/api/offer")
    async def offer(request: SmallWebRTCRequest) -> dict[str, str] | None:
        return await handler.handle_web_request(request, begin)

    @app.patch("/api/offer")
    async def candidates(request: SmallWebRTCPatchRequest) -> dict[str, str]:
        await handler.handle_patch_request(request)
        return {"status": "success"}

    return app


async def main() -> None:
    """Serve until killed."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(application(Path(sys.argv[1])), log_level="warning", access_log=False)
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
