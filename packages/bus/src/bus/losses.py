"""Tells who subscribed that events may be lost."""

import logging

from bus.interface import LossHandler

log = logging.getLogger(__name__)


def tell(handler: LossHandler) -> None:
    """Call it. What it raises is logged: it is called where an exception would silence every subscription."""
    try:
        handler()
    except Exception as error:
        log.error("loss handler failed", exc_info=error, extra={"error_type": type(error).__qualname__})
