"""Which model server is chosen, by what answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.responses import Response
from starlette.types import ASGIApp

from local_stack import model
from local_stack.ports import free_port
from runtime.http import serving


@asynccontextmanager
async def answering(body: str, status: int = 200) -> AsyncIterator[str]:
    app: ASGIApp = Response(body, status_code=status, media_type="application/json")
    async with serving("127.0.0.1", 0, app) as port:
        yield f"http://127.0.0.1:{port}"


def listing(*names: str) -> str:
    return json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


@pytest.fixture
def at_lm_studios_place(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda url: monkeypatch.setattr(model, "LM_STUDIO", url)


async def test_lm_studio_is_used_when_it_answers_with_a_model(at_lm_studios_place: Callable[[str], None]) -> None:
    async with answering(listing("qwen2.5-7b", "nomic-embed")) as url:
        at_lm_studios_place(url)
        choice = await model.choose(None, standin=False)
        assert choice.url == url
        assert choice.said == f"model: qwen2.5-7b at {url}"


@pytest.mark.parametrize(
    ("body", "status"),
    [(listing(), 200), ("not json", 200), ("[]", 200), ('{"data": {"id": "x"}}', 200), (listing("qwen"), 500)],
)
async def test_anything_else_at_its_place_leads_to_the_standin(
    at_lm_studios_place: Callable[[str], None], body: str, status: int
) -> None:
    async with answering(body, status) as url:
        at_lm_studios_place(url)
        choice = await model.choose(None, standin=False)
        assert choice.url is None
        assert "stand-in" in choice.said
        assert url in choice.said


async def test_nobody_at_its_place_leads_to_the_standin(at_lm_studios_place: Callable[[str], None]) -> None:
    at_lm_studios_place(f"http://127.0.0.1:{free_port()}")
    assert (await model.choose(None, standin=False)).url is None


async def test_an_endless_or_a_silent_answer_leads_to_the_standin_in_time(
    at_lm_studios_place: Callable[[str], None],
) -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
            while not writer.is_closing():
                writer.write(b" " * 65536)
                await writer.drain()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.read()

    for behaviour in (endless, silent):
        async with await asyncio.start_server(behaviour, "127.0.0.1", 0) as server:
            at_lm_studios_place(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            async with asyncio.timeout(10 * model.TIMEOUT_S):
                assert (await model.choose(None, standin=False)).url is None


async def test_the_standin_can_be_asked_for(at_lm_studios_place: Callable[[str], None]) -> None:
    async with answering(listing("qwen")) as url:
        at_lm_studios_place(url)
        assert (await model.choose(None, standin=True)).url is None


async def test_a_server_that_was_named_is_kept_while_it_is_away() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    choice = await model.choose(url + "/v1/", standin=False)
    assert choice.url == url
    assert "none answers" in choice.said


async def test_a_name_cannot_write_on_the_terminal() -> None:
    async with answering(listing("\x1b[2Jqwen" + "x" * 1000)) as url:
        choice = await model.choose(url, standin=False)
        assert "\x1b" not in choice.said
        assert len(choice.said) < 200
