"""Structured logs: one JSON object a line on stderr, static messages, what varies in fields.

An exception shows as its type and the places it went through. Its text stays out, and so do the values in a traceback:
they may quote what a user wrote. A library's message stays only where it stands in the library's source as it is; one
that was put together at run time, its arguments and its fields may hold anything, and its place tells as much.

Where there is no logger, the same holds: for what Python itself would print of exceptions that nobody took, and of
warnings.
"""

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

from opentelemetry import trace

log = logging.getLogger(__name__)

_OWN_FIELDS: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_OF_THE_LINE: Final = frozenset(
    {"time", "level", "service", "instance", "logger", "trace_id", "span_id", "place", "stack"}
)
"""No field takes their place, whatever it is called: who wrote a line, and where, is not what the line is about."""
_NO_FIELDS: Final = _OWN_FIELDS | _OF_THE_LINE
_OURS: Final = frozenset(
    {
        "access",
        "agent",
        "bus",
        "contracts",
        "mcp_bridge",
        "rtc_gateway",
        "runtime",
        "signaling",
        "todo_store",
        "verification",
    }
)
"""Packages whose messages are static and whose fields hold nothing that a user wrote; a test holds them to it."""
_CHATTY: Final = ("aioice", "aiortc", "httpx", "httpcore", "uvicorn", "nats", "sqlalchemy", "alembic", "urllib3")
"""They speak at info about each request or connection, in texts that quote addresses and SDP."""
NOT_STATIC: Final = "(not shown)"
STACK_DEPTH: Final = 12
_SEARCH_DEPTH: Final = 24


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
            "message": _message(record),
        }
        if self._instance:
            line["instance"] = self._instance
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line["trace_id"] = trace.format_trace_id(context.trace_id)
            line["span_id"] = trace.format_span_id(context.span_id)
        if _is_ours(record):
            line |= {key: value for key, value in record.__dict__.items() if key not in _NO_FIELDS}
        else:
            line["place"] = f"{record.filename}:{record.lineno}"
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__qualname__
            line["stack"] = _places(record.exc_info[2])
        return json.dumps(line, default=lambda value: type(value).__qualname__)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        # logging's own prints the record, and whatever could not be written of it.
        said = {"level": "error", "logger": record.name, "message": "log line not written"}
        sys.stderr.write(json.dumps(said) + "\n")


def setup(service: str, instance: str, level: str) -> None:
    """Send every logger's records, and what Python would print by itself, to stderr as JSON."""
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonFormatter(service, instance))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _on_end
    sys.unraisablehook = _on_unraisable
    threading.excepthook = _on_thread


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _OURS


def _message(record: logging.LogRecord) -> str:
    said = record.msg
    if not isinstance(said, str):
        return type(said).__qualname__
    return said if _is_ours(record) or _is_static(said, record) else NOT_STATIC


def _is_static(said: str, record: logging.LogRecord) -> bool:
    """Whether the message is a constant of the code that logs it. Called within that call, and looks for its frame."""
    frame = sys._getframe(1)
    for _ in range(_SEARCH_DEPTH):
        code = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return said in code.co_consts
        if frame.f_back is None:
            break
        frame = frame.f_back
    return False


def _places(way: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(way)[-STACK_DEPTH:]
    return [f"{frame.filename.rsplit('/', 2)[-1]}:{frame.lineno} {frame.name}" for frame in frames]


def _on_end(kind: type[BaseException], error: BaseException, way: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("process failed", exc_info=(kind, error, way))


def _on_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    kind, error, way = unraisable.exc_type, unraisable.exc_value, unraisable.exc_traceback
    log.error("exception in a place that cannot raise", exc_info=(kind, error or kind(), way))


def _on_thread(failed: threading.ExceptHookArgs) -> None:
    kind, error, way = failed.exc_type, failed.exc_value, failed.exc_traceback
    if not issubclass(kind, SystemExit):
        log.error("thread failed", exc_info=(kind, error or kind(), way))
