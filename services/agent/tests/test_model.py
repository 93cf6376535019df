"""LM Studio's wire: what is sent, and which fault each of its failures is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent import model
from agent.faults import ModelError, ModelFault
from agent.model import ChatModel


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, '{"error":"Unexpected endpoint or method. (POST /chat)"}', ModelFault.BAD_ENDPOINT),
        (200, "<html>router login</html>", ModelFault.BAD_ENDPOINT),
        (404, '{"error":{"message":"No models loaded. Please load a model."}}', ModelFault.NOT_LOADED),
        (400, '{"error":"Model is unloaded."}', ModelFault.NOT_LOADED),
        (500, "oops", ModelFault.HTTP_ERROR),
        (200, "[" * 200_000, ModelFault.BAD_ENDPOINT),
        (503, '{"error":"The model is still loading"}', ModelFault.LOADING),
        (400, '{"error":"Trying to keep the first 5000 tokens when context the overflows."}', ModelFault.OVERFLOW),
        (200, '{"error":{"message":"Compute error."},"message":"Compute error."}', ModelFault.EMPTY),
    ],
)
async def test_each_shape_of_a_servers_error_has_its_fault(status: int, body: str, fault: ModelFault) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text=body))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen").complete([], {}, timeout_s=5)
    assert caught.value.fault is fault


async def test_a_server_that_is_away_is_unreachable() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen").complete([], {}, timeout_s=5)
    assert caught.value.fault is ModelFault.UNREACHABLE


async def test_a_connection_that_breaks_in_the_middle_is_told_from_a_server_that_is_away() -> None:
    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b'{"choices":'
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Broken()))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen").complete([], {}, timeout_s=5)
    assert caught.value.fault is ModelFault.DROPPED


async def test_a_body_whose_usage_is_nonsense_is_a_completion_all_the_same() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text='{"usage":[1],"choices":[]}'))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        completion = await ChatModel(client, "qwen").complete([], {}, timeout_s=5)
    assert (completion.prompt_tokens, completion.served) == (None, "qwen")


async def test_a_server_that_drips_is_cut_off_though_no_read_takes_long() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        with pytest.raises(ModelError) as caught:
            await ChatModel(client, "qwen").complete([], {}, timeout_s=0.02)
    assert caught.value.fault is ModelFault.TIMEOUT


async def test_a_model_for_embeddings_is_not_asked_to_plan() -> None:
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "text-embedding-nomic"}, {"id": "qwen2.5-7b-instruct"}]})
        asked.append(json.loads(request.content)["model"])
        return httpx.Response(200, json={"choices": []})

    async with httpx.AsyncClient(transport=httpx.MockTransport(serve), base_url="http://model") as client:
        await ChatModel(client, None).complete([], {}, timeout_s=5)
    assert asked == ["qwen2.5-7b-instruct"]


async def span_of(
    monkeypatch: pytest.MonkeyPatch, name: str | None, answers: dict[str, httpx.Response]
) -> ReadableSpan:
    """The span of a call to the model `name` of a server that answers so, by path."""
    spans, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(model, "_TRACER", provider.get_tracer("test"))
    transport = httpx.MockTransport(lambda request: answers[request.url.path])
    async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
        with suppress(ModelError):
            await ChatModel(client, name).complete([], {}, timeout_s=5)
    (span,) = spans.get_finished_spans()
    return span


@pytest.mark.parametrize("name", ["qwen", None])
async def test_a_call_that_failed_says_which_model_it_was(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    answers = {
        "/v1/models": httpx.Response(200, json={"data": [{"id": "qwen"}]}),
        "/v1/chat/completions": httpx.Response(500, text="oops"),
    }
    span = await span_of(monkeypatch, name, answers)
    assert span.attributes is not None
    assert (span.name, span.attributes["gen_ai.request.model"]) == ("chat qwen", "qwen")
    assert span.attributes["error.type"] == "model_http_error"


@pytest.mark.parametrize("said", ["buy milk", "qwen\nbuy", "a" * 101, "", "früh", ["buy"], {"buy": "milk"}])
async def test_a_server_s_words_in_the_place_of_a_model_s_name_are_in_no_span(
    monkeypatch: pytest.MonkeyPatch, said: object
) -> None:
    answers = {"/v1/chat/completions": httpx.Response(200, json={"choices": [], "model": said})}
    span = await span_of(monkeypatch, "publisher/qwen2.5-7b@q4_k_m", answers)
    assert span.attributes is not None
    assert span.name == "chat publisher/qwen2.5-7b@q4_k_m"
    # Where nothing is said, it is taken for the one that was asked.
    assert span.attributes["gen_ai.response.model"] == ("other" if said else "publisher/qwen2.5-7b@q4_k_m")
    listed = {"/v1/models": httpx.Response(200, json={"data": [{"id": said}]}), **answers}
    if isinstance(said, str):
        assert (await span_of(monkeypatch, None, listed)).name == "chat other"
