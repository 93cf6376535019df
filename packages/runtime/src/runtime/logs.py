"""Structured logs: one JSON object a line on stderr, static messages, what varies in fields.

An exception shows as its type and the places it went through. Its text stays out, and so do the values in a traceback:
they may quote what a user wrote.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final

from opentelemetry import trace

_OWN_FIELDS: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
STACK_DEPTH: Final = 12


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON; fields come from `extra`."""

    def __init__(self, service: str, instance: str) -> None:
        super().__init__()
        self._service = service
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            # A library's arguments may hold anything; our own messages are static and have none.
            "message": record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__,
        }
        if self._instance:
            line["instance"] = self._instance
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
        line |= {key: value for key, value in record.__dict__.items() if key not in _OWN_FIELDS}
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])[-STACK_DEPTH:]
            line["error_type"] = record.exc_info[0].__qualname__
            line["stack"] = [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, default=lambda value: type(value).__qualname__)


def setup(service: str, instance: str, level: str) -> None:
    """Send every logger's records to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service, instance))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # They speak at info about each request or connection, in texts that quote addresses and SDP.
    for chatty in ("aioice", "aiortc", "httpx", "httpcore", "uvicorn", "nats", "sqlalchemy", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
