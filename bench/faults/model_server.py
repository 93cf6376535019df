"""The stand-in's own server as a model in this process: its script, its real bodies, and what the wire does to them."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import httpx

from bench.faults.case import ScriptedAnswer, Wire
from standin.script import SCRIPT
from standin.server import create_app

LONG_S: Final = 60.0


class ModelServer(httpx.AsyncBaseTransport):
    """Counts the questions; `thinking` is awaited before each answer."""

    def __init__(self, script: Iterable[ScriptedAnswer], wire: Wire, thinking: Callable[[], Awaitable[None]]) -> None:
        steps = [({"fault": "hang", "seconds": LONG_S} if wire is Wire.SLOW else step) for step in script]
        self._app = httpx.ASGITransport(app=create_app(script=SCRIPT.validate_python(steps)))
        self._wire = wire
        self._thinking = thinking
        self.questions = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.questions += 1
        if self._wire is Wire.REFUSED:
            raise httpx.ConnectError("connection refused", request=request)
        await self._thinking()
        response = await self._app.handle_async_request(request)
        if self._wire is Wire.DROPPED and self.questions == 1:
            raise httpx.ReadError("connection reset", request=request)
        return response
