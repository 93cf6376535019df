"""Log lines are JSON, static, and without what a user wrote."""

import json
import logging
import sys

from runtime.logs import JsonFormatter


def line(record: logging.LogRecord) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(JsonFormatter("agent", "a1").format(record))
    return parsed


def test_what_varies_goes_into_fields_and_arguments_of_libraries_stay_out() -> None:
    record = logging.getLogger("x").makeRecord(
        "x", logging.INFO, "f", 1, "received %s", ("buy milk",), None, extra={"partition": 3}
    )
    parsed = line(record)
    assert parsed["message"] == "received %s"
    assert parsed["partition"] == 3
    assert parsed["service"] == "agent"
    assert "buy milk" not in json.dumps(parsed)


def test_an_exception_shows_its_type_and_way_and_never_its_text() -> None:
    try:
        raise ValueError("title was: buy milk")
    except ValueError:
        record = logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    parsed = line(record)
    assert parsed["error_type"] == "ValueError"
    assert any("test_logs.py" in str(place) for place in parsed["stack"])  # type: ignore[attr-defined]
    assert "buy milk" not in json.dumps(parsed)
