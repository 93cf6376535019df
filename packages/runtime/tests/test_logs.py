"""Log lines are JSON, static, and without what a user wrote."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext

from runtime.logs import NOT_STATIC, JsonFormatter

WORDS = "buy milk"


class Lines:
    """What a logger's records become, as they are formatted within the call."""

    def __init__(self) -> None:
        self.stream = StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(JsonFormatter("agent", "a1"))

    def __call__(self) -> list[dict[str, object]]:
        assert WORDS not in self.stream.getvalue()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    logging.getLogger().addHandler(lines.handler)
    yield lines
    logging.getLogger().removeHandler(lines.handler)


def test_what_varies_of_ours_goes_into_fields(lines: Lines) -> None:
    logging.getLogger("agent.turns").warning("turn given up", extra={"partition": 3})
    (line,) = lines()
    assert {name: line[name] for name in ("level", "service", "instance", "logger", "message", "partition")} == {
        "level": "warning",
        "service": "agent",
        "instance": "a1",
        "logger": "agent.turns",
        "message": "turn given up",
        "partition": 3,
    }


def test_no_field_of_a_record_takes_the_place_of_the_line_s_own(lines: Lines) -> None:
    given = dict.fromkeys(("time", "level", "service", "instance", "logger", "stack", "trace_id"), WORDS)
    logging.getLogger("agent.turns").warning("odd", extra={**given, "partition": 3})
    (line,) = lines()
    assert (line["service"], line["instance"], line["logger"], line["partition"]) == ("agent", "a1", "agent.turns", 3)
    assert not {"trace_id", "stack"} & line.keys()


def test_a_line_names_the_span_it_was_written_in(lines: Lines) -> None:
    span = NonRecordingSpan(SpanContext(trace_id=0xAB, span_id=0xCD, is_remote=False))
    with trace.use_span(span):
        logging.getLogger("agent.turns").warning("inside")
    logging.getLogger("agent.turns").warning("outside")
    inside, outside = lines()
    assert (inside["trace_id"], inside["span_id"]) == (f"{0xAB:032x}", f"{0xCD:016x}")
    assert "trace_id" not in outside


def test_a_library_s_message_is_shown_as_it_stands_in_its_source_without_arguments_or_fields(lines: Lines) -> None:
    logging.getLogger("library").warning("received %s", WORDS, extra={"body": WORDS})
    (line,) = lines()
    assert line["message"] == "received %s"
    assert str(line["place"]).startswith("test_logs.py:")
    assert "body" not in line


def test_a_message_that_a_library_put_together_is_not_shown_and_its_place_is(lines: Lines) -> None:
    logging.getLogger("library").warning(f"received {WORDS}")  # noqa: G004
    (line,) = lines()
    assert line["message"] == NOT_STATIC
    assert str(line["place"]).startswith("test_logs.py:")


async def test_what_asyncio_says_of_a_failed_task_holds_none_of_the_exception(lines: Lines) -> None:
    async def fail() -> None:
        raise ValueError(WORDS)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        loop.default_exception_handler(context)

    loop = asyncio.get_running_loop()
    task = loop.create_task(fail())
    await asyncio.wait({task})
    handle(loop, {"message": "Task exception was never retrieved", "exception": task.exception(), "task": task})
    (line,) = lines()
    assert (line["logger"], line["message"], line["error_type"]) == ("asyncio", NOT_STATIC, "ValueError")


def test_an_exception_shows_its_type_and_way_and_never_its_text(lines: Lines) -> None:
    try:
        raise ValueError(f"title was: {WORDS}")
    except ValueError:
        logging.getLogger("agent.turns").exception("failed")
    (line,) = lines()
    assert line["error_type"] == "ValueError"
    assert any("test_logs.py" in str(place) for place in line["stack"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("code", "message", "error_type"),
    [
        ("raise ValueError(WORDS)", "process failed", "ValueError"),
        ("thread = threading.Thread(target=int, args=(WORDS,)); thread.start(); thread.join()", "thread failed", None),
        ("Dying(); gc.collect()", "exception in a place that cannot raise", "KeyError"),
        ("warnings.warn(WORDS)", NOT_STATIC, None),
        ("logging.getLogger('agent').error('x', extra={'broken': Unprintable()})", "log line not written", None),
    ],
)
def test_what_python_prints_by_itself_is_a_line_without_texts_too(
    code: str, message: str, error_type: str | None
) -> None:
    script = f"""
import gc, logging, threading, warnings
from runtime import logs
WORDS = {WORDS!r}
class Dying:
    def __del__(self):
        raise KeyError(WORDS)
class Unprintable(dict):
    def __init__(self):
        super().__init__({{(1, 2): WORDS}})
logs.setup("agent", "a1", "info")
{code}
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert WORDS not in said.stderr
    (line,) = [json.loads(line) for line in said.stderr.splitlines()]
    assert line["message"] == message
    assert error_type in {None, line.get("error_type")}
