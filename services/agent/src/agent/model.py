"""LM Studio's `/v1/chat/completions` over httpx: one call, one `plan`, or a typed error. Retries nothing."""

import asyncio
import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

import httpx
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import ValidationError

from contracts.planning import PLAN_TOOL, ModelPlan

_TRACER: Final = trace.get_tracer("agent.model")

MAX_TOKENS: Final = 1024
MODEL_KNOWN_S: Final = 30.0
RESPONSE_MAX_BYTES: Final = 1024 * 1024


class ModelFault(StrEnum):
    """Why there is no plan."""

    UNREACHABLE = "model_unreachable"
    TIMEOUT = "model_timeout"
    NOT_LOADED = "model_not_loaded"
    BAD_ENDPOINT = "model_bad_endpoint"
    HTTP_ERROR = "model_http_error"
    EMPTY = "model_empty"
    TRUNCATED = "model_truncated"
    NO_PLAN = "model_no_plan"
    BAD_PLAN = "model_bad_plan"


class ModelError(Exception):
    """The model gave no usable plan. Nothing of what it sent is in here: it may quote the user."""

    def __init__(self, fault: ModelFault, status: int | None = None) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.status = status


@dataclass(frozen=True)
class Planned:
    """A plan and what it cost. `seconds` is the time of the call."""

    plan: ModelPlan
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float


class PlanningModel(Protocol):
    """Something that turns messages into a plan. Raises ModelError."""

    async def plan(self, messages: list[dict[str, str]], tools: list[dict[str, Any]]) -> Planned: ...


class ChatModel:
    """A PlanningModel on an OpenAI-compatible server. The client's base URL and timeout are the caller's."""

    def __init__(self, client: httpx.AsyncClient, model: str | None, *, timeout_s: float = 120.0) -> None:
        self._client = client
        self._model = model
        self._timeout_s = timeout_s
        self._listed: str | None = None
        self._listed_at = 0.0

    async def plan(self, messages: list[dict[str, str]], tools: list[dict[str, Any]]) -> Planned:
        with _TRACER.start_as_current_span(
            "chat", kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "lm_studio"})
            try:
                # httpx bounds each read; a server that sends a byte now and then would hold the turn without end.
                async with asyncio.timeout(self._timeout_s):
                    planned = await self._ask(messages, tools)
            except TimeoutError as error:
                span.set_attribute("error.type", ModelFault.TIMEOUT.value)
                span.set_status(StatusCode.ERROR)
                raise ModelError(ModelFault.TIMEOUT) from error
            except ModelError as error:
                span.set_attribute("error.type", error.fault.value)
                span.set_status(StatusCode.ERROR)
                raise
            span.set_attributes(
                {
                    "gen_ai.response.model": planned.model,
                    "gen_ai.usage.input_tokens": planned.prompt_tokens or 0,
                    "gen_ai.usage.output_tokens": planned.completion_tokens or 0,
                }
            )
            return planned

    async def _ask(self, messages: list[dict[str, str]], tools: list[dict[str, Any]]) -> Planned:
        model = self._model or await self._first_model()
        request = {
            "model": model,
            "messages": messages,
            "tools": tools,
            # The object form that names a tool is answered with a 400.
            "tool_choice": "required",
            "temperature": 0,
            "seed": 0,
            "max_tokens": MAX_TOKENS,
            "stream": False,
        }
        started = time.perf_counter()
        body = await self._json("POST", "/v1/chat/completions", request)
        seconds = time.perf_counter() - started
        usage = body.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Planned(
            plan=plan_in(body),
            model=str(body.get("model") or model),
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=_count(usage, "completion_tokens"),
            seconds=seconds,
        )

    async def _first_model(self) -> str:
        """The first model listed that is none for embeddings. Asked again after MODEL_KNOWN_S: people swap models."""
        if self._listed is not None and time.monotonic() - self._listed_at < MODEL_KNOWN_S:
            return self._listed
        body = await self._json("GET", "/v1/models", None)
        listed = body.get("data")
        names = [row.get("id") for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        name = next((name for name in names if isinstance(name, str) and "embed" not in name.lower()), None)
        if name is None:
            raise ModelError(ModelFault.NOT_LOADED)
        self._listed, self._listed_at = name, time.monotonic()
        return name

    async def _json(self, method: str, path: str, request: dict[str, Any] | None) -> dict[str, Any]:
        try:
            async with self._client.stream(method, path, json=request) as response:
                data = bytearray()
                async for chunk in response.aiter_bytes():
                    data += chunk
                    if len(data) > RESPONSE_MAX_BYTES:
                        raise ModelError(ModelFault.BAD_PLAN)
                status = response.status_code
        except httpx.TimeoutException as error:
            raise ModelError(ModelFault.TIMEOUT) from error
        except httpx.HTTPError as error:
            raise ModelError(ModelFault.UNREACHABLE) from error
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ModelError(ModelFault.BAD_ENDPOINT if status < 400 else ModelFault.HTTP_ERROR, status) from error
        if not isinstance(body, dict):
            raise ModelError(ModelFault.BAD_ENDPOINT, status)
        if status >= 400 or "error" in body:
            raise ModelError(_fault_of(status, body.get("error")), status)
        return body


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None


def _fault_of(status: int, error: object) -> ModelFault:
    """LM Studio answers an unknown path with 200 and an error, and has several shapes of error."""
    text = error.get("message", "") if isinstance(error, dict) else error
    lowered = text.lower() if isinstance(text, str) else ""
    if "unexpected endpoint" in lowered:
        return ModelFault.BAD_ENDPOINT
    if "no models loaded" in lowered or "unloaded" in lowered or "not loaded" in lowered:
        return ModelFault.NOT_LOADED
    return ModelFault.HTTP_ERROR if status >= 400 else ModelFault.EMPTY


def plan_in(body: dict[str, Any]) -> ModelPlan:
    """The one plan in a completion. Raises ModelError; never executes from a part of an answer."""
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ModelError(ModelFault.EMPTY)
    choice = choices[0]
    if choice.get("finish_reason") == "length":
        raise ModelError(ModelFault.TRUNCATED)
    message = choice.get("message")
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    calls = calls if isinstance(calls, list) else []
    # The same call several times over is a known fault of the server; different ones leave it open which is meant.
    arguments = {
        given
        for call in calls
        if isinstance(call, dict)
        and isinstance(function := call.get("function"), dict)
        and function.get("name") == PLAN_TOOL
        and isinstance(given := function.get("arguments"), str)
    }
    if len(arguments) != 1:
        raise ModelError(ModelFault.NO_PLAN if not arguments else ModelFault.BAD_PLAN)
    try:
        return ModelPlan.from_json(arguments.pop())
    except ValidationError as error:
        raise ModelError(ModelFault.BAD_PLAN) from error
