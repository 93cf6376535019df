"""The model is asked once, and once more only for what a second question can mend."""

import json
from typing import Any

import pytest
from tests.telemetry.measured import Measured

from agent.breaker import Breaker
from agent.completion import Recovery
from agent.faults import ModelError, ModelFault
from agent.model import Completion
from agent.planner import Planner
from contracts import metrics
from contracts.metric_labels import FAULT, RECOVERY

ADD = json.dumps({"steps": [{"op": "add_item", "list": "L1", "text": "milk"}]})
MESSAGES = [{"role": "user", "content": "<request>add milk</request>"}]


def answering(content: str | None, *calls: str, served: str = "qwen") -> Completion:
    tool_calls = [{"id": "", "function": {"name": "plan", "arguments": call}} for call in calls]
    message = {"content": content, "tool_calls": tool_calls}
    body = {"choices": [{"message": message, "finish_reason": "tool_calls" if calls else "stop"}]}
    return Completion(body, "qwen", served, 10, 5)


GOOD = answering(None, ADD)
BY_SCHEMA = answering(ADD)
PROSE = answering("Done! I have added milk.")


class Model:
    """Gives these answers in turn, or raises these faults; keeps what it was asked."""

    def __init__(self, *answers: Completion | ModelFault, status: int | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[list[dict[str, str]], dict[str, Any], float]] = []
        self.status = status

    async def complete(self, messages: list[dict[str, str]], form: dict[str, Any], *, timeout_s: float) -> Completion:
        self.asked.append((messages, form, timeout_s))
        answer = self.answers.pop(0)
        if isinstance(answer, ModelFault):
            raise ModelError(answer, self.status)
        return answer


async def plan(model: Model, breaker: Breaker | None = None, timeout_s: float = 60.0) -> Any:
    planner = Planner(model, breaker or Breaker(), timeout_s=timeout_s)
    return await planner.plan(MESSAGES, lists=("L1",), items=("L1.1", "L1.2"))


async def test_a_good_answer_takes_one_call(measured: Measured) -> None:
    model = Model(GOOD)
    planned = await plan(model)
    assert (planned.calls, planned.recoveries, len(model.asked)) == (1, (), 1)
    assert model.asked[0][1]["tool_choice"] == "required"
    assert measured(metrics.MODEL_DURATION) == 1
    assert [measured(metrics.MODEL_TOKENS, {"gen_ai.token.type": kind}) for kind in ("input", "output")] == [1, 1]


@pytest.mark.parametrize(
    "first",
    [
        PROSE,
        answering(None, '{"steps":[{"op":'),
        answering(None),
        ModelFault.EMPTY,
        ModelFault.HTTP_ERROR,
        ModelFault.DROPPED,
        ModelFault.TRUNCATED,
    ],
)
async def test_what_can_be_mended_is_asked_once_more_by_a_schema_of_the_live_aliases(
    first: Completion | ModelFault, measured: Measured
) -> None:
    model = Model(first, BY_SCHEMA)
    planned = await plan(model)
    assert (planned.calls, planned.recoveries) == (2, (Recovery.REPAIRED,))
    messages, form, _ = model.asked[1]
    step = form["response_format"]["json_schema"]["schema"]["properties"]["steps"]["items"]["properties"]
    assert step["item"]["enum"] == ["", "L1.1", "L1.2"]
    assert step["list"]["enum"] == ["", "L1", "N1", "N2", "N3", "N4"]
    assert messages[0] == MESSAGES[0]
    assert "tools" not in form
    assert measured(metrics.MODEL_RECOVERIES, {"kind": "repaired"}) == measured(metrics.MODEL_FAULTS) == 1


async def test_a_second_bad_answer_ends_it(measured: Measured) -> None:
    model = Model(PROSE, PROSE, BY_SCHEMA)
    with pytest.raises(ModelError) as caught:
        await plan(model)
    assert caught.value.fault is ModelFault.NO_PLAN
    assert len(model.asked) == 2
    assert measured(metrics.MODEL_FAULTS, {"kind": "model_no_plan"}) == measured(metrics.MODEL_DURATION) == 2
    assert measured(metrics.MODEL_RECOVERIES) == 0


@pytest.mark.parametrize(
    "fault",
    [
        ModelFault.UNREACHABLE,
        ModelFault.TIMEOUT,
        ModelFault.NOT_LOADED,
        ModelFault.LOADING,
        ModelFault.BAD_ENDPOINT,
        ModelFault.OVERFLOW,
    ],
)
async def test_what_a_second_question_cannot_mend_is_not_asked_again(fault: ModelFault, measured: Measured) -> None:
    model = Model(fault, BY_SCHEMA)
    with pytest.raises(ModelError) as caught:
        await plan(model)
    assert caught.value.fault is fault
    assert len(model.asked) == 1
    assert measured(metrics.MODEL_FAULTS, {"kind": fault.value}) == 1
    assert measured(metrics.MODEL_DURATION, {"error.type": fault.value}) == 1


async def test_a_repair_has_only_the_time_that_is_left() -> None:
    model = Model(PROSE, BY_SCHEMA)
    await plan(model)
    assert model.asked[1][2] <= model.asked[0][2]
    short = Model(PROSE, BY_SCHEMA)
    with pytest.raises(ModelError):
        await plan(short, timeout_s=0.5)
    assert len(short.asked) == 1


async def test_the_receipt_names_the_model_that_answered() -> None:
    planned = await plan(Model(answering(None, ADD, served="llama")))
    assert (planned.model, planned.recoveries) == ("llama", (Recovery.MODEL_SWAPPED,))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_dead_server_is_left_alone_for_a_while_and_then_tried_by_one() -> None:
    clock = Clock()
    breaker = Breaker(failures_max=3, rest_s=10, clock=clock)
    dead = Model(*[ModelFault.UNREACHABLE] * 4, GOOD, GOOD)
    for _ in range(3):
        with pytest.raises(ModelError):
            await plan(dead, breaker)
    with pytest.raises(ModelError) as caught:
        await plan(dead, breaker)
    assert caught.value.fault is ModelFault.RESTING
    assert len(dead.asked) == 3
    clock.now = 10.0
    with pytest.raises(ModelError) as caught:
        await plan(dead, breaker)
    assert caught.value.fault is ModelFault.UNREACHABLE
    assert not breaker.admits()
    clock.now = 20.0
    assert (await plan(dead, breaker)).calls == 1
    assert (await plan(dead, breaker)).calls == 1


@pytest.mark.parametrize("fault", [ModelFault.NOT_LOADED, ModelFault.BAD_ENDPOINT])
async def test_a_server_that_answers_is_not_dead(fault: ModelFault) -> None:
    breaker = Breaker(failures_max=1)
    with pytest.raises(ModelError):
        await plan(Model(fault), breaker)
    assert breaker.admits()


async def test_a_request_that_the_server_refuses_is_no_death_of_the_server() -> None:
    breaker = Breaker(failures_max=1)
    with pytest.raises(ModelError):
        await plan(Model(ModelFault.HTTP_ERROR, ModelFault.HTTP_ERROR, status=422), breaker)
    assert breaker.admits()


def test_every_fault_and_every_recovery_has_its_place_in_the_metrics() -> None:
    assert set(ModelFault) == FAULT.values
    assert set(Recovery) == RECOVERY.values
