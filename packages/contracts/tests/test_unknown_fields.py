"""A release reads what the next one writes: in every message, at every depth, it passes over what it does not know.

What is made here is made of each message's own JSON Schema, so that a new one is tried without being listed.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

import contracts
from contracts.channel import FROM_GATEWAY, FROM_PAGE
from contracts.message import Message
from contracts.signaling import FROM_CLIENT, FROM_SERVER

Json = Any  # what json.loads gives
Schema = Mapping[str, Json]
Samples = st.SearchStrategy[Json]

NEW = "a_field_of_the_next_release"
NEW_VALUES: tuple[Json, ...] = ("text", 7, None, [1], {"deep": {"deeper": True}})
TRIED = 15
MOMENTS = ("2026-11-30T12:00:00Z", "2026-11-30T12:00:00.123456+02:00")
DAYS = ("2026-11-30", "2027-01-01")


def messages() -> list[type[Message]]:
    """Every message of `contracts`, whichever module it is in."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"contracts.{module.name}")

    def below(cls: type[Message]) -> Iterator[type[Message]]:
        for one in cls.__subclasses__():
            yield one
            yield from below(one)

    found = {one for one in below(Message) if one.__module__.startswith("contracts.")}
    return sorted(found, key=lambda one: (one.__module__, one.__name__))


def samples(schema: Schema, known: Schema) -> Samples:
    """JSON that keeps to a JSON Schema as pydantic writes it; what validators add to that is not known here."""
    if "$ref" in schema:
        return st.deferred(lambda: samples(known[schema["$ref"].rsplit("/", 1)[-1]], known))
    if "const" in schema or "enum" in schema:
        return st.sampled_from([schema["const"]] if "const" in schema else schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        return st.one_of([samples(one, known) for one in schema.get("anyOf", schema.get("oneOf"))])
    return OF_TYPE[schema.get("type", "null")](schema, known)


def objects(schema: Schema, known: Schema) -> Samples:
    properties = schema.get("properties", {})
    fields = {name: samples(field, known) for name, field in properties.items()}
    # A constant is a message's type: without it a union does not know whose it is.
    required = {*schema.get("required", ()), *(name for name, field in properties.items() if "const" in field)}
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


def arrays(schema: Schema, known: Schema) -> Samples:
    least = schema.get("minItems", 0)
    return st.lists(samples(schema.get("items", {}), known), min_size=least, max_size=least + 1)


def strings(schema: Schema, _: Schema) -> Samples:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).map(str.strip)
    if "format" in schema:
        return st.sampled_from(MOMENTS if schema["format"] == "date-time" else DAYS)
    least = schema.get("minLength", 1)
    return st.text("abcxyz", min_size=least, max_size=max(least, min(schema.get("maxLength", 9), 9)))


def numbers(schema: Schema, _: Schema) -> Samples:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    return st.integers(least + int("exclusiveMinimum" in schema), schema.get("maximum", least + 1000))


OF_TYPE: Mapping[str, Callable[[Schema, Schema], Samples]] = {
    "object": objects,
    "array": arrays,
    "string": strings,
    "integer": numbers,
    "number": numbers,
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
}


def with_new_fields(value: Json, new: Json) -> Json:
    """The same with a field of the next release in every object."""
    match value:
        case dict() if value:  # an empty one may be a map, whose names are not fields
            return {NEW: new} | {name: with_new_fields(field, new) for name, field in value.items()}
        case list():
            return [with_new_fields(one, new) for one in value]
        case _:
            return value


@pytest.mark.parametrize("message", messages(), ids=lambda one: f"{one.__module__.split('.')[1]}.{one.__name__}")
def test_a_field_of_the_next_release_is_passed_over_at_every_depth(message: type[Message]) -> None:
    schema = message.model_json_schema()
    valid = 0

    @settings(
        max_examples=TRIED, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(samples(schema, schema.get("$defs", {})), st.sampled_from(NEW_VALUES))
    def reads(sample: Json, new: Json) -> None:
        nonlocal valid
        try:
            read = message.model_validate(sample)
        except ValidationError:
            assume(False)
        valid += 1
        assert message.model_validate(with_new_fields(sample, new) | {NEW: new}) == read

    reads()
    assert valid, f"nothing that was made of the schema of {message.__name__} could be read"


@pytest.mark.parametrize("union", [FROM_PAGE, FROM_GATEWAY, FROM_CLIENT, FROM_SERVER])
def test_whoever_reads_one_of_many_messages_passes_over_new_fields_too(union: TypeAdapter[Any]) -> None:
    schema = union.json_schema()

    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(samples(schema, schema["$defs"]), st.sampled_from(NEW_VALUES))
    def reads(sample: Json, new: Json) -> None:
        try:
            read = union.validate_python(sample)
        except ValidationError:
            assume(False)
        assert union.validate_python(with_new_fields(sample, new)) == read

    reads()


def test_nothing_that_travels_says_of_itself_that_it_forbids_what_it_does_not_know() -> None:
    for message in messages():
        assert message.model_config.get("extra") == "ignore", message
    # What is a model and no message would escape the test above.
    strays = [
        one for one in _models(BaseModel) if one.__module__.startswith("contracts.") and not issubclass(one, Message)
    ]
    assert strays == []


def _models(cls: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in cls.__subclasses__():
        yield one
        yield from _models(one)
