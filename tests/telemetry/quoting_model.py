"""A model server that does what the test says next, and quotes what it was asked wherever it can."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.http import serving

Answer = Callable[[str], Response]
"""What is answered to a prompt."""


def calling(*steps: dict[str, Any], model: str = "quoting") -> Answer:
    """The plan as it should be, of a model that calls itself `model`."""
    call = {"name": "plan", "arguments": json.dumps({"steps": steps})}
    return lambda _: _completion(None, [{"id": "c1", "type": "function", "function": call}], model)


def saying(text: str = "") -> Answer:
    """Prose in the place of a plan."""
    return lambda prompt: _completion(text or prompt, [])


def refusing(status: int) -> Answer:
    """An error, as LM Studio has them, that tells the whole prompt."""
    return lambda prompt: JSONResponse({"error": {"message": f"cannot answer {prompt}"}}, status)


def broken(prompt: str) -> Response:
    """JSON that ends in the middle of the prompt."""
    return Response(f'{{"choices": [{{"message": {{"content": "{prompt}', media_type="application/json")


@dataclass
class QuotingModel:
    url: str = ""
    next: deque[Answer] = field(default_factory=deque)
    prompts: list[str] = field(default_factory=list)
    named: str = "quoting"
    """What it lists its model as."""

    async def models(self, _: Request) -> Response:
        return JSONResponse({"data": [{"id": self.named, "object": "model"}]})

    async def chat(self, request: Request) -> Response:
        prompt = json.dumps((await request.json())["messages"])
        self.prompts.append(prompt)
        return self.next.popleft()(prompt)


@asynccontextmanager
async def quoting_model() -> AsyncIterator[QuotingModel]:
    model = QuotingModel()
    routes = [Route("/v1/models", model.models), Route("/v1/chat/completions", model.chat, methods=["POST"])]
    async with serving("127.0.0.1", 0, Starlette(routes=routes)) as port:
        model.url = f"http://127.0.0.1:{port}"
        yield model


def _completion(content: str | None, calls: list[dict[str, Any]], model: str = "quoting") -> Response:
    message = {"role": "assistant", "content": content, "tool_calls": calls}
    return JSONResponse(
        {
            "id": "quoted",
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }
    )
