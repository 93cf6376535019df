"""Reading a chat completion request as LM Studio does, with the refusals it gives. Pure.

Sources, all in lmstudio-bug-tracker: #670 (tool_choice), #189 (response_format), #830 and #261 (messages), #2247
(schemas).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

BODY_MAX_BYTES: Final = 1024 * 1024
PLAN_TOOL: Final = "plan"
_TOOL_CHOICES: Final = ("none", "auto", "required")
_BAD_MESSAGES: Final = "Invalid 'messages' in payload. Please check the structure of your 'messages' and try again"
_BAD_CONTENT: Final = "Invalid 'content': 'content' field must be a string or an array of objects."


class WireError(Exception):
    """A refusal as it goes out: the HTTP status, and the JSON body in the shape LM Studio gives this one."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(f"refused with HTTP {status}")
        self.status: Final = status
        self.body: Final = body


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What of a request matters here; sampling parameters are accepted and ignored. `max_tokens` None: no bound."""

    messages: tuple[Mapping[str, object], ...]
    may_plan: bool
    must_plan: bool
    schema: Mapping[str, object] | None
    stream: bool
    include_usage: bool
    max_tokens: int | None
    tools_json: str
    tools: tuple[str, ...] = ()


def read_json(body: bytes) -> Json:
    """The body as JSON, or WireError."""
    try:
        value: Json = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        detail: Json = {"message": "Invalid JSON in the request body", "type": "invalid_request_error"}
        raise WireError(400, {"error": detail}) from error
    return value


def _refuse_constant(name: str) -> Json:
    message = f"{name} is not JSON"
    raise ValueError(message)


def read_chat_request(body: Json) -> ChatRequest:
    """Check a request in LM Studio's order; WireError says what it would answer."""
    fields: dict[str, Json] = body if isinstance(body, dict) else {}
    messages = _messages(fields.get("messages"))
    choice = _tool_choice(fields.get("tool_choice", "auto"))
    tools = fields.get("tools") or []
    options = fields.get("stream_options")
    bound = fields.get("max_tokens")
    names = tuple(name for tool in tools if (name := _tool_name(tool))) if isinstance(tools, list) else ()
    offered = PLAN_TOOL in names
    return ChatRequest(
        messages=messages,
        may_plan=offered and choice != "none",
        must_plan=offered and choice == "required",
        schema=_schema(fields.get("response_format")),
        stream=fields.get("stream") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        max_tokens=bound if isinstance(bound, int) and not isinstance(bound, bool) and bound > 0 else None,
        tools_json=json.dumps(tools, separators=(",", ":")) if tools else "",
        tools=names if choice != "none" else (),
    )


def _messages(value: Json) -> tuple[Mapping[str, object], ...]:
    if value is None:
        raise WireError(400, {"error": "'messages' field is required"})
    if not isinstance(value, list) or not value:
        raise WireError(400, {"error": _BAD_MESSAGES})
    messages: list[Mapping[str, object]] = []
    for message in value:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise WireError(400, {"error": _BAD_MESSAGES})
        if not isinstance(message.get("content", ""), str | list | None):
            raise WireError(400, {"error": _BAD_CONTENT})
        calls = message.get("tool_calls") or []
        if not isinstance(calls, list) or not all(_is_call(call) for call in calls):
            raise WireError(400, {"error": _BAD_MESSAGES})
        messages.append(message)
    return tuple(messages)


def _is_call(call: Json) -> bool:
    """An echoed tool call needs an id and a function; the empty ids that LM Studio itself can emit are refused."""
    return isinstance(call, dict) and bool(call.get("id")) and isinstance(call.get("function"), dict)


def _tool_choice(value: Json) -> str:
    if isinstance(value, str) and value in _TOOL_CHOICES:
        return value
    if value is None:
        return "auto"
    kind = "object" if isinstance(value, dict | list) else str(value)
    error = f"Invalid tool_choice type: '{kind}'. Supported string values: {', '.join(_TOOL_CHOICES)}"
    raise WireError(400, {"error": error})


def _tool_name(tool: Json) -> str | None:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _schema(value: Json) -> Mapping[str, object] | None:
    """The JSON schema that the answer is held to; None for plain text."""
    if value is None or value == {"type": "text"}:
        return None
    if not isinstance(value, dict) or value.get("type") != "json_schema":
        raise WireError(400, {"error": "'response_format.type' must be 'json_schema' or 'text'"})
    holder = value.get("json_schema")
    schema = holder.get("schema") if isinstance(holder, dict) else None
    if not isinstance(schema, dict):
        raise WireError(400, {"error": "'response_format.json_schema.schema' must be an object"})
    _check_schema(schema)
    properties = schema.get("properties")
    if not isinstance(properties, dict) or "steps" not in properties:
        # Ours, not LM Studio's: a grammar would make a model fill any schema; rules can fill only the plan's.
        raise WireError(400, {"error": "stand-in-for-qwen2.5 can fill only a schema that has 'steps'"})
    return schema


def _check_schema(schema: Json) -> None:
    """A sub-schema that is literally `true` is what LM Studio's grammar builder trips over."""
    if schema is True:
        raise WireError(400, {"error": "JSON schema conversion failed: Unrecognized schema: true"})
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties")
    below: list[Json] = list(properties.values()) if isinstance(properties, dict) else []
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        alternatives = schema.get(word)
        below += alternatives if isinstance(alternatives, list) else []
    for sub in (*below, schema.get("items")):
        _check_schema(sub)
