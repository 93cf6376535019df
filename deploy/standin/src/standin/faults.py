"""From a plan and a script's step to what goes out: an answer, well or badly formed, or a refusal. Pure.

The faults follow what LM Studio was seen to do, by the numbers of its bug tracker: text instead of calls #810 #1071,
empty ids #830, identical calls #1756, overflow #546 #2322, not loaded #1730, swapped model #619.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import JsonValue

from standin.chat_request import PLAN_TOOL, ChatRequest, Json, WireError
from standin.lmstudio import Answer, Call, context_overflow
from standin.rules.steps import ABOUT
from standin.script import Fault, ScriptStep, Style

_NOT_ASKED_TO_CALL: Final = f"{ABOUT} I answer by calling the tool `plan`, which this request does not let me do."
_NO_MODEL: Final = "No models loaded. Please load a model in the developer page or use the 'lms load' command."
_LIE: Final = "Done! I have taken care of that for you."
_STYLES: Final = {
    Style.TOOL_CALL: "<tool_call>\n{}\n</tool_call>",
    Style.TOOLS: "<tools>{}</tools>",
    Style.FENCED: "```json\n{}\n```",
    Style.BARE: "{}",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """An empty answer to fill, the plan as the arguments of its call, and how ids of further calls are made."""

    answer: Answer
    arguments: str
    call_id: Callable[[int], str]
    context_length: int


def arguments_of(steps: JsonValue) -> str:
    """A plan as the tool's arguments, compact as a model writes it."""
    return json.dumps({"steps": steps}, ensure_ascii=False, separators=(",", ":"))


def well_formed(request: ChatRequest, draft: Draft, only_say: str | None) -> Answer:
    """The plan as a call, as content when a schema asks for it, or prose where no call is allowed.

    `only_say` is the text of a plan that only says something: with `tool_choice` auto a model would just say it.
    """
    if request.schema is not None:
        answer = replace(draft.answer, content=draft.arguments)
    elif request.must_plan or (request.may_plan and only_say is None):
        call = Call(draft.call_id(0), PLAN_TOOL, draft.arguments)
        answer = replace(draft.answer, calls=(call,), finish="tool_calls")
    else:
        answer = replace(draft.answer, content=_NOT_ASKED_TO_CALL if only_say is None else only_say)
    if request.max_tokens is not None and answer.completion_tokens > request.max_tokens:
        return _cut(answer, request.max_tokens * 4)
    return answer


def spoilt(step: ScriptStep, answer: Answer, draft: Draft) -> Answer:
    """The answer with the step's fault in it; WireError where the fault is a refusal. Without a fault unchanged."""
    if step.fault is None or step.fault is Fault.HANG:
        return answer
    if step.fault in _REFUSALS:
        raise _REFUSALS[step.fault](step, draft)
    return _SPOILERS[step.fault](step, answer, draft)


def _text_call(step: ScriptStep, answer: Answer, draft: Draft) -> Answer:
    call = f'{{"name": "{PLAN_TOOL}", "arguments": {draft.arguments}}}'
    told = f"{step.text}\n" if step.text else ""
    return replace(answer, content=told + _STYLES[step.style].replace("{}", call), calls=(), finish="stop")


def _bad_json(step: ScriptStep, answer: Answer, draft: Draft) -> Answer:
    return _said(answer, step.text or draft.arguments.replace('"op":', "op: ", 1).removesuffix("}") + ",}")


def _truncated(_: ScriptStep, answer: Answer, __: Draft) -> Answer:
    half = max(1, (len(answer.content) + sum(len(call.arguments) for call in answer.calls)) // 2)
    return replace(_cut(answer, half), cut=True)


def _empty_id(_: ScriptStep, answer: Answer, __: Draft) -> Answer:
    return replace(answer, calls=tuple(replace(call, id="") for call in answer.calls))


def _duplicates(step: ScriptStep, answer: Answer, draft: Draft) -> Answer:
    calls = [replace(call, id=draft.call_id(number)) for number in range(step.times) for call in answer.calls]
    return replace(answer, calls=tuple(calls))


def _said(answer: Answer, text: str) -> Answer:
    """The same answer saying `text` where its plan was."""
    if not answer.calls:
        return replace(answer, content=text)
    return replace(answer, calls=tuple(replace(call, arguments=text) for call in answer.calls))


def _cut(answer: Answer, length: int) -> Answer:
    """Out of tokens: the text breaks off, `finish_reason` is length."""
    text = answer.calls[0].arguments if answer.calls else answer.content
    return replace(_said(answer, text[:length]), finish="length")


_SPOILERS: Final[Mapping[Fault, Callable[[ScriptStep, Answer, Draft], Answer]]] = {
    Fault.EMPTY_CHOICES: lambda _, answer, __: replace(answer, choices=False, content="", calls=()),
    Fault.EMPTY: lambda _, answer, __: replace(answer, content="", calls=(), finish="stop"),
    Fault.TEXT_CALL: _text_call,
    Fault.BAD_JSON: _bad_json,
    Fault.TRUNCATED: _truncated,
    Fault.EMPTY_ID: _empty_id,
    Fault.DUPLICATE_CALLS: _duplicates,
    Fault.STOP_WITH_CALLS: lambda _, answer, __: replace(answer, finish="stop"),
    Fault.MODEL_SWAPPED: lambda step, answer, _: replace(answer, model=step.model),
    Fault.LIE: lambda step, answer, _: replace(answer, content=step.text or _LIE, calls=(), finish="stop"),
}


def _http(step: ScriptStep, _: Draft) -> WireError:
    default: Json = {"error": "Channel Error"}
    return WireError(step.status, default if step.body is None else step.body)


def _error_200(step: ScriptStep, _: Draft) -> WireError:
    default: Json = {"error": {"message": "Compute error."}, "message": "Compute error."}
    return WireError(200, default if step.body is None else step.body)


def not_loaded() -> WireError:
    """What a completion is refused with while no model is loaded."""
    error: Json = {"message": _NO_MODEL, "type": "invalid_request_error", "param": "model", "code": None}
    return WireError(404, {"error": error})


def _overflow(_: ScriptStep, draft: Draft) -> WireError:
    return WireError(400, context_overflow(draft.context_length + draft.answer.prompt_tokens, draft.context_length))


_REFUSALS: Final[Mapping[Fault, Callable[[ScriptStep, Draft], WireError]]] = {
    Fault.HTTP: _http,
    Fault.ERROR_200: _error_200,
    Fault.NOT_LOADED: lambda _, __: not_loaded(),
    Fault.CONTEXT_OVERFLOW: _overflow,
}
