"""What may be taken for a plan in a completion's body, and what may not."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from agent.model import ChatModel, ModelError, ModelFault, plan_in
from contracts.planning import StepOp

ADD = json.dumps({"steps": [{"op": "add_item", "list": "L1", "text": "milk"}]})
SHOW = json.dumps({"steps": [{"op": "show"}]})


def completion(*calls: dict[str, Any], finish_reason: str | None = "tool_calls", content: str | None = None) -> Any:
    message = {"role": "assistant", "content": content, "tool_calls": list(calls)}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}


def call(arguments: str, name: str = "plan", call_id: str = "1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_the_one_call_of_plan_is_the_plan() -> None:
    assert plan_in(completion(call(ADD))).steps[0].op is StepOp.ADD_ITEM


def test_nine_identical_calls_are_one_plan() -> None:
    assert len(plan_in(completion(*[call(ADD, call_id=str(number)) for number in range(9)])).steps) == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ModelFault.EMPTY),
        ({"choices": None}, ModelFault.EMPTY),
        ({"choices": []}, ModelFault.EMPTY),
        (completion(content="Done!", finish_reason="stop"), ModelFault.NO_PLAN),
        (completion(call(ADD, name="delete_everything")), ModelFault.NO_PLAN),
        (completion(call('{"steps":[{"op":"add_i')), ModelFault.BAD_PLAN),
        (completion(call('{"steps":[{"op":"format_disk"}]}')), ModelFault.BAD_PLAN),
        (completion(call('{"steps":[]}')), ModelFault.BAD_PLAN),
        (completion(call(ADD), call(SHOW)), ModelFault.BAD_PLAN),
        (completion(call(ADD), finish_reason="length"), ModelFault.TRUNCATED),
        ({"choices": [{"message": {"tool_calls": 5}}]}, ModelFault.NO_PLAN),
        ({"choices": [{"message": "Done!"}]}, ModelFault.NO_PLAN),
        ({"choices": [{"message": {"tool_calls": [None, {"function": "plan"}]}}]}, ModelFault.NO_PLAN),
    ],
)
def test_anything_else_is_a_typed_error_and_no_plan(body: dict[str, Any], fault: ModelFault) -> None:
    with pytest.raises(ModelError) as caught:
        plan_in(body)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, '{"error":"Unexpected endpoint or method. (POST /chat)"}', ModelFault.BAD_ENDPOINT),
        (200, "<html>router login</html>", ModelFault.BAD_ENDPOINT),
        (404, '{"error":{"message":"No models loaded. Please load a model."}}', ModelFault.NOT_LOADED),
        (400, '{"error":"Model is unloaded."}', ModelFault.NOT_LOADED),
        (500, "oops", ModelFault.HTTP_ERROR),
        (200, "[" * 200_000, ModelFault.BAD_ENDPOINT),
        (200, '{"usage":[1],"choices":[]}', ModelFault.EMPTY),
    ],
)
async def test_each_shape_of_a_servers_error_has_its_fault(status: int, body: str, fault: ModelFault) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen").plan([], [])
    assert caught.value.fault is fault


async def test_a_server_that_is_away_is_unreachable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen").plan([], [])
    assert caught.value.fault is ModelFault.UNREACHABLE


async def test_a_server_that_drips_is_cut_off_though_no_read_takes_long() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen", timeout_s=0.02).plan([], [])
    assert caught.value.fault is ModelFault.TIMEOUT


async def test_a_model_for_embeddings_is_not_asked_to_plan() -> None:
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "text-embedding-nomic"}, {"id": "qwen2.5-7b-instruct"}]})
        asked.append(json.loads(request.content)["model"])
        return httpx.Response(200, json=completion(call(ADD)))

    async with httpx.AsyncClient(transport=httpx.MockTransport(serve), base_url="http://model") as client:
        await ChatModel(client, None).plan([], [])
    assert asked == ["qwen2.5-7b-instruct"]
