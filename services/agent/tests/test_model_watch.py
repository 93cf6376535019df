"""An agent that watches the stand-in: what it says on the bus, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest

from agent.faults import ModelError
from agent.model import ChatModel
from agent.model_watch import ModelWatch
from bus.interface import Event
from bus.memory_bus import MemoryBus
from contracts import subjects
from contracts.message import Message
from contracts.model_status import ModelReport, ModelState
from standin.server import create_app

WAIT_S = 10
NEVER_S = 300.0
MESSAGES = [{"role": "user", "content": "<state>\n{}\n</state>\n<request>\nadd tea\n</request>"}]
STAND_IN = "stand-in-for-qwen2.5"


class Server(httpx.AsyncBaseTransport):
    """The stand-in, as long as it is up. `gate` holds back what it answers."""

    def __init__(self) -> None:
        self._app = httpx.ASGITransport(app=create_app(scriptable=True))
        self.up = True
        self.looks = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.looks += request.url.path == "/v1/models"
        if not self.up:
            raise httpx.ConnectError("refused", request=request)
        if request.url.path.startswith("/v1/chat"):
            await self.gate.wait()
        return await self._app.handle_async_request(request)


class CountingBus(MemoryBus):
    """Counts what is published, also while it is away."""

    said = 0

    async def publish(self, subject: str, message: Message) -> None:
        self.said += 1
        await super().publish(subject, message)


@dataclass
class Watched:
    server: Server
    http: httpx.AsyncClient
    model: ModelWatch
    bus: CountingBus
    reports: asyncio.Queue[ModelReport] = field(default_factory=asyncio.Queue)

    async def until(self, state: ModelState) -> ModelReport:
        async with asyncio.timeout(WAIT_S):
            while (report := await self.reports.get()).state is not state:
                continue
        return report

    async def place(self, where: str) -> None:
        (await self.http.put("/__standin__/model", json=where)).raise_for_status()

    async def ask(self) -> None:
        await self.model.complete(MESSAGES, {}, timeout_s=WAIT_S)


@asynccontextmanager
async def watching(look_every_s: float = NEVER_S, say_every_s: float = NEVER_S) -> AsyncIterator[Watched]:
    server, bus = Server(), CountingBus()
    async with httpx.AsyncClient(transport=server, base_url="http://model") as http:
        model = ModelWatch(
            ChatModel(http, None),
            partial(ChatModel(http, None).listing, timeout_s=WAIT_S),
            bus,
            "a1",
            look_every_s=look_every_s,
            say_every_s=say_every_s,
        )
        watched = Watched(server, http, model, bus)

        async def hear(event: Event) -> None:
            watched.reports.put_nowait(ModelReport.from_json(event.data))

        await bus.subscribe(subjects.ANY_AGENT_MODEL, hear)
        running = asyncio.create_task(model.run())
        try:
            yield watched
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await bus.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_the_stand_in_is_named_as_what_it_says_it_is() -> None:
    async with watching() as watched:
        report = await watched.until(ModelState.READY)
        assert report == ModelReport(instance="a1", state=ModelState.READY, name=STAND_IN, stand_in=True)


async def test_the_same_is_said_again_every_so_often() -> None:
    async with watching(say_every_s=0.05) as watched:
        assert [(await watched.until(ModelState.READY)).state for _ in range(3)]


async def test_what_changes_at_the_server_is_noticed_by_looking() -> None:
    async with watching(look_every_s=0.05) as watched:
        await watched.until(ModelState.READY)
        await watched.place("absent")
        assert (await watched.until(ModelState.NOT_LOADED)).name is None
        watched.server.up = False
        await watched.until(ModelState.UNREACHABLE)
        watched.server.up = True
        await watched.place("loaded")
        assert (await watched.until(ModelState.READY)).name == STAND_IN


async def test_a_call_that_fails_is_said_at_once_and_an_answer_takes_it_back() -> None:
    async with watching() as watched:
        await watched.until(ModelState.READY)
        script = [
            {"fault": "not_loaded"},
            {"fault": "http", "status": 503, "body": {"error": "The model is still loading"}},
            {"pass": True},
        ]
        await watched.http.post("/__standin__/script", json=script)
        with pytest.raises(ModelError):
            await watched.ask()
        await watched.until(ModelState.NOT_LOADED)
        with pytest.raises(ModelError):
            await watched.ask()
        await watched.until(ModelState.LOADING)
        await watched.ask()
        await watched.until(ModelState.READY)


async def test_a_server_that_is_gone_is_found_out_by_a_call() -> None:
    async with watching() as watched:
        await watched.until(ModelState.READY)
        watched.server.up = False
        with pytest.raises(ModelError):
            await watched.ask()
        await watched.until(ModelState.UNREACHABLE)
        watched.server.up = True
        await watched.ask()
        await watched.until(ModelState.READY)


async def test_a_model_on_the_disk_is_loading_while_the_first_request_waits_for_it() -> None:
    async with watching(look_every_s=0.05) as watched:
        await watched.until(ModelState.READY)
        await watched.place("not-loaded")
        looks = watched.server.looks
        await until(lambda: watched.server.looks >= looks + 2)  # one whole look has seen it
        watched.server.gate.clear()
        asking = asyncio.create_task(watched.ask())
        await watched.until(ModelState.LOADING)
        watched.server.gate.set()
        await asking
        await watched.until(ModelState.READY)


async def test_a_call_that_is_given_up_leaves_nothing_behind() -> None:
    async with watching() as watched:
        await watched.until(ModelState.READY)
        watched.server.gate.clear()
        asking = asyncio.create_task(watched.ask())
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert watched.model._health._asking == 0


async def test_a_bus_that_is_away_is_no_end_of_it() -> None:
    async with watching(say_every_s=0.05) as watched:
        await watched.until(ModelState.READY)
        watched.bus.away = True
        said = watched.bus.said
        await until(lambda: watched.bus.said >= said + 2)
        watched.bus.away = False
        while not watched.reports.empty():
            watched.reports.get_nowait()
        await watched.until(ModelState.READY)


async def test_a_server_that_answers_slowly_costs_a_look_no_more_than_its_time() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await asyncio.Future[httpx.Response]()

    async with httpx.AsyncClient(transport=Silent(), base_url="http://model") as http:
        assert await ChatModel(http, None).listing(timeout_s=0.05) is None
