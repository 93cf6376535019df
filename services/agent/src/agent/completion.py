"""The one plan in a completion's body, in whichever of its many forms the server put it. Pure.

The forms are those that LM Studio and the Qwen models were seen to give: a call as it should be, the call as text
because the server could not read it, the same call nine times, bare JSON. What is read is a whole call or none: a plan
is never made of a part of an answer, nor chosen among several that differ.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from agent.faults import ModelError, ModelFault
from contracts.planning import PLAN_TOOL, ModelPlan

CONTENT_MAX_CHARS: Final = 200_000
OBJECTS_MAX: Final = 200

_THINKING: Final = re.compile(r"<think>.*?</think>", re.DOTALL)
_CALL_LIKE: Final = re.compile(
    r"""["'](?:name|arguments|parameters|steps|op)["']\s*:|<(?:tool_call|tools|function)\b""", re.IGNORECASE
)
_TAGS: Final = re.compile(r"</?(?:tool_call|tools|function)>", re.IGNORECASE)


class Recovery(StrEnum):
    """What had to be forgiven to read a plan; counted, since a model that needs it often is set up wrong."""

    REPEATED_CALLS = "repeated_calls"
    OBJECT_ARGUMENTS = "object_arguments"
    TEXT_CALL = "text_call"
    FINISH_REASON = "finish_reason"
    MODEL_SWAPPED = "model_swapped"
    REPAIRED = "repaired"


@dataclass(frozen=True)
class Reading:
    """A plan, and what was forgiven on the way to it."""

    plan: ModelPlan
    recoveries: tuple[Recovery, ...] = ()


@dataclass(frozen=True)
class _Call:
    name: str
    arguments: str  # canonical JSON, so that two of the same are the same


def read_plan(body: dict[str, Any], *, by_schema: bool = False) -> Reading:
    """The plan of a completion. `by_schema`: it was asked for as plain JSON, so content is where it belongs.

    Raises ModelError.
    """
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ModelError(ModelFault.EMPTY)
    choice = choices[0]
    finish = choice.get("finish_reason")
    if finish == "length":
        raise ModelError(ModelFault.TRUNCATED)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ModelError(ModelFault.EMPTY)
    content = message.get("content")
    content = content if isinstance(content, str) else ""
    recoveries: list[Recovery] = []
    calls = list(_structured(message.get("tool_calls"), recoveries))
    if not calls:
        calls = list(_in_text(content))
        if calls and not by_schema:
            recoveries.append(Recovery.TEXT_CALL)
    if not calls:
        raise ModelError(ModelFault.NO_PLAN if content.strip() else ModelFault.EMPTY)
    distinct = set(calls)
    if any(call.name != PLAN_TOOL for call in distinct):
        raise ModelError(ModelFault.UNKNOWN_TOOL)
    if len(distinct) > 1:
        # Which of them is meant, nobody can tell.
        raise ModelError(ModelFault.BAD_PLAN)
    if len(calls) > 1:
        recoveries.append(Recovery.REPEATED_CALLS)
    if finish is None:
        # The answer may have been cut where its JSON happened to be whole.
        raise ModelError(ModelFault.TRUNCATED)
    if finish == "stop" and Recovery.TEXT_CALL not in recoveries and not by_schema:
        recoveries.append(Recovery.FINISH_REASON)
    try:
        plan = ModelPlan.from_json(calls[0].arguments)
    except ValidationError as error:
        raise ModelError(ModelFault.BAD_PLAN) from error
    return Reading(plan, tuple(recoveries))


def _structured(given: object, recoveries: list[Recovery]) -> Iterator[_Call]:
    """The calls where they belong. Their ids, which may be empty or repeated, are not looked at: nothing needs them."""
    for call in given if isinstance(given, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            continue
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            if Recovery.OBJECT_ARGUMENTS not in recoveries:
                recoveries.append(Recovery.OBJECT_ARGUMENTS)
        elif isinstance(arguments, str):
            arguments = _json(arguments)
        if not isinstance(arguments, dict):
            raise ModelError(ModelFault.BAD_PLAN)
        yield _Call(str(function.get("name")), _canonical(arguments))


def _in_text(content: str) -> Iterator[_Call]:
    """The calls in prose, tags, fences or bare. Raises ModelError where something call-like could not be read whole."""
    text = _THINKING.sub(" ", content[:CONTENT_MAX_CHARS])
    rest: list[str] = []
    end = 0
    for start, stop, value in _objects(text):
        rest.append(text[end:start])
        end = stop
        call = _call_of(value)
        if call is not None:
            yield call
        elif _CALL_LIKE.search(text[start:stop]):
            raise ModelError(ModelFault.BAD_PLAN)
    rest.append(text[end:])
    # What is left over must not look like (another piece of) a call: an outer object that is broken leaves whole ones
    # inside of it, and these are not what was said.
    if _CALL_LIKE.search(_TAGS.sub(" ", " ".join(rest))):
        raise ModelError(ModelFault.BAD_PLAN)


def _objects(text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The outermost JSON objects in a text, with where they stand; not those inside of a broken one's strings."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    for _ in range(OBJECTS_MAX):
        if at < 0:
            return
        try:
            value, stop = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if isinstance(value, dict):
            yield at, stop, value
        at = text.find("{", stop)


def _call_of(value: dict[str, Any]) -> _Call | None:
    """A call out of a JSON object: `{name, arguments}`, the same inside of `function`, or the arguments themselves."""
    inner = value.get("function")
    if isinstance(inner, dict):
        value = inner
    name = value.get("name")
    if isinstance(name, str):
        arguments = value.get("arguments", value.get("parameters"))
        if isinstance(arguments, str):
            arguments = _json(arguments)
        return _Call(name, _canonical(arguments)) if isinstance(arguments, dict) else None
    return _Call(PLAN_TOOL, _canonical(value)) if isinstance(value.get("steps"), list) else None


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _canonical(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)
