"""What is taken for a plan in a completion's body, what is forgiven, and what is not."""

import json
from typing import Any

import pytest

from agent.completion import Recovery, read_plan
from agent.faults import ModelError, ModelFault
from contracts.planning import StepOp

ADD = json.dumps({"steps": [{"op": "add_item", "list": "L1", "text": "milk"}]})
SHOW = json.dumps({"steps": [{"op": "show"}]})
CALL = f'{{"name": "plan", "arguments": {ADD}}}'


def completion(*calls: Any, finish: str | None = "tool_calls", content: Any = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, "tool_calls": list(calls)}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def said(content: str, finish: str | None = "stop") -> dict[str, Any]:
    return completion(content=content, finish=finish)


def call(arguments: Any, name: str = "plan", call_id: str = "1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_the_one_call_of_plan_is_the_plan_and_nothing_was_forgiven() -> None:
    reading = read_plan(completion(call(ADD)))
    assert reading.plan.steps[0].op is StepOp.ADD_ITEM
    assert reading.recoveries == ()


@pytest.mark.parametrize(
    ("body", "recovery"),
    [
        # 1756: the same call nine times, only the ids differ
        (completion(*[call(ADD, call_id=str(number)) for number in range(9)]), Recovery.REPEATED_CALLS),
        (completion(call(ADD), call(json.dumps(json.loads(ADD), indent=2))), Recovery.REPEATED_CALLS),
        # 830: empty ids, and two with the same
        (completion(call(ADD, call_id=""), call(ADD, call_id="")), Recovery.REPEATED_CALLS),
        (completion(call(json.loads(ADD))), Recovery.OBJECT_ARGUMENTS),
        # a call whose finish_reason says otherwise
        (completion(call(ADD), finish="stop"), Recovery.FINISH_REASON),
        # 810, 1071: the call as text, alone, behind narration, behind thoughts
        (said(f"<tool_call>\n{CALL}\n</tool_call>"), Recovery.TEXT_CALL),
        (said(f"I will add it.\n<tool_call>\n{CALL}\n</tool_call>"), Recovery.TEXT_CALL),
        (said(f'<think>Perhaps {{"name": "plan"}}?</think><tool_call>{CALL}</tool_call>'), Recovery.TEXT_CALL),
        (said(f"<tool_call>\n{CALL}"), Recovery.TEXT_CALL),  # unclosed
        # Qwen2.5-Coder: other tags, fences, bare
        (said(f"<tools>{CALL}</tools>"), Recovery.TEXT_CALL),
        (said(f"```json\n{CALL}\n```"), Recovery.TEXT_CALL),
        (said(f"Here it is: {CALL} That is all."), Recovery.TEXT_CALL),
        (said(f'<function>{{"name": "plan", "parameters": {ADD}}}</function>'), Recovery.TEXT_CALL),
        (said(f'{{"type": "function", "function": {CALL}}}'), Recovery.TEXT_CALL),
        (said(f'{{"name": "plan", "arguments": {json.dumps(ADD)}}}'), Recovery.TEXT_CALL),
        (said(ADD), Recovery.TEXT_CALL),
    ],
)
def test_a_whole_plan_is_read_in_each_form_that_servers_give_it(body: dict[str, Any], recovery: Recovery) -> None:
    reading = read_plan(body)
    assert [step.text for step in reading.plan.steps] == ["milk"]
    assert recovery in reading.recoveries


def test_content_is_where_a_plan_belongs_that_was_asked_for_by_schema() -> None:
    assert read_plan(said(ADD), by_schema=True).recoveries == ()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ModelFault.EMPTY),
        ({"choices": None}, ModelFault.EMPTY),
        ({"choices": []}, ModelFault.EMPTY),
        ({"choices": [{"message": "Done!"}]}, ModelFault.EMPTY),
        (completion(), ModelFault.EMPTY),  # 942: the call was left out
        (said("  "), ModelFault.EMPTY),
        (completion(content=5), ModelFault.EMPTY),
        (said("Done! I have added milk."), ModelFault.NO_PLAN),
        (completion(call(ADD, name="delete_everything")), ModelFault.UNKNOWN_TOOL),
        (completion(call(ADD), call(ADD, name="delete_everything")), ModelFault.UNKNOWN_TOOL),
        (said('{"name": "delete_everything", "arguments": {}}'), ModelFault.UNKNOWN_TOOL),
        (completion(call('{"steps":[{"op":"add_i')), ModelFault.BAD_PLAN),
        (completion(call("")), ModelFault.BAD_PLAN),
        (completion(call(None)), ModelFault.BAD_PLAN),
        (completion(call('{"steps":[{"op":"format_disk"}]}')), ModelFault.BAD_PLAN),
        (completion(call('{"steps":[]}')), ModelFault.BAD_PLAN),
        (completion(call(ADD), call(SHOW)), ModelFault.BAD_PLAN),
        (completion(call(ADD), finish="length"), ModelFault.TRUNCATED),
        (completion(call(ADD), finish=None), ModelFault.TRUNCATED),
        ({"choices": [{"message": {"tool_calls": 5}}]}, ModelFault.EMPTY),
        ({"choices": [{"message": {"tool_calls": [None, {"function": "plan"}]}}]}, ModelFault.EMPTY),
        # Text of which a part could be read, and not the whole
        (said(f"<tool_call>{CALL[:-1]}"), ModelFault.BAD_PLAN),  # the outer object is cut, an inner one is whole
        (said(f"<tool_call>{CALL}</tool_call><tool_call>{CALL[:20]}"), ModelFault.BAD_PLAN),
        (said(f"{CALL} or else {{'steps': []}}"), ModelFault.BAD_PLAN),
        (said(f'{ADD} {{"steps": [{{"op": "undo"}}]}}'), ModelFault.BAD_PLAN),
        (said('{"name": "plan", "arguments": "{\\"steps\\":"}'), ModelFault.BAD_PLAN),
        (said("<function=plan><parameter=steps>[]</parameter></function>"), ModelFault.BAD_PLAN),
        (said("{" * 5000), ModelFault.NO_PLAN),
    ],
)
def test_anything_else_is_a_typed_error_and_no_plan(body: dict[str, Any], fault: ModelFault) -> None:
    with pytest.raises(ModelError) as caught:
        read_plan(body)
    assert caught.value.fault is fault
