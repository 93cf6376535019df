"""Every attribute that our code sets, and every span that it names, is a constant of `contracts.conventions`.

By the source, because a branch that no test takes records as well.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for pattern in ("packages/*/src/**/*.py", "services/*/src/**/*.py")
    for path in ROOT.glob(pattern)
    if "opentelemetry" in path.read_text() or "tracing" in path.read_text()
)
MAPPING = {"set_attributes": 0, "step": 3, "start_span": 3, "start_as_current_span": 3, "called": 3}


def literals(source: str) -> Iterator[tuple[int, str]]:
    """The line and the words of each attribute of a span that is written out instead of named."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "set_attribute" and call.args:
            yield from _written(call.args[0])
        place = MAPPING.get(name)
        if place is None:
            continue
        given = [word.value for word in call.keywords if word.arg == "attributes"]
        for mapping in [*call.args[place : place + 1], *given]:
            if isinstance(mapping, ast.Dict):
                for key in mapping.keys:
                    if key is not None:
                        yield from _written(key)
            elif isinstance(mapping, ast.DictComp):
                yield from _written(mapping.key)


def _written(key: ast.expr) -> Iterator[tuple[int, str]]:
    if isinstance(key, ast.Constant | ast.JoinedStr):
        yield key.lineno, ast.unparse(key)


def test_sources_are_found() -> None:
    assert len(SOURCES) > 15
    assert ROOT / "packages/bus/src/bus/tracing.py" in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_attribute_is_written_out(path: Path) -> None:
    assert list(literals(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        'span.set_attribute("todo.title", title)',
        'span.set_attribute(f"rtc.{name}", value)',
        'span.set_attributes({"a.b": 1})',
        'step(tracer, "PLAN", kind, {"a.b": 1})',
        'tracing.step(tracer, "PLAN", attributes={"a.b": 1})',
        "span.set_attributes({f'rtc.{name}': value for name in names})",
    ],
)
def test_one_that_is_written_out_is_found(source: str) -> None:
    assert list(literals(source))
