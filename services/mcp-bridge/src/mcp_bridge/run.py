"""From the command line to one of the bridge's three ways of serving."""

import asyncio
import logging
import sys
from typing import Final

import uvloop
from pydantic import ValidationError

from contracts.message import problem_of
from mcp_bridge import stdio
from mcp_bridge.command_line import options
from mcp_bridge.settings import Settings
from mcp_bridge.tools import offered
from runtime import logs, telemetry

log = logging.getLogger(__name__)

EXIT_USAGE: Final = 2


def run(descriptors: tuple[int, int] | None) -> None:
    """Serve until told to stop. `descriptors` are those of the wire, where stdin and stdout are it."""
    wanted = options()
    try:
        settings = Settings()
    except ValidationError as error:
        problem = problem_of(error)
        sys.stderr.write(f"mcp-bridge: setting {(problem.field or '').upper()}: {problem.detail}\n")
        sys.exit(EXIT_USAGE)
    tools = offered(only=wanted.tools, read_only=wanted.read_only)
    logs.setup(stdio.SERVICE, settings.instance, settings.log_level)
    logging.getLogger("mcp").setLevel(logging.WARNING)
    provider = telemetry.setup(stdio.SERVICE, settings.instance)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if descriptors is not None:
                runner.run(stdio.serve(settings, tools, descriptors))
    finally:
        provider.shutdown()
