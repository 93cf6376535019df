"""A plan for one request: the model asked once, and at most once more to mend what could not be used."""

import logging
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol

from agent import counting
from agent.breaker import Breaker
from agent.completion import Reading, Recovery, read_plan
from agent.faults import REPAIRABLE, SERVER_DEAD, ModelError, ModelFault
from agent.model import CompletingModel, Completion, Messages
from bus.metering import Counter
from contracts.metrics import MODEL_FAULTS, MODEL_RECOVERIES
from contracts.model_status import name_to_record
from contracts.planning import PLAN_TOOL, ModelPlan, plan_schema

log = logging.getLogger(__name__)

REPAIR_MIN_S: Final = 1.0
"""With less time left than this, a second question is not worth asking."""

_RECOVERIES: Final = Counter(MODEL_RECOVERIES)
_FAULTS: Final = Counter(MODEL_FAULTS)

_TOOL_FORM: Final[dict[str, Any]] = {
    "tools": [
        {
            "type": "function",
            "function": {
                "name": PLAN_TOOL,
                "description": "The steps that do what the request asks for",
                "parameters": plan_schema(),
            },
        }
    ],
    # The object form that names a tool is answered with a 400.
    "tool_choice": "required",
}
_AGAIN: Final = (
    "Your answer could not be used. Answer once more, with nothing but the plan as one JSON object: "
    '{"steps":[{"op":...}]}. Name lists and items only by their aliases in the state.'
)


@dataclass(frozen=True)
class Planned:
    """A plan, and what it cost. `calls` counts the questions asked, `seconds` their time together."""

    plan: ModelPlan
    model: str
    calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float
    recoveries: tuple[Recovery, ...] = ()


class Planning(Protocol):
    """Something that turns messages into a plan. Raises ModelError."""

    async def plan(self, messages: Messages, *, lists: tuple[str, ...], items: tuple[str, ...]) -> Planned:
        """`lists` and `items` are the aliases of the state in the messages."""


class Planner:
    """Planning with a model behind a breaker; `timeout_s` bounds both questions together."""

    def __init__(self, model: CompletingModel, breaker: Breaker, *, timeout_s: float) -> None:
        self._model = model
        self._breaker = breaker
        self._timeout_s = timeout_s

    async def plan(self, messages: Messages, *, lists: tuple[str, ...], items: tuple[str, ...]) -> Planned:
        if not self._breaker.admits():
            _FAULTS.add(1, {"kind": ModelFault.RESTING.value})
            raise ModelError(ModelFault.RESTING)
        started = time.monotonic()
        try:
            completion, reading = await self._ask(messages, _TOOL_FORM, self._timeout_s, by_schema=False)
        except ModelError as error:
            left = self._timeout_s - (time.monotonic() - started)
            if error.fault not in REPAIRABLE or left < REPAIR_MIN_S:
                raise
            log.warning("model asked again", extra={"fault": error.fault.value, "status": error.status})
            again = [*messages, {"role": "user", "content": _AGAIN}]
            form = _schema_form(lists, items)
            completion, reading = await self._ask(again, form, left, by_schema=True)
            _RECOVERIES.add(1, {"kind": Recovery.REPAIRED.value})
            return _planned(completion, reading, started, repaired=True)
        return _planned(completion, reading, started, repaired=False)

    async def _ask(
        self, messages: Messages, form: dict[str, Any], timeout_s: float, *, by_schema: bool
    ) -> tuple[Completion, Reading]:
        try:
            with counting.asking_the_model():
                completion = await self._model.complete(messages, form, timeout_s=timeout_s)
            counting.tokens_used(completion.prompt_tokens, completion.completion_tokens)
            reading = read_plan(completion.body, by_schema=by_schema)
        except ModelError as error:
            _FAULTS.add(1, {"kind": error.fault.value})
            if error.fault in SERVER_DEAD and (error.status is None or error.status >= 500):
                self._breaker.failed()
            else:
                self._breaker.succeeded()
            raise
        self._breaker.succeeded()
        for recovery in reading.recoveries:
            _RECOVERIES.add(1, {"kind": recovery.value})
        return completion, reading


def _planned(completion: Completion, reading: Reading, started: float, *, repaired: bool) -> Planned:
    recoveries = reading.recoveries
    if completion.served != completion.asked:
        # One model loaded serves every name. The plan is checked as any other; the receipt names who made it.
        log.warning(
            "another model answered",
            extra={"asked": name_to_record(completion.asked), "served": name_to_record(completion.served)},
        )
        _RECOVERIES.add(1, {"kind": Recovery.MODEL_SWAPPED.value})
        recoveries = (*recoveries, Recovery.MODEL_SWAPPED)
    return Planned(
        plan=reading.plan,
        model=completion.served,
        calls=2 if repaired else 1,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        seconds=time.monotonic() - started,
        recoveries=(*recoveries, Recovery.REPAIRED) if repaired else recoveries,
    )


def _schema_form(lists: tuple[str, ...], items: tuple[str, ...]) -> dict[str, Any]:
    """Plain JSON held to a schema: a server with grammars cannot say an alias that is not there."""
    schema = plan_schema(lists=lists, items=items)
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": PLAN_TOOL, "strict": True, "schema": schema},
        }
    }
