"""The names that spans are given: those of the conventions are the conventions' own, current and spelt as they are."""

import importlib
import inspect
import pkgutil
import warnings

from opentelemetry.semconv import attributes
from opentelemetry.semconv._incubating import attributes as incubating

from contracts import conventions

OURS = ("todo.", "nats.", "rtc.")
MOVED = ("gen_ai.", "mcp.")
"""To a repository of their own: the installed package still has them, all marked as deprecated."""
_MOVED_TO = "semantic-conventions-genai"


def _known() -> dict[str, str]:
    """Every attribute of the installed conventions, and what stands below it. A stable one's text goes first."""
    found: dict[str, str] = {}
    for package in (attributes, incubating):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            with warnings.catch_warnings(action="ignore"):
                loaded = importlib.import_module(module.name)
            source = inspect.getsource(loaded)
            for constant, value in vars(loaded).items():
                if constant.isupper() and isinstance(value, str):
                    after = source.split(f"\n{constant}: Final", 1)[-1].split('"""', 2)
                    found.setdefault(value, after[1] if len(after) > 1 else "")
    return found


def test_every_attribute_of_a_span_is_of_the_installed_conventions_and_current_or_is_ours() -> None:
    known = _known()
    assert len(known) > 500
    for name in sorted(conventions.SPAN_ATTRIBUTES | conventions.RESOURCE_ATTRIBUTES):
        if name.startswith(OURS):
            assert name not in known, f"{name} is not ours any more"
            continue
        assert name in known, f"{name} is not of the conventions"
        if "Deprecated" in known[name]:
            assert name.startswith(MOVED) and _MOVED_TO in known[name], f"{name}: {known[name]}"  # noqa: PT018


def test_what_a_span_may_carry_is_listed_whole() -> None:
    attributes_here = {
        value for name, value in vars(conventions).items() if name.isupper() and isinstance(value, str) and "." in value
    }
    assert attributes_here == conventions.SPAN_ATTRIBUTES | conventions.RESOURCE_ATTRIBUTES


def test_every_operation_has_one_of_the_types_that_are_not_deprecated() -> None:
    assert set(conventions.OPERATION_TYPES.values()) <= {"create", "send", "receive", "process", "settle"}
