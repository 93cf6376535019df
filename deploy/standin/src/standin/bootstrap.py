"""Joins settings, application and a listening socket, and serves until SIGTERM or SIGINT."""

import contextlib
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from standin.script import SCRIPT, ScriptStep
from standin.server import create_app
from standin.settings import Settings

CONNECTIONS_MAX = 256
KEEP_ALIVE_S = 75
DRAIN_S = 1


class StartError(Exception):
    """Why it could not start, in one line."""


def serve(settings: Settings) -> int:
    """Listen, print one line `stand-in model listening on URL`, serve. The exit status."""
    try:
        listening = _listen(settings.host, settings.port)
        app = create_app(
            scriptable=settings.scriptable,
            script=_script(settings.script),
            delay_ms=settings.delay_ms,
            context_length=settings.context_length,
            parallel=settings.parallel,
        )
    except StartError as error:
        sys.stderr.write(f"standin: {error}\n")
        return 1
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=[("server", "todo-agent-standin")],
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"stand-in model listening on http://{shown}:{port}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has drained by then and raises Ctrl-C again
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(CONNECTIONS_MAX)
    except OSError as error:
        message = f"cannot listen on {host} port {port}: {error.strerror}"
        raise StartError(message) from error
    return listening


def _script(path: Path | None) -> Iterable[ScriptStep]:
    if path is None:
        return ()
    try:
        return SCRIPT.validate_json(path.read_bytes())
    except OSError as error:
        message = f"cannot read the script {path}: {error.strerror}"
        raise StartError(message) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        message = f"the script {path} is not a list of script steps: {place}: {first['msg']}"
        raise StartError(message) from error
