"""The one model that everybody talks to: it plays a scenario, for a peer with the peer's tools, for us with `plan`.

It speaks the stand-in's wire. What it does next depends only on what it is shown: first it reads, then it acts, badly
where the scenario says so, then it tells what became of it; whatever else it is told (a validation error, "nothing has
changed") it takes as being asked again, and acts well.
"""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.peers.scenarios import Act, Form, OnError, Scenario
from local_stack.ports import LOOPBACK
from standin import lmstudio
from standin.chat_request import PLAN_TOOL, ChatRequest, Json, WireError, read_chat_request, read_json
from standin.lmstudio import Answer, Call
from standin.prompt import read_prompt, text_of
from standin.script import fill_in

CALLS_MAX: Final = 40
STOP_S: Final = 5.0
READ_TOOL: Final = "get_lists"
FINAL_TOOL: Final = "final_answer"
"""smolagents has its models end by calling this tool; prose is an error to it."""
MARKS: Final = {"read": '{"lists"', "ok": '{"ok"', "error": '{"store_error"'}
"""How the answers of the peers' tools begin."""

_CLAIM: Final = "Done! I have taken care of it: {}."
_DENIAL: Final = "I could not do that: the store did not answer."
_REFERENCE: Final = re.compile(r"\$(list|item):(.+)")

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Said:
    """What a model does in one answer: acts, or says something."""

    acts: tuple[Act, ...] = ()
    words: str = ""
    form: Form = Form.WELL


class Player:
    """One run of a scenario. `ids` finds a peer's ids by `$list:Name` and `$item:title`.

    `before_claim` is awaited before the model's second answer: it is when the other writer writes.
    """

    def __init__(
        self,
        scenario: Scenario,
        ids: Mapping[str, str],
        other_writer: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._scenario = scenario
        self._ids = ids
        self._other_writer = other_writer
        self._acted = False
        self._tried_again = False
        self.calls = 0
        self.prompt_tokens = 0

    async def answer(self, body: dict[str, Any]) -> Answer:
        """The answer to a chat completion. Raises WireError where that is the answer."""
        self.calls += 1
        if self.calls > CALLS_MAX:
            raise WireError(500, {"error": f"asked more than {CALLS_MAX} times"})
        # With LM Studio's own refusals: an empty id that is sent back to it is one of them.
        asked = read_chat_request(body)
        messages, tools = asked.messages, _names(body.get("tools"))
        ours = PLAN_TOOL in tools or asked.schema is not None
        said = self._planned() if ours else self._next(messages)
        if self._other_writer is not None and (ours or self.calls > 1):
            await self._other_writer()
            self._other_writer = None
        tokens = lmstudio.count_prompt_tokens(
            (text_of(message.get("content")) for message in messages), asked.tools_json
        )
        self.prompt_tokens += tokens
        empty = Answer(f"chatcmpl-{self.calls}", int(time.time()), tokens)
        if ours:
            return _spoilt(said, _plan_answer(said, empty, asked))
        return _spoilt(said, self._tool_answer(said, empty, ends_by_tool=FINAL_TOOL in tools))

    def _planned(self) -> Said:
        if self._acted and not self._scenario.stubborn:
            return Said(self._scenario.right)
        self._acted = True
        return Said(self._scenario.acts, self._claim(), self._scenario.form)

    def _next(self, messages: Messages) -> Said:
        if not any(message.get("role") == "assistant" for message in messages):
            return Said((Act(READ_TOOL, {}, {}),))
        shown = text_of(messages[-1].get("content"))
        mark = max(MARKS, key=lambda name: shown.rfind(MARKS[name]))
        if not self._acted:
            self._acted = True
            return Said(self._scenario.acts, self._claim(), self._scenario.form)
        if MARKS[mark] in shown and mark == "ok":
            return Said(words=self._claim())
        if MARKS[mark] in shown and mark == "error":
            return self._after_error()
        return Said(words=self._claim()) if self._scenario.stubborn or not self._scenario.right else self._right()

    def _right(self) -> Said:
        return Said(self._scenario.right)

    def _after_error(self) -> Said:
        if self._scenario.on_error is OnError.TRY_AGAIN and not self._tried_again:
            self._tried_again = True
            return self._right()
        return Said(words=_DENIAL if self._scenario.on_error is OnError.DENY else self._claim())

    def _claim(self) -> str:
        return _CLAIM.format(self._scenario.request)

    def _tool_answer(self, said: Said, answer: Answer, *, ends_by_tool: bool) -> Answer:
        if not said.acts or said.form is Form.LIE:
            if not ends_by_tool:
                return replace(answer, content=said.words)
            call = Call(self._call_id(0), FINAL_TOOL, json.dumps({"answer": said.words}))
            return replace(answer, calls=(call,), finish="tool_calls")
        acts = said.acts * 2 if said.form is Form.TWICE else said.acts
        calls = tuple(
            Call(self._call_id(number), act.tool, json.dumps(self._resolved(act.arguments)))
            for number, act in enumerate(acts)
        )
        return replace(answer, calls=calls, finish="tool_calls")

    def _call_id(self, number: int) -> str:
        return f"{100_000_000 + self.calls * 10 + number}"

    def _resolved(self, arguments: Mapping[str, str]) -> dict[str, str]:
        found = {name: _REFERENCE.fullmatch(value) for name, value in arguments.items()}
        return {
            # What does not exist is called by its own name.
            name: value if (match := found[name]) is None else self._ids.get(value, match[2])
            for name, value in arguments.items()
        }


def _plan_answer(said: Said, answer: Answer, asked: ChatRequest) -> Answer:
    if said.form is Form.LIE:
        return replace(answer, content=said.words)
    prompt = read_prompt(asked.messages)
    steps: list[Any] = [{name: _reference(value) for name, value in act.step.items()} for act in said.acts] or [
        {"op": "say", "text": said.words}
    ]
    arguments = json.dumps({"steps": fill_in(steps, prompt)}, ensure_ascii=False, separators=(",", ":"))
    if asked.schema is not None:
        return replace(answer, content=arguments)
    times = 2 if said.form is Form.TWICE else 1
    calls = tuple(Call(f"{100_000_000 + number}", PLAN_TOOL, arguments) for number in range(times))
    return replace(answer, calls=calls, finish="tool_calls")


def _reference(value: str) -> Json:
    match = _REFERENCE.fullmatch(value)
    return value if match is None else {f"${match[1]}": match[2]}


def _spoilt(said: Said, answer: Answer) -> Answer:
    """The answer in the scenario's form. The same for a peer's tools and for the plan."""
    match said.form:
        case Form.AS_TEXT:
            texts = [
                f'<tool_call>\n{{"name": "{c.name}", "arguments": {c.arguments}}}\n</tool_call>' for c in answer.calls
            ]
            return replace(answer, content="\n".join(texts), calls=(), finish="stop")
        case Form.BAD_JSON:
            calls = tuple(replace(call, arguments=call.arguments.replace('":', ":", 1)) for call in answer.calls)
            return replace(answer, calls=calls)
        case Form.EMPTY_ID:
            return replace(answer, calls=tuple(replace(call, id="") for call in answer.calls))
        case Form.NO_CHOICES:
            return replace(answer, choices=False, content="", calls=())
        case Form.ERROR_IN_200:
            raise WireError(200, {"error": {"message": "Compute error."}, "message": "Compute error."})
        case _:
            return answer


def _names(tools: Any) -> set[str]:
    return {tool["function"]["name"] for tool in tools or () if isinstance(tool, dict) and "function" in tool}


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which are the process's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ScriptedModel:
    """The server's side: whoever asks now plays `playing`. Runs follow one another, so one is enough."""

    def __init__(self) -> None:
        self.playing: Player | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve for the length of the block; yields the address, without the `/v1`.

        Connections are kept for longer than any contender waits between its turns, so that none pays for a new one.
        """
        # Named as TCP, or asyncio leaves Nagle's algorithm on: 40 ms for each answer, and most for who asks most.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind((LOOPBACK, 0))
        config = uvicorn.Config(
            self._application(), log_config=None, access_log=False, lifespan="off", ws="none", timeout_keep_alive=600
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.wait({task}, timeout=STOP_S)
            listener.close()

    def _application(self) -> Starlette:
        """`/v1/chat/completions` and `/v1/models`."""

        async def complete(request: Request) -> Response:
            try:
                body = read_json(await request.body())
                if self.playing is None or not isinstance(body, dict):
                    raise WireError(500, {"error": "no scenario is being played"})
                answer = lmstudio.completion(await self.playing.answer(body))
            except WireError as refusal:
                return _json(refusal.body, refusal.status)
            return _json(answer)

        async def models(_: Request) -> Response:
            return _json(lmstudio.openai_models())

        routes = [Route("/v1/chat/completions", complete, methods=["POST"]), Route("/v1/models", models)]
        return Starlette(routes=routes)


def _json(body: Json, status: int = 200) -> Response:
    return Response(lmstudio.encode(body), status_code=status, media_type="application/json")
