"""Signaling's app behind the real HTTP server, on a free port, with fake gateways; and a client's view of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from access.settings import Door
from contracts.limits import PROTOCOL_VERSION
from contracts.signaling import FROM_SERVER, Answer, Ready, SignalingDraining, SignalingError
from runtime.http import application, serving
from signaling.app import create_app
from signaling.bootstrap import entrance
from signaling.crowd import Crowd
from signaling.gateways import Gateways
from signaling.open_sockets import OpenSockets
from signaling.settings import Settings

from .fake_gateways import FakeGateways

OFFER_SDP = "v=0 offer"
HELLO = {"type": "hello", "version": PROTOCOL_VERSION, "time_zone": "Europe/Berlin"}


@dataclass(frozen=True)
class Stack:
    """A running signaling, as clients reach it."""

    port: int

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator["Client"]:  # those of websockets.connect
        uri = f"ws://127.0.0.1:{self.port}/ai/ws"
        async with connect(uri, proxy=None, open_timeout=5, close_timeout=5, **options) as connection:
            yield Client(connection)


@dataclass(frozen=True)
class FakedStack(Stack):
    """With its bus and its sockets at hand."""

    bus: FakeGateways
    sockets: OpenSockets
    crowd: Crowd


@dataclass(frozen=True)
class Client:
    """One open socket. Every wait is bounded."""

    connection: ClientConnection

    async def send(self, message: dict[str, object] | str | bytes) -> None:
        await self.connection.send(json.dumps(message) if isinstance(message, dict) else message)

    async def receive(self) -> object:
        async with asyncio.timeout(5):
            return FROM_SERVER.validate_json(await self.connection.recv())

    async def error(self) -> SignalingError:
        message = await self.receive()
        assert isinstance(message, SignalingError), message
        return message

    async def answer(self) -> Answer:
        message = await self.receive()
        assert isinstance(message, Answer), message
        return message

    async def draining(self) -> SignalingDraining:
        message = await self.receive()
        assert isinstance(message, SignalingDraining), message
        return message

    async def hello(self, **more: object) -> Ready:
        await self.send(HELLO | more)
        message = await self.receive()
        assert isinstance(message, Ready), message
        return message

    async def offer(self, attempt: int = 1, sdp: str = OFFER_SDP) -> None:
        await self.send({"type": "offer", "attempt": attempt, "sdp": sdp})

    async def candidate(self, text: str | None, attempt: int = 1) -> None:
        candidate = None if text is None else {"candidate": text, "sdp_mid": "0", "sdp_m_line_index": 0}
        await self.send({"type": "candidate", "attempt": attempt, "candidate": candidate})

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the server to close; its code and reason."""
        async with asyncio.timeout(5):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@asynccontextmanager
async def running(page_dir: Path, **changed: Any) -> AsyncIterator[FakedStack]:  # fields of Settings
    """Serve with these settings for the length of the block."""
    settings = Settings(page_dir=page_dir, **changed)
    bus = FakeGateways()
    sockets = OpenSockets(settings.max_sockets)
    gateways = Gateways(bus, settings.offer_timeout_s, settings.candidate_timeout_s)

    async def ready() -> str | None:
        return None

    crowd = Crowd(settings.bounds, time.monotonic)
    entry = Door(settings.shared_secrets)
    app = application(ready, create_app(settings, entrance(settings, entry, bus), gateways, sockets, crowd))
    async with serving("127.0.0.1", 0, app) as port:
        yield FakedStack(port, bus, sockets, crowd)
