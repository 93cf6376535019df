"""LM Studio's JSON, byte for byte where it is documented or was recorded, for a model that says what it is. Pure.

Shapes: LM Studio's documentation of 2026-04 (`/api/v1/models`, tool streaming) and recorded answers of 0.4
(`reasoning_content`, `stats`, `system_fingerprint`, numeric ids of tool calls).
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from standin.chat_request import Json

MODEL_ID: Final = "stand-in-for-qwen2.5"
OWNER: Final = "todo-agent stand-in"
MAX_CONTEXT: Final = 32_768
_BYTES_PER_TOKEN: Final = 4
_TOKENS_PER_MESSAGE: Final = 4
_PIECE_CHARS: Final = 16
END_OF_STREAM: Final = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `arguments` is text, as on the wire, and need not be JSON when a fault is played."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion before it is put into a body. `finish` None and `cut`: the stream just ends."""

    id: str
    created: int
    prompt_tokens: int
    content: str = ""
    calls: tuple[Call, ...] = ()
    finish: str = "stop"
    model: str = MODEL_ID
    choices: bool = True
    cut: bool = False

    @property
    def completion_tokens(self) -> int:
        """Of the content and the calls together."""
        return count_tokens(self.content) + sum(count_tokens(call.name + call.arguments) for call in self.calls)


def count_tokens(text: str) -> int:
    """Approximate and always the same: a quarter of the UTF-8 bytes, rounded up."""
    return math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN)


def count_prompt_tokens(texts: Iterable[str], tools_json: str) -> int:
    """The messages' texts, four tokens of frame around each, and the tools as they stand in the system prompt."""
    return sum(count_tokens(text) + _TOKENS_PER_MESSAGE for text in texts) + count_tokens(tools_json)


def encode(body: Json) -> bytes:
    """A body as UTF-8. A lone surrogate, which JSON can smuggle in as an escape, becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def openai_models(*, listed: bool = True) -> Json:
    """`GET /v1/models`."""
    data: list[Json] = [{"id": MODEL_ID, "object": "model", "owned_by": OWNER}] if listed else []
    return {"data": data, "object": "list"}


def own_models(state: str, *, listed: bool) -> Json:
    """`GET /api/v0/models`, LM Studio's list of before `/api/v1`."""
    row: Json = {
        "id": MODEL_ID,
        "object": "model",
        "type": "llm",
        "publisher": OWNER,
        "arch": None,
        "compatibility_type": None,
        "quantization": None,
        "state": state,
        "max_context_length": MAX_CONTEXT,
    }
    return {"data": [row] if listed else [], "object": "list"}


def native_models(context_length: int, parallel: int) -> Json:
    """`GET /api/v1/models`: one model, loaded."""
    config: Json = {
        "context_length": context_length,
        "eval_batch_size": 512,
        "parallel": parallel,
        "flash_attention": False,
        "offload_kv_cache_to_gpu": False,
    }
    model: Json = {
        "type": "llm",
        "publisher": OWNER,
        "key": MODEL_ID,
        "display_name": "Stand-in for Qwen2.5: fixed rules, no language model",
        "architecture": None,
        "quantization": None,
        "size_bytes": 0,
        "params_string": None,
        "loaded_instances": [{"id": MODEL_ID, "config": config}],
        "max_context_length": MAX_CONTEXT,
        "format": None,
        "capabilities": {"vision": False, "trained_for_tool_use": True},
        "description": "Plans a documented set of plain English requests by rules, to try the system and for tests.",
    }
    return {"models": [model]}


def unknown_endpoint(method: str, path: str) -> Json:
    """What LM Studio answers, with HTTP 200, on a path it does not know."""
    return {"error": f"Unexpected endpoint or method. ({method} {path})"}


def context_overflow(tokens: int, context_length: int) -> Json:
    """The body of LM Studio's HTTP 400 for a prompt that does not fit."""
    return {
        "error": f"Trying to keep the first {tokens} tokens when context the overflows. However, the model is loaded "
        f"with context length of only {context_length} tokens, which is not enough. Try to load the model with a "
        "larger context length, or provide a shorter input"
    }


def completion(answer: Answer) -> Json:
    """The body of a completion that is not streamed."""
    message: Json = {
        "role": "assistant",
        "content": answer.content,
        "reasoning_content": "",
        "tool_calls": [_call(call) for call in answer.calls],
    }
    choice: Json = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish}
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choice] if answer.choices else [],
        "usage": _usage(answer),
        "stats": {},
        "system_fingerprint": answer.model,
    }


def stream(answer: Answer, *, include_usage: bool) -> Iterator[bytes]:
    """The same answer as server-sent events."""
    deltas = list(_deltas(answer))
    if answer.cut:
        deltas = deltas[: max(1, len(deltas) // 2)]
    for delta in deltas if answer.choices else ():
        yield _event(answer, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])
    if answer.cut:
        return
    end: list[Json] = [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": answer.finish}]
    yield _event(answer, end if answer.choices else [])
    if include_usage:
        yield _event(answer, [], usage=_usage(answer))
    yield END_OF_STREAM


def stream_error(body: Json) -> Iterator[bytes]:
    """An error where a stream was asked for: HTTP 200, an `error` event, no end mark."""
    yield b"event: error\ndata: " + encode(body) + b"\n\n"


def _deltas(answer: Answer) -> Iterator[dict[str, Json]]:
    """The role comes with the first piece; a call's id and name come once, then its arguments in fragments."""
    role: dict[str, Json] = {"role": "assistant"}
    for piece in _pieces(answer.content):
        yield {**role, "content": piece}
        role = {}
    for index, call in enumerate(answer.calls):
        head: Json = {
            "index": index,
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        }
        yield {**role, "tool_calls": [head]}
        role = {}
        for piece in _pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    if role:
        yield {**role, "content": ""}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE_CHARS):
        yield text[start : start + _PIECE_CHARS]


def _event(answer: Answer, choices: list[Json], **more: Json) -> bytes:
    chunk: dict[str, Json] = {
        "id": answer.id,
        "object": "chat.completion.chunk",
        "created": answer.created,
        "model": answer.model,
        "system_fingerprint": answer.model,
        "choices": choices,
        **more,
    }
    return b"data: " + encode(chunk) + b"\n\n"


def _call(call: Call) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _usage(answer: Answer) -> Json:
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
