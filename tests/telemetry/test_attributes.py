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
NAME = {"step": 1, "start_span": 0, "start_as_current_span": 0, "called": 0, "update_name": 0}


def literals(source: str) -> Iterator[tuple[int, str]]:
    """The line and the words of each span's name and each attribute that is written out instead of named."""
    tree = ast.parse(source)
    for scope in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        yield from _within(scope)
    yield from _within(ast.Module([node for node in tree.body if not isinstance(node, ast.ClassDef)], []))


def _within(scope: ast.AST) -> Iterator[tuple[int, str]]:
    given = _assigned(scope)
    for call in (node for node in ast.walk(scope) if isinstance(node, ast.Call)):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called == "set_attribute" and call.args:
            yield from _written(call.args[0])
        for named in _arguments(call, NAME.get(called), "name", given):
            yield from _written(named)
        for mapping in _arguments(call, MAPPING.get(called), "attributes", given):
            for key in _keys(mapping):
                yield from _written(key)
        if called in MAPPING and given:
            for name in (argument.id for argument in ast.walk(call) if isinstance(argument, ast.Name)):
                for key in given.get(f"{name}[]", ()):
                    yield from _written(key)


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """What the names of the scope are made of; of `name[key] = ...` the keys, under `name[]`."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(scope):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                found.setdefault(target.id, []).append(value)
            elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                found.setdefault(f"{target.value.id}[]", []).append(target.slice)
    return found


def _arguments(call: ast.Call, place: int | None, keyword: str, given: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    if place is None:
        return
    for argument in [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == keyword)]:
        yield argument
        if isinstance(argument, ast.Name):
            yield from given.get(argument.id, ())


def _keys(mapping: ast.expr) -> Iterator[ast.expr]:
    if isinstance(mapping, ast.Dict):
        yield from (key for key in mapping.keys if key is not None)
    elif isinstance(mapping, ast.DictComp):
        yield mapping.key


def _written(key: ast.expr) -> Iterator[tuple[int, str]]:
    # Of constants alone, with what joins them, a name may be put together.
    parts = key.values if isinstance(key, ast.JoinedStr) else [key]
    said = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    if any(character.isalpha() for character in said):
        yield key.lineno, ast.unparse(key)


def test_sources_are_found() -> None:
    assert len(SOURCES) > 15
    assert ROOT / "packages/bus/src/bus/tracing.py" in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_name_and_no_attribute_is_written_out(path: Path) -> None:
    assert list(literals(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        'span.set_attribute("todo.title", title)',
        'span.set_attribute(f"rtc.{name}", value)',
        'span.set_attributes({"a.b": 1})',
        'step(tracer, PLAN, kind, {"a.b": 1})',
        'tracing.step(tracer, PLAN, attributes={"a.b": 1})',
        "span.set_attributes({f'rtc.{name}': value for name in names})",
        'step(tracer, "signaling.enter")',
        'span.update_name(f"chat {name}")',
        "def f(kind):\n    name = f'signaling.{kind}'\n    step(tracer, name)",
        "def f():\n    given = {'a.b': 1}\n    step(tracer, NAME, kind, given)",
        "def f():\n    given = {NAME: 1}\n    given['a.b'] = 1\n    step(tracer, NAME, attributes=given)",
    ],
)
def test_one_that_is_written_out_is_found(source: str) -> None:
    assert list(literals(source))
