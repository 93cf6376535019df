"""The end of a bridge on stdio, where it is told to stop: what is in hand is finished."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

DRAIN_S: Final = 15.0
"""A call in hand is given so long after SIGTERM; none is patient for longer."""
EXIT_FORCED: Final = 130


def on_stop_signals(stop: Callable[[], None]) -> None:
    """Call `stop` on the first SIGTERM or SIGINT, and be gone on the second, or DRAIN_S later."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def on_signal() -> None:
        if told.is_set():
            os._exit(EXIT_FORCED)
        told.set()
        log.info("stopping")
        loop.call_later(DRAIN_S, os._exit, EXIT_FORCED)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
