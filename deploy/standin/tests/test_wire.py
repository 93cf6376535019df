"""LM Studio's wire as a client sees it, from the real process."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from standin.server import create_app

Steps = Callable[[httpx.Response], list[dict[str, str]]]
SCHEMA = {"type": "object", "properties": {"steps": {"type": "array"}}, "required": ["steps"]}


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The chunks of a stream that ended as it should."""
    *lines, last = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert last == "[DONE]"
    return [json.loads(line) for line in lines]


async def test_the_models_say_what_they_are(standin: Any) -> None:
    model = {"id": "stand-in-for-qwen2.5", "object": "model", "owned_by": "todo-agent stand-in"}
    assert (await standin.http.get("/v1/models")).json() == {"data": [model], "object": "list"}


async def test_the_native_listing_shows_the_model_loaded_with_its_context(standin: Any) -> None:
    (model,) = (await standin.http.get("/api/v1/models")).json()["models"]
    (instance,) = model["loaded_instances"]
    assert (model["type"], model["key"], model["publisher"]) == ("llm", "stand-in-for-qwen2.5", "todo-agent stand-in")
    assert model["display_name"].startswith("Stand-in")
    assert model["capabilities"]["trained_for_tool_use"] is True
    assert instance["id"] == "stand-in-for-qwen2.5"
    assert (instance["config"]["context_length"], instance["config"]["parallel"]) == (32768, 4)


async def test_a_model_on_the_disk_is_listed_and_loaded_by_the_first_request(standin: Any) -> None:
    async def state() -> str:
        (row,) = (await standin.http.get("/api/v0/models")).json()["data"]
        assert (row["id"], row["type"], row["publisher"]) == ("stand-in-for-qwen2.5", "llm", "todo-agent stand-in")
        return str(row["state"])

    assert await state() == "loaded"
    await standin.http.put("/__standin__/model", json="not-loaded")
    assert await state() == "not-loaded"
    assert (await standin.http.get("/v1/models")).json()["data"]
    assert (await standin.ask("add tea to Groceries")).status_code == 200
    assert await state() == "loaded"


async def test_a_model_that_is_absent_is_not_listed_and_a_request_is_refused(standin: Any) -> None:
    await standin.http.put("/__standin__/model", json="absent")
    try:
        for path in ("/v1/models", "/api/v0/models"):
            assert (await standin.http.get(path)).json() == {"data": [], "object": "list"}
        refused = await standin.ask("add tea to Groceries")
        assert (refused.status_code, refused.json()["error"]["message"][:16]) == (404, "No models loaded")
    finally:
        await standin.http.put("/__standin__/model", json="loaded")


async def test_a_place_that_is_none_is_named(standin: Any) -> None:
    refused = await standin.http.put("/__standin__/model", json="under the bed")
    assert refused.status_code == 422
    assert "loaded, not-loaded, absent" in refused.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/chat/completions"), ("GET", "/v1/chat/completions"), ("POST", "/"), ("PUT", "/v1/models")],
)
async def test_an_unknown_endpoint_is_an_error_with_status_200(standin: Any, method: str, path: str) -> None:
    response = await standin.http.request(method, path)
    assert response.status_code == 200
    assert response.json() == {"error": f"Unexpected endpoint or method. ({method} {path})"}


async def test_a_completion_has_lm_studios_shape(standin: Any) -> None:
    response = await standin.ask("add mílk to Groceries")
    body = response.json()
    (choice,) = body["choices"]
    (call,) = choice["message"].pop("tool_calls")
    assert response.headers["content-type"] == "application/json"
    assert body["id"].startswith("chatcmpl-")
    assert list(body) == ["id", "object", "created", "model", "choices", "usage", "stats", "system_fingerprint"]
    assert (body["object"], body["model"], body["stats"]) == ("chat.completion", "stand-in-for-qwen2.5", {})
    assert body["system_fingerprint"] == "stand-in-for-qwen2.5"
    assert choice["message"] == {"role": "assistant", "content": "", "reasoning_content": ""}
    assert (choice["index"], choice["logprobs"], choice["finish_reason"]) == (0, None, "tool_calls")
    assert (call["type"], call["function"]["name"], len(call["id"])) == ("function", "plan", 9)
    assert call["id"].isdecimal()
    assert json.loads(call["function"]["arguments"]) == {"steps": [{"op": "add_item", "list": "L1", "text": "mílk"}]}


async def test_usage_is_a_quarter_of_the_bytes(standin: Any) -> None:
    body = {"messages": [{"role": "user", "content": "é" * 6}, {"role": "user", "content": "1234567"}]}
    response = (await standin.http.post("/v1/chat/completions", json=body)).json()
    told = response["choices"][0]["message"]["content"]
    completion = -(-len(told.encode()) // 4)
    assert response["usage"] == {
        "prompt_tokens": (3 + 4) + (2 + 4),
        "completion_tokens": completion,
        "total_tokens": 13 + completion,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


async def test_without_leave_to_call_it_answers_in_prose(standin: Any) -> None:
    other = {"type": "function", "function": {"name": "x"}}
    cases: list[dict[str, Any]] = [{"tool_choice": "none"}, {"tools": []}, {"tools": [other]}]
    for more in cases:
        (choice,) = (await standin.ask("add tea to Groceries", **more)).json()["choices"]
        assert choice["finish_reason"] == "stop"
        assert choice["message"]["tool_calls"] == []
        assert "stand-in" in choice["message"]["content"]


async def test_auto_calls_to_act_and_speaks_to_say(standin: Any, arguments: Steps) -> None:
    assert arguments(await standin.ask("undo", tool_choice="auto")) == [{"op": "undo"}]
    (choice,) = (await standin.ask("write a poem", tool_choice="auto")).json()["choices"]
    assert choice["message"]["tool_calls"] == []
    assert "did not understand" in choice["message"]["content"]
    assert [step["op"] for step in arguments(await standin.ask("write a poem"))] == ["say"]


async def test_a_schema_gets_the_plan_as_content(standin: Any) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "plan", "schema": SCHEMA}}
    (choice,) = (await standin.ask("undo", tools=None, tool_choice=None, response_format=form)).json()["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == '{"steps":[{"op":"undo"}]}'


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (
            {"tool_choice": {"type": "function", "function": {"name": "plan"}}},
            "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
        ),
        ({"response_format": {"type": "json_object"}}, "'response_format.type' must be 'json_schema' or 'text'"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"properties": {"steps": True}}}}},
            "JSON schema conversion failed: Unrecognized schema: true",
        ),
        ({"messages": None}, "'messages' field is required"),
        (
            {"messages": [{"role": "user", "content": 5}]},
            "Invalid 'content': 'content' field must be a string or an array of objects.",
        ),
        (
            {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "", "type": "function"}]}]},
            "Invalid 'messages' in payload. Please check the structure of your 'messages' and try again",
        ),
    ],
)
async def test_what_lm_studio_refuses_is_refused_in_its_words(standin: Any, more: dict[str, Any], error: str) -> None:
    response = await standin.ask("undo", **more)
    assert (response.status_code, response.json()) == (400, {"error": error})


@pytest.mark.parametrize("body", [b"", b"{", b'{"messages": NaN}', b"[" * 100_000, b"\xff"])
async def test_a_body_that_is_not_json_is_refused(standin: Any, body: bytes) -> None:
    response = await standin.http.post("/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_a_body_over_a_mebibyte_is_refused(standin: Any) -> None:
    response = await standin.http.post("/v1/chat/completions", content=b" " * (1024 * 1024 + 1))
    assert (response.status_code, response.json()) == (413, {"error": "request entity too large"})


async def test_a_lone_surrogate_does_not_break_the_answer(standin: Any, arguments: Steps) -> None:
    body = json.dumps(standin.body("add \ud800tea to Groceries"))
    response = await standin.http.post("/v1/chat/completions", content=body)
    assert arguments(response) == [{"op": "add_item", "list": "L1", "text": "?tea"}]


async def test_a_stream_carries_the_same_call_in_pieces(standin: Any) -> None:
    chunks = events(await standin.ask("add tea to Groceries", stream=True))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    head = deltas[0]["tool_calls"][0]
    assert deltas[0]["role"] == "assistant"
    assert (head["index"], head["type"], head["function"]) == (0, "function", {"name": "plan", "arguments": ""})
    pieces = [delta["tool_calls"][0] for delta in deltas[1:-1]]
    assert all(list(piece) == ["index", "function"] and list(piece["function"]) == ["arguments"] for piece in pieces)
    told = "".join(piece["function"]["arguments"] for piece in pieces)
    assert json.loads(told) == {"steps": [{"op": "add_item", "list": "L1", "text": "tea"}]}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["tool_calls"]
    assert {(chunk["object"], chunk["model"], chunk["id"]) for chunk in chunks} == {
        ("chat.completion.chunk", "stand-in-for-qwen2.5", chunks[0]["id"])
    }


async def test_a_stream_ends_with_usage_when_asked(standin: Any) -> None:
    response = await standin.ask("hello", tool_choice="none", stream=True, stream_options={"include_usage": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, usage = events(response)
    told = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert told.startswith("Hello. I am the stand-in")
    assert chunks[-1]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == -(-len(told) // 4)


async def test_max_tokens_cuts_the_answer_off(standin: Any) -> None:
    (choice,) = (await standin.ask("add tea to Groceries", max_tokens=5)).json()["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"steps":[{"op":"add'


async def test_a_prompt_over_the_context_is_refused(start: Any) -> None:
    async with start("--context-length", "256") as small:
        assert (await small.ask("undo")).status_code == 200
        response = await small.ask("add " + "x" * 1000)
        assert response.status_code == 400
        assert response.json()["error"].startswith("Trying to keep the first ")
        assert "context length of only 256 tokens" in response.json()["error"]


async def test_it_serves_in_process_too() -> None:
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://standin") as client:
        assert (await client.get("/v1/models")).json()["data"][0]["id"] == "stand-in-for-qwen2.5"
        body = {"messages": [{"role": "user", "content": "hello"}]}
        response = await client.post("/v1/chat/completions", json=body)
    assert response.json()["choices"][0]["finish_reason"] == "stop"
