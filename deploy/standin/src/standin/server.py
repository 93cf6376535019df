"""The HTTP side: LM Studio's endpoints, and with `scriptable` the ones under /__standin__ for tests."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from standin import lmstudio, using_tools
from standin.chat_request import BODY_MAX_BYTES, ChatRequest, Json, WireError, read_chat_request, read_json
from standin.control import control_routes
from standin.faults import Draft, arguments_of, not_loaded, spoilt, well_formed
from standin.journal import Journal
from standin.prompt import read_prompt, text_of
from standin.rules.planner import plan
from standin.script import Fault, Script, ScriptError, ScriptStep, fill_in
from standin.shelf import Shelf

PARALLEL: Final = 4
"""LM Studio's default of concurrent predictions."""
WAITING_MAX: Final = 64
CLIENT_GONE: Final = 499

Method = Callable[[Request], Awaitable[Response]]


def create_app(
    *,
    scriptable: bool = False,
    script: Iterable[ScriptStep] = (),
    delay_ms: int = 0,
    context_length: int = lmstudio.MAX_CONTEXT,
    parallel: int = PARALLEL,
) -> Starlette:
    """The stand-in as an ASGI application.

    `script` is consumed first; `scriptable` opens /__standin__ to add to it and to read the requests seen; `delay_ms`
    is waited before each answer; a prompt over `context_length` tokens is refused; `parallel` completions run at once.
    """
    desk = Desk(Script(script), delay_ms=delay_ms, context_length=context_length, parallel=parallel)

    async def openai_models(_: Request) -> Response:
        return _json(lmstudio.openai_models(listed=desk.shelf.listed))

    async def own_models(_: Request) -> Response:
        return _json(lmstudio.own_models(desk.shelf.place, listed=desk.shelf.listed))

    async def native_models(_: Request) -> Response:
        return _json(lmstudio.native_models(context_length, parallel))

    async def unknown(request: Request) -> Response:
        return _json(lmstudio.unknown_endpoint(request.method, request.url.path))

    routes = [
        Route("/v1/models", openai_models),
        Route("/api/v0/models", own_models),
        Route("/api/v1/models", native_models),
        Route("/v1/chat/completions", desk.complete, methods=["POST"]),
        *(control_routes(desk.script, desk.journal, desk.shelf, desk.release) if scriptable else ()),
        Route("/{path:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    ]
    return Starlette(routes=routes)


class Desk:
    """Answers chat completions: takes the script's next step, plans, waits where told to, puts the answer in shape."""

    def __init__(self, script: Script, *, delay_ms: int, context_length: int, parallel: int) -> None:
        self.script: Final = script
        self.journal: Final = Journal()
        self.shelf: Final = Shelf()
        self._delay: Final = delay_ms / 1000
        self._context_length: Final = context_length
        self._slots: Final = asyncio.Semaphore(parallel)
        self._waiting = 0
        self._released = asyncio.Event()

    def release(self) -> None:
        """End every hang that is going on."""
        self._released.set()
        self._released = asyncio.Event()

    async def complete(self, http: Request) -> Response:
        """`POST /v1/chat/completions`."""
        body: Json = None
        try:
            raw = await _read_body(http)
            body = read_json(raw)
            number = await self.journal.note(body, size=len(raw), authorized="authorization" in http.headers)
            # Taken on arrival, so that the script's order is the order of the requests, not of free slots.
            step = self.script.take()
            self.journal.answered(number, _source(step))
            if not self.shelf.ask():
                raise not_loaded()
            if self._waiting >= WAITING_MAX:
                raise WireError(503, {"error": f"{lmstudio.MODEL_ID} has {WAITING_MAX} requests waiting already"})
            return await self._in_turn(http, body, step, number)
        except WireError as refusal:
            return _refused(refusal, streamed=isinstance(body, dict) and body.get("stream") is True)
        except ClientDisconnect:
            return Response(status_code=CLIENT_GONE)

    async def _in_turn(self, http: Request, body: Json, step: ScriptStep, number: int) -> Response:
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            hang = step.seconds if step.fault is Fault.HANG else 0.0
            for seconds, released in ((hang, self._released), (self._delay, asyncio.Event())):
                if seconds and await _client_leaves(http, seconds, released):
                    self.journal.answered(number, "nobody: the client left")
                    return Response(status_code=CLIENT_GONE)
            request = read_chat_request(body)
            answer = self._answer(request, step, number)
        finally:
            self._slots.release()
        if not request.stream:
            return _json(lmstudio.completion(answer))
        events = lmstudio.stream(answer, include_usage=request.include_usage)
        return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})

    def _answer(self, request: ChatRequest, step: ScriptStep, number: int) -> lmstudio.Answer:
        prompt = read_prompt(request.messages)
        tokens = lmstudio.count_prompt_tokens(
            (text_of(message.get("content")) for message in request.messages), request.tools_json
        )
        if tokens > self._context_length:
            raise WireError(400, lmstudio.context_overflow(tokens, self._context_length))
        empty = lmstudio.Answer(f"chatcmpl-{_digest(number, 0)[:21]}", int(time.time()), tokens)
        if step.plan is None and step.fault is None and using_tools.offered(request.tools):
            return _using_tools(request, empty, _call_id(number, 0))
        only_say = None
        if step.plan is None:
            steps = plan(prompt)
            only_say = steps[0]["text"] if [step["op"] for step in steps] == ["say"] else None
            arguments = arguments_of([{**planned} for planned in steps])
        else:
            try:
                arguments = arguments_of(fill_in(list(step.plan), prompt))
            except ScriptError as error:
                raise WireError(500, {"error": f"stand-in script: {error}"}) from error
        draft = Draft(empty, arguments, lambda call: _call_id(number, call), self._context_length)
        return spoilt(step, well_formed(request, draft, only_say), draft)


def _using_tools(request: ChatRequest, empty: lmstudio.Answer, call_id: str) -> lmstudio.Answer:
    use = using_tools.next_use(request.messages)
    if use.text:
        return replace(empty, content=use.text)
    return replace(empty, calls=(lmstudio.Call(call_id, use.name, use.arguments),), finish="tool_calls")


def _json(body: Json, status: int = 200) -> Response:
    return Response(lmstudio.encode(body), status_code=status, media_type="application/json")


async def _read_body(http: Request) -> bytes:
    body = bytearray()
    async for piece in http.stream():
        body += piece
        if len(body) > BODY_MAX_BYTES:
            raise WireError(413, {"error": "request entity too large"})
    return bytes(body)


async def _client_leaves(http: Request, seconds: float, released: asyncio.Event) -> bool:
    """Wait; True as soon as the client hangs up, which stops LM Studio too; False when time is up or released."""

    async def hung_up() -> None:
        while (await http.receive())["type"] != "http.disconnect":
            pass

    gone, let_go = asyncio.ensure_future(hung_up()), asyncio.ensure_future(released.wait())
    try:
        await asyncio.wait((gone, let_go), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return gone.done()
    finally:
        for waiter in (gone, let_go):
            waiter.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiter


def _refused(refusal: WireError, *, streamed: bool) -> Response:
    if refusal.status == 200 and streamed:
        return StreamingResponse(lmstudio.stream_error(refusal.body), media_type="text/event-stream")
    if isinstance(refusal.body, str):
        return PlainTextResponse(refusal.body, status_code=refusal.status)
    return _json(refusal.body, refusal.status)


def _source(step: ScriptStep) -> str:
    if step.fault is not None:
        return f"fault:{step.fault}"
    return "rules" if step.plan is None else "plan"


def _digest(number: int, call: int) -> str:
    return hashlib.sha256(f"{number}/{call}".encode()).hexdigest()


def _call_id(number: int, call: int) -> str:
    """Nine digits, as LM Studio numbers its calls; the same for the same request of a run."""
    return str(100_000_000 + int(_digest(number, call), 16) % 900_000_000)
