"""From the command line to one of the bridge's three ways of serving."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

import uvloop
from pydantic import ValidationError

from contracts.message import problem_of
from mcp_bridge.command_line import Address, Options, options
from mcp_bridge.settings import Settings
from mcp_bridge.sources import SERVICE
from mcp_bridge.tools import offered
from mcp_bridge.wire import Wire
from runtime import logs, telemetry

log = logging.getLogger(__name__)

EXIT_USAGE: Final = 2


def run(descriptors: tuple[int, int] | None) -> None:
    """Serve until told to stop. `descriptors` are those of the wire, where stdin and stdout are it."""
    wanted = options()
    if descriptors is None or wanted.http is not None:
        _serve_http(wanted, wanted.http or Address("127.0.0.1", 0))
    elif wanted.url is not None:
        from mcp_bridge.remote import passing_on  # noqa: PLC0415 - its HTTP client takes time to import

        _serve_wire(partial(passing_on, url=wanted.url), descriptors)
    else:
        from mcp_bridge.stdio import serve  # noqa: PLC0415

        _serve_wire(partial(serve, offered(only=wanted.tools, read_only=wanted.read_only)), descriptors)


def _serve_http(wanted: Options, at: Address) -> None:
    from mcp_bridge.http import start  # noqa: PLC0415
    from runtime import process  # noqa: PLC0415

    tools = offered(only=wanted.tools, read_only=wanted.read_only)
    _quiet()
    process.run(SERVICE, lambda: Settings(http_host=at.host, http_port=at.port), partial(start, tools=tools))


def _serve_wire(serve: Callable[[Settings, Wire], Coroutine[None, None, None]], descriptors: tuple[int, int]) -> None:
    try:
        settings = Settings()
    except ValidationError as error:
        problem = problem_of(error)
        sys.stderr.write(f"{SERVICE}: setting {(problem.field or '').upper()}: {problem.detail}\n")
        sys.exit(EXIT_USAGE)
    logs.setup(SERVICE, settings.instance, settings.log_level)
    _quiet()
    provider = telemetry.setup(SERVICE, settings.instance)
    # By OTLP alone: it is gone before anybody scrapes it, and a second one would find the port taken.
    measured = None
    if telemetry.wanted("METRICS"):
        from runtime import measuring  # noqa: PLC0415 - with an HTTP server, which a wire has no use for

        measured = measuring.setup(SERVICE, settings.instance, scraped=False)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_on_a_wire(serve, settings, descriptors))
    finally:
        if measured is not None:
            measured.shutdown()
        provider.shutdown()


async def _on_a_wire(
    serve: Callable[[Settings, Wire], Coroutine[None, None, None]], settings: Settings, descriptors: tuple[int, int]
) -> None:
    await serve(settings, Wire.over(descriptors))


def _quiet() -> None:
    # They speak at info of each request, and quote what came in it.
    for chatty in ("mcp", "httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
