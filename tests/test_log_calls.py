"""Every log call of ours says something static; what varies goes into fields whose names are few and the same."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.logs import _OURS

ROOT = Path(__file__).parents[1]
LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
FIELDS = frozenset(
    {
        # What went wrong: a class's name, a code of ours, somebody else's.
        "error_type", "error_id", "code", "err_code", "status", "fault", "reason", "cause", "what", "detail",
        # What it is about: names that mean nothing to anybody else.
        "session", "turn", "turns", "subject", "stream_sequence", "change_id", "partition", "instance", "gateway",
        "tool",
        "metric", "label", "revision", "database", "missing", "path", "protocol", "local", "remote", "port", "ports",
        "pid", "task", "state",
        # How much and how often.
        "count", "deliveries", "attempt", "crashes", "tries", "left", "closed", "connect_ms", "at", "asked", "served",
        "stopped_service", "mismatches",
    }
)  # fmt: skip
"""A new one is added here by whoever has made sure that it cannot hold what a user wrote."""


def sources() -> Iterator[Path]:
    for folder in ("packages", "services"):
        yield from sorted((ROOT / folder).glob("*/src/**/*.py"))


def log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
            of = node.func.value
            if isinstance(of, ast.Name) and of.id in {"log", "logger", "logging"}:
                yield node


def faults(tree: ast.AST) -> list[str]:
    """What is wrong with the log calls of a module, by their lines."""
    found = []
    for call in log_calls(tree):
        line = call.lineno
        if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant) or not isinstance(call.args[0].value, str):
            found.append(f"{line}: the message is not one literal")
            continue
        if "%" in call.args[0].value or "{" in call.args[0].value:
            found.append(f"{line}: the message has a place for something")
        for keyword in call.keywords:
            if keyword.arg == "extra":
                found += [f"{line}: {fault}" for fault in _faults_of_fields(keyword.value)]
            elif keyword.arg != "exc_info":
                found.append(f"{line}: {keyword.arg} is none of extra and exc_info")
    return found


def _faults_of_fields(fields: ast.expr) -> Iterator[str]:
    if not isinstance(fields, ast.Dict):
        if not isinstance(fields, ast.Name):
            yield "extra is not a dict that stands there"
        return
    for key in fields.keys:
        if key is None:
            continue  # another dict's, unpacked; its own keys are looked at where it is written
        if not isinstance(key, ast.Constant) or key.value not in FIELDS:
            yield f"a field {ast.unparse(key)}, which is none of FIELDS"


def test_messages_are_literal_and_fields_are_known() -> None:
    modules = {path: ast.parse(path.read_text()) for path in sources()}
    found = [f"{path.relative_to(ROOT)}:{fault}" for path, tree in modules.items() for fault in faults(tree)]
    assert found == []
    assert sum(len(list(log_calls(tree))) for tree in modules.values()) > 80


@pytest.mark.parametrize(
    "call",
    [
        'log.info(f"made {title}")',
        'log.info("made %s", title)',
        "log.info(title)",
        'log.info("made " + title)',
        'log.info("made", extra={"title": title})',
        'log.info("made {}".format(title))',
    ],
)
def test_what_could_hold_a_title_is_found(call: str) -> None:
    assert faults(ast.parse(call))


def test_every_package_of_ours_is_known_to_be_ours() -> None:
    """The formatter shows the messages and fields of these; the others' only as far as they are static."""
    assert {path.parts[path.parts.index("src") + 1] for path in sources()} - {"client"} == _OURS
