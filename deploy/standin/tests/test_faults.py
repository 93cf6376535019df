"""Each fault's raw body, asked for through the script."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Steps = Callable[[httpx.Response], list[dict[str, str]]]
ARGUMENTS = '{"steps":[{"op":"delete_item","item":"L1.2"}]}'


async def spoilt(standin: Any, fault: str, **more: Any) -> httpx.Response:
    """The answer to "delete eggs" with this fault in it."""
    await standin.script({"fault": fault, **more})
    response: httpx.Response = await standin.ask("delete eggs")
    return response


def message(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200
    (choice,) = response.json()["choices"]
    return {**choice["message"], "finish_reason": choice["finish_reason"]}


async def test_http_answers_with_the_status_and_body_given(standin: Any) -> None:
    response = await spoilt(standin, "http", status=503, body={"error": {"message": "busy"}})
    assert (response.status_code, response.json()) == (503, {"error": {"message": "busy"}})
    response = await spoilt(standin, "http", status=502, body="<html>Bad gateway</html>")
    assert (response.status_code, response.text) == (502, "<html>Bad gateway</html>")
    assert response.headers["content-type"].startswith("text/plain")
    assert (await spoilt(standin, "http")).status_code == 500


async def test_error_200_is_an_error_where_choices_should_be(standin: Any) -> None:
    response = await spoilt(standin, "error_200")
    assert response.status_code == 200
    assert response.json() == {"error": {"message": "Compute error."}, "message": "Compute error."}
    assert (await spoilt(standin, "error_200", body={"error": "x"})).json() == {"error": "x"}


async def test_error_200_of_a_stream_is_an_error_event(standin: Any) -> None:
    await standin.script({"fault": "error_200", "body": {"error": "Compute error."}})
    response = await standin.ask("delete eggs", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text == 'event: error\ndata: {"error":"Compute error."}\n\n'


async def test_not_loaded_is_lm_studios_404(standin: Any) -> None:
    response = await spoilt(standin, "not_loaded")
    assert response.status_code == 404
    assert response.json() == {
        "error": {
            "message": "No models loaded. Please load a model in the developer page or use the 'lms load' command.",
            "type": "invalid_request_error",
            "param": "model",
            "code": None,
        }
    }


async def test_context_overflow_is_lm_studios_400(standin: Any) -> None:
    response = await spoilt(standin, "context_overflow")
    assert response.status_code == 400
    assert response.json()["error"].startswith("Trying to keep the first ")
    assert "context length of only 32768 tokens" in response.json()["error"]


async def test_empty_choices_has_none(standin: Any) -> None:
    response = await spoilt(standin, "empty_choices")
    assert response.status_code == 200
    assert response.json()["choices"] == []


async def test_empty_says_nothing_and_counts_nothing(standin: Any) -> None:
    response = await spoilt(standin, "empty")
    expected = {"role": "assistant", "content": "", "reasoning_content": "", "tool_calls": [], "finish_reason": "stop"}
    assert message(response) == expected
    assert response.json()["usage"]["completion_tokens"] == 0


@pytest.mark.parametrize(
    ("style", "content"),
    [
        ("tool_call", '<tool_call>\n{"name": "plan", "arguments": %s}\n</tool_call>'),
        ("tools", '<tools>{"name": "plan", "arguments": %s}</tools>'),
        ("fenced", '```json\n{"name": "plan", "arguments": %s}\n```'),
        ("bare", '{"name": "plan", "arguments": %s}'),
    ],
)
async def test_text_call_puts_the_call_into_the_content(standin: Any, style: str, content: str) -> None:
    told = message(await spoilt(standin, "text_call", style=style))
    assert told["content"] == content % ARGUMENTS
    assert (told["tool_calls"], told["finish_reason"]) == ([], "stop")
    told = message(await spoilt(standin, "text_call", style=style, text="Let me see."))
    assert told["content"] == "Let me see.\n" + content % ARGUMENTS


async def test_bad_json_is_a_call_whose_arguments_cannot_be_parsed(standin: Any) -> None:
    told = message(await spoilt(standin, "bad_json"))
    (call,) = told["tool_calls"]
    assert told["finish_reason"] == "tool_calls"
    assert call["function"]["arguments"] == '{"steps":[{op: "delete_item","item":"L1.2"}],}'
    with pytest.raises(json.JSONDecodeError):
        json.loads(call["function"]["arguments"])
    (call,) = message(await spoilt(standin, "bad_json", text='{"steps":'))["tool_calls"]
    assert call["function"]["arguments"] == '{"steps":'


async def test_truncated_breaks_off_for_length(standin: Any) -> None:
    told = message(await spoilt(standin, "truncated"))
    (call,) = told["tool_calls"]
    assert told["finish_reason"] == "length"
    assert call["function"]["arguments"] == ARGUMENTS[: len(ARGUMENTS) // 2]


async def test_a_truncated_stream_just_ends(standin: Any) -> None:
    await standin.script({"fault": "truncated"})
    response = await standin.ask("delete eggs", stream=True)
    chunks = [json.loads(line.removeprefix("data: ")) for line in response.text.split("\n\n") if line]
    assert chunks
    assert "[DONE]" not in response.text
    assert {chunk["choices"][0]["finish_reason"] for chunk in chunks} == {None}


async def test_empty_id_is_a_call_without_one(standin: Any) -> None:
    (call,) = message(await spoilt(standin, "empty_id"))["tool_calls"]
    assert (call["id"], call["function"]["arguments"]) == ("", ARGUMENTS)


async def test_duplicate_calls_differ_only_in_their_ids(standin: Any) -> None:
    calls = message(await spoilt(standin, "duplicate_calls"))["tool_calls"]
    assert len({call["id"] for call in calls}) == len(calls) == 9
    assert {call["function"]["arguments"] for call in calls} == {ARGUMENTS}
    assert len(message(await spoilt(standin, "duplicate_calls", times=2))["tool_calls"]) == 2


async def test_stop_with_calls_has_both(standin: Any) -> None:
    told = message(await spoilt(standin, "stop_with_calls"))
    assert (told["finish_reason"], len(told["tool_calls"])) == ("stop", 1)


async def test_model_swapped_answers_under_another_name(standin: Any) -> None:
    response = await spoilt(standin, "model_swapped", model="qwen3")
    assert (response.json()["model"], response.json()["system_fingerprint"]) == ("qwen3", "qwen3")
    assert message(response)["tool_calls"][0]["function"]["arguments"] == ARGUMENTS


async def test_a_lie_claims_success_and_calls_nothing(standin: Any) -> None:
    told = message(await spoilt(standin, "lie"))
    assert told["content"].startswith("Done!")
    assert (told["tool_calls"], told["finish_reason"]) == ([], "stop")
    assert message(await spoilt(standin, "lie", text="Deleted."))["content"] == "Deleted."


async def test_a_fault_can_carry_its_own_plan(standin: Any) -> None:
    plan = [{"op": "delete_list", "list": {"$list": "Travel"}}]
    told = message(await spoilt(standin, "text_call", style="bare", plan=plan))
    steps = json.loads(told["content"])["arguments"]["steps"]
    assert steps == [{"op": "delete_list", "list": "L2"}]


async def test_a_hang_lasts_until_it_is_released_and_then_answers(standin: Any, arguments: Steps) -> None:
    seen = (await standin.requests())["seen"]
    await standin.script({"fault": "hang", "seconds": 600})
    asking = asyncio.ensure_future(standin.ask("delete eggs"))
    assert (await standin.requests(at_least=seen + 1))["reached"]
    assert arguments(await standin.ask("undo")) == [{"op": "undo"}]
    assert not asking.done()
    await standin.http.post("/__standin__/release")
    assert arguments(await asyncio.wait_for(asking, 10)) == [{"op": "delete_item", "item": "L1.2"}]


async def test_a_hang_ends_by_itself_after_its_time(standin: Any) -> None:
    response = await asyncio.wait_for(spoilt(standin, "hang", seconds=0.05), 10)
    assert message(response)["finish_reason"] == "tool_calls"


async def test_a_client_that_hangs_up_frees_its_slot(start: Any) -> None:
    async with start("--scriptable", "--parallel", "1") as narrow:
        await narrow.script({"fault": "hang", "seconds": 600})
        asking = asyncio.ensure_future(narrow.ask("delete eggs"))
        assert (await narrow.requests(at_least=1))["reached"]
        asking.cancel()
        response = await asyncio.wait_for(narrow.ask("undo"), 10)
        assert message(response)["finish_reason"] == "tool_calls"
