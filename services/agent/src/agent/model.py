"""LM Studio's `/v1/chat/completions` over httpx: one call, one body, or a typed error. Retries nothing."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from agent.faults import ModelError, ModelFault
from agent.model_listing import Listing, first_to_ask, listing_of, rows_of
from bus import tracing
from contracts import conventions
from contracts.model_status import name_to_record

_TRACER: Final = trace.get_tracer("agent.model")

MAX_TOKENS: Final = 1024
MODEL_KNOWN_S: Final = 30.0
RESPONSE_MAX_BYTES: Final = 1024 * 1024

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class Completion:
    """One answer as it came. `asked` and `served` name the model: a server may put another in its place."""

    body: dict[str, Any]
    asked: str
    served: str
    prompt_tokens: int | None
    completion_tokens: int | None


class CompletingModel(Protocol):
    """Something that answers a chat. Raises ModelError."""

    async def complete(self, messages: Messages, form: dict[str, Any], *, timeout_s: float) -> Completion:
        """`form` are the request's fields that say how to answer: tools and their choice, or a response format."""


class ChatModel:
    """A CompletingModel on an OpenAI-compatible server. The client's base URL is the caller's."""

    def __init__(self, client: httpx.AsyncClient, model: str | None) -> None:
        self._client = client
        self._model = model
        self._listed: str | None = None
        self._listed_at = 0.0

    async def complete(self, messages: Messages, form: dict[str, Any], *, timeout_s: float) -> Completion:
        with tracing.step(_TRACER, conventions.CHAT, SpanKind.CLIENT, self._known()) as span:
            try:
                # httpx bounds each read; a server that sends a byte now and then would hold the turn without end.
                async with asyncio.timeout(timeout_s):
                    completion = await self._ask(messages, form, span)
            except TimeoutError as error:
                tracing.failed(span, ModelFault.TIMEOUT.value)
                raise ModelError(ModelFault.TIMEOUT) from error
            except ModelError as error:
                tracing.failed(span, error.fault.value)
                raise
            if span.is_recording():
                _describe(span, completion)
            return completion

    def _known(self) -> tracing.Attributes:
        """What is known of a call before it is made."""
        url = self._client.base_url
        attributes: dict[str, AttributeValue] = {
            conventions.GEN_AI_OPERATION_NAME: conventions.CHAT,
            conventions.GEN_AI_PROVIDER_NAME: conventions.LM_STUDIO,
            conventions.GEN_AI_REQUEST_MAX_TOKENS: MAX_TOKENS,
            conventions.GEN_AI_REQUEST_TEMPERATURE: 0.0,
            conventions.SERVER_ADDRESS: url.host,
            conventions.SERVER_PORT: url.port or (443 if url.scheme == "https" else 80),
        }
        session = tracing.current_session()
        if session is not None:
            attributes[conventions.GEN_AI_CONVERSATION_ID] = session
        return attributes

    async def _ask(self, messages: Messages, form: dict[str, Any], span: Span) -> Completion:
        model = self._model or await self._first_model()
        if span.is_recording():  # now, for a call that fails has to say which model it was
            span.update_name(f"{conventions.CHAT} {name_to_record(model)}")
            span.set_attribute(conventions.GEN_AI_REQUEST_MODEL, name_to_record(model))
        request = {
            "model": model,
            "messages": messages,
            **form,
            "temperature": 0,
            "seed": 0,
            "max_tokens": MAX_TOKENS,
            "stream": False,
        }
        body = await self._json("POST", "/v1/chat/completions", request)
        usage = body.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Completion(
            body=body,
            asked=model,
            served=str(body.get("model") or model),
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
        )

    async def _first_model(self) -> str:
        """The first model listed that is none for embeddings. Asked again after MODEL_KNOWN_S: people swap models."""
        if self._listed is not None and time.monotonic() - self._listed_at < MODEL_KNOWN_S:
            return self._listed
        name = first_to_ask(rows_of(await self._json("GET", "/v1/models", None)) or [])
        if name is None:
            raise ModelError(ModelFault.NOT_LOADED)
        self._listed, self._listed_at = name, time.monotonic()
        return name

    async def listing(self, *, timeout_s: float) -> Listing | None:
        """What the server says of its models; None where nothing answers with a list of models within `timeout_s`
        seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                rows = rows_of(await self._json("GET", "/v1/models", None))
                return None if rows is None else listing_of(rows, await self._own_rows(), self._model)
        except (ModelError, TimeoutError):
            return None

    async def _own_rows(self) -> list[dict[str, Any]]:
        """LM Studio's own list; none of another server."""
        try:
            return rows_of(await self._json("GET", "/api/v0/models", None)) or []
        except ModelError:
            return []

    async def _json(self, method: str, path: str, request: dict[str, Any] | None) -> dict[str, Any]:
        data, status = await self._exchange(method, path, request)
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ModelError(ModelFault.BAD_ENDPOINT if status < 400 else ModelFault.HTTP_ERROR, status) from error
        if not isinstance(body, dict):
            raise ModelError(ModelFault.BAD_ENDPOINT, status)
        if status >= 400 or "error" in body:
            raise ModelError(_fault_of(status, body.get("error")), status)
        return body

    async def _exchange(self, method: str, path: str, request: dict[str, Any] | None) -> tuple[bytes, int]:
        try:
            # Random numbers, nothing of the user's. A model server that traces as well goes on with the turn's trace.
            traceparent = tracing.inject({})
            async with self._client.stream(method, path, json=request, headers=traceparent) as response:
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > RESPONSE_MAX_BYTES:
                        raise ModelError(ModelFault.BAD_PLAN)
                return bytes(data), response.status_code
        except httpx.ConnectTimeout as error:
            raise ModelError(ModelFault.UNREACHABLE) from error
        except httpx.TimeoutException as error:
            raise ModelError(ModelFault.TIMEOUT) from error
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.DecodingError) as error:
            raise ModelError(ModelFault.DROPPED) from error
        except httpx.HTTPError as error:
            raise ModelError(ModelFault.UNREACHABLE) from error


def _describe(span: Span, completion: Completion) -> None:
    span.set_attribute(conventions.GEN_AI_RESPONSE_MODEL, name_to_record(completion.served))
    if completion.prompt_tokens is not None:
        span.set_attribute(conventions.GEN_AI_USAGE_INPUT_TOKENS, completion.prompt_tokens)
    if completion.completion_tokens is not None:
        span.set_attribute(conventions.GEN_AI_USAGE_OUTPUT_TOKENS, completion.completion_tokens)


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None


_TOLD: Final = (
    ("unexpected endpoint", ModelFault.BAD_ENDPOINT),
    ("loading", ModelFault.LOADING),
    ("no models loaded", ModelFault.NOT_LOADED),
    ("unloaded", ModelFault.NOT_LOADED),
    ("not loaded", ModelFault.NOT_LOADED),
    ("trying to keep the first", ModelFault.OVERFLOW),
    ("context length", ModelFault.OVERFLOW),
    ("context window", ModelFault.OVERFLOW),
)


def _fault_of(status: int, error: object) -> ModelFault:
    """LM Studio answers an unknown path with 200 and an error, and has several shapes of error."""
    text = error.get("message", "") if isinstance(error, dict) else error
    lowered = text.lower() if isinstance(text, str) else ""
    for words, fault in _TOLD:
        if words in lowered:
            return fault
    return ModelFault.HTTP_ERROR if status >= 400 else ModelFault.EMPTY
