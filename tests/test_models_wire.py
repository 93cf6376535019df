"""The agent's planner against the stand-in's server: each fault that LM Studio was seen to have ends in the right plan,
or in its own name, with at most one more question."""

from typing import Any

import httpx
import pytest

from agent.breaker import Breaker
from agent.faults import ModelError, ModelFault
from agent.model import ChatModel
from agent.planner import Planned, Planner
from standin.server import create_app

ITEMS = '[{"item":"L1.1","title":"milk","done":false}]'
STATE = f'{{"today":"2026-11-22","lists":[{{"list":"L1","name":"Groceries","items":{ITEMS}}}]}}'
MESSAGES = [
    {"role": "system", "content": "Plan."},
    {"role": "user", "content": f"<state>\n{STATE}\n</state>\n<request>\nadd tea to Groceries\n</request>"},
]


async def plan(*script: dict[str, Any], path: str = "", timeout_s: float = 10.0) -> tuple[Planned, int]:
    """What comes of the request when the server first answers with `script`, and how often it was asked."""
    transport = httpx.ASGITransport(app=create_app(scriptable=True))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://model{path}") as client:
        if script:
            await client.post("http://model/__standin__/script", json=list(script))
        planner = Planner(ChatModel(client, None), Breaker(), timeout_s=timeout_s)
        planned = await planner.plan(MESSAGES, lists=("L1",), items=("L1.1",))
        seen = (await client.get("http://model/__standin__/requests")).json()["seen"]
        return planned, seen


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        ({"pass": True}, 1),
        ({"fault": "text_call", "style": "tool_call", "text": "I will do that."}, 1),
        ({"fault": "text_call", "style": "tools"}, 1),
        ({"fault": "text_call", "style": "fenced"}, 1),
        ({"fault": "text_call", "style": "bare"}, 1),
        ({"fault": "empty_id"}, 1),
        ({"fault": "duplicate_calls"}, 1),
        ({"fault": "stop_with_calls"}, 1),
        ({"fault": "model_swapped"}, 1),
        ({"fault": "bad_json"}, 2),
        ({"fault": "truncated"}, 2),
        ({"fault": "empty"}, 2),
        ({"fault": "empty_choices"}, 2),
        ({"fault": "error_200"}, 2),
        ({"fault": "http", "status": 500}, 2),
        ({"fault": "lie"}, 2),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value),
)
async def test_the_right_plan_comes_of_it_with_at_most_one_more_question(fault: dict[str, Any], calls: int) -> None:
    planned, asked = await plan(fault)
    assert [(step.op, step.list, step.text) for step in planned.plan.steps] == [("add_item", "L1", "tea")]
    assert (planned.calls, asked) == (calls, calls)


@pytest.mark.parametrize(
    ("script", "path", "fault"),
    [
        (({"fault": "not_loaded"},), "", ModelFault.NOT_LOADED),
        (({"fault": "context_overflow"},), "", ModelFault.OVERFLOW),
        (({"fault": "hang", "seconds": 30},), "", ModelFault.TIMEOUT),
        ((), "/api/v3", ModelFault.BAD_ENDPOINT),
        (({"fault": "lie"}, {"fault": "lie"}), "", ModelFault.NO_PLAN),
        (({"fault": "empty"}, {"fault": "http", "status": 503}), "", ModelFault.HTTP_ERROR),
    ],
)
async def test_what_cannot_be_mended_has_its_name(
    script: tuple[dict[str, Any], ...], path: str, fault: ModelFault
) -> None:
    with pytest.raises(ModelError) as caught:
        await plan(*script, path=path, timeout_s=2.0)
    assert caught.value.fault is fault
