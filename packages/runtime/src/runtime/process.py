"""A service's life: start, serve, drain. The first SIGTERM or SIGINT drains, the second forces."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

import uvloop
from pydantic import ValidationError
from starlette.types import ASGIApp

from bus.errors import BusError
from contracts.message import problem_of
from runtime import http, logs, measuring, telemetry
from runtime.http import Check
from runtime.measuring import Measured
from runtime.settings import ServiceSettings

log = logging.getLogger(__name__)

EXIT_FAILED: Final = 1
EXIT_FORCED: Final = 130
DRAIN_TIMEOUT_S: Final = 40.0

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


@dataclass(frozen=True)
class Running:
    """A service that has been started: how to ask whether it is ready, and its HTTP app if it has one.

    `drain` is awaited when the service is told to stop, while the HTTP server still serves: what it has to say to those
    who are connected there must be said before.
    """

    ready: Check
    app: ASGIApp | None = None
    drain: Callable[[], Awaitable[None]] | None = None


Start = Callable[[SettingsT], AbstractAsyncContextManager[Running]]
"""Joins the real adapters. Inside the context the service serves; leaving it drains."""


def run(service: str, load: Callable[[], SettingsT], start: Start[SettingsT]) -> None:
    """Run a service until it is told to stop. Exits 1, after one line on stderr, when it cannot start.

    `load` makes the settings; it is called here so that a wrong variable is one clear line too.
    """
    try:
        settings = load()
    except ValidationError as error:
        problem = problem_of(error)
        sys.exit(f"{service}: setting {(problem.field or '').upper()}: {problem.detail}")
    logs.setup(service, settings.instance, settings.log_level)
    provider = telemetry.setup(service, settings.instance)
    measured = measuring.setup(service, settings.instance, scraped=settings.metrics_port is not None)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(service, settings, start, measured))
    except BusError as error:
        log.error("cannot run", extra={"code": error.problem.code.value, "detail": error.problem.detail})
        sys.exit(EXIT_FAILED)
    except Exception as error:
        log.exception("cannot run", extra={"error_type": type(error).__qualname__})
        sys.exit(EXIT_FAILED)
    finally:
        if measured is not None:
            measured.shutdown()
        provider.shutdown()


async def _serve(service: str, settings: SettingsT, start: Start[SettingsT], measured: Measured | None) -> None:
    told_to_stop, started = _stop_signals(), asyncio.Event()
    # One task from start to end: what `start` enters, TaskGroups among it, must be left by the task that entered it.
    serving = asyncio.create_task(_until(told_to_stop, started, settings, start, measured))
    stopping = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        log.info("stopping")
        _force_after(DRAIN_TIMEOUT_S, EXIT_FORCED)
        if not started.is_set():
            # It still waits for what it needs, the bus perhaps, and has nothing to drain.
            serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    log.info("stopped", extra={"stopped_service": service})


async def _until(
    told_to_stop: asyncio.Event,
    started: asyncio.Event,
    settings: SettingsT,
    start: Start[SettingsT],
    measured: Measured | None,
) -> None:
    async with measuring.watched(measured, settings.metrics_host, settings.metrics_port), start(settings) as running:
        app = http.application(running.ready, running.app)
        async with http.serving(settings.http_host, settings.http_port, app) as port:
            started.set()
            log.info("serving", extra={"port": port, "pid": os.getpid()})
            try:
                await told_to_stop.wait()
            except asyncio.CancelledError:
                # What it stands on has ended it, the bus that does not come back. Leaving is bounded here too.
                _force_after(DRAIN_TIMEOUT_S, EXIT_FAILED)
                raise
            if running.drain is not None:
                await running.drain()


def _force_after(seconds: float, status: int) -> None:
    asyncio.get_running_loop().call_later(seconds, os._exit, status)


def _stop_signals() -> asyncio.Event:
    told_to_stop = asyncio.Event()

    def stop() -> None:
        if told_to_stop.is_set():
            os._exit(EXIT_FORCED)
        told_to_stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return told_to_stop
