"""The HTTP side: the route of the WebSocket, who may open it, and the page."""

import time
from functools import partial

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from fastapi.websockets import WebSocket
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

from bus.metering import Counter
from contracts.message import ErrorCode, Problem
from contracts.metrics import SOCKETS_REFUSED
from contracts.signaling import SignalingDraining, SignalingError
from signaling.actions import CloseCode
from signaling.client_address import client_address
from signaling.conversation import Conversation, Rules
from signaling.crowd import Crowd
from signaling.entrance import Entrance
from signaling.gateways import Gateways
from signaling.open_sockets import OpenSockets
from signaling.origin import permitted
from signaling.page import Page, SecurityHeaders
from signaling.settings import Settings
from signaling.socket import Socket

PATH = "/ai/ws"
_TURNED_AWAY = Counter(SOCKETS_REFUSED)

# FastAPI's own span of a WebSocket lasts as long as the socket does; `signaling.socket` makes one a message. Those of
# the page's files hold what strangers put into path and query. Its logs quote exceptions.
_TELEMETRY = TelemetryConfig(tracing=False, operation_spans=False, logs=False, metrics=False)


_FULL = Problem(code=ErrorCode.OVERLOADED, detail="too many clients are connected here; try again later")
_FULL_FOR_ADDRESS = Problem(
    code=ErrorCode.LIMIT, detail="too many clients are connected from your address; close one, or try again later"
)


def create_app(
    settings: Settings, entrance: Entrance, gateways: Gateways, sockets: OpenSockets, crowd: Crowd
) -> FastAPI:
    """The ASGI app: `/ai/ws`, and the page below `/`."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, telemetry=_TELEMETRY)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False)
    app.add_middleware(SecurityHeaders)
    rules = Rules(hello_timeout_s=settings.hello_timeout_s)
    origins = frozenset(origin.lower().rstrip("/") for origin in settings.allowed_origins)

    @app.websocket(PATH)
    async def signal(websocket: WebSocket) -> None:
        headers = websocket.headers
        if not permitted(headers.getlist("origin"), headers.get("host"), origins):
            _TURNED_AWAY.add(1, {"reason": "origin"})
            await websocket.send_denial_response(PlainTextResponse("This origin may not connect.\n", status_code=403))
            return
        peer = websocket.client.host if websocket.client else None
        address = client_address(peer, headers.getlist("x-forwarded-for"), settings.trusted_proxies)
        await websocket.accept()
        if sockets.draining:
            _TURNED_AWAY.add(1, {"reason": "draining"})
            await _send_elsewhere(websocket, rules)
            return
        if sockets.full or crowd.full_for(address):
            _TURNED_AWAY.add(1, {"reason": "full" if sockets.full else "address"})
            await _turn_away(websocket, _FULL if sockets.full else _FULL_FOR_ADDRESS)
            return
        with crowd.holding(address) as place:
            conversation = Conversation(rules, now=time.monotonic())
            admit = partial(entrance.admit, place=place)
            socket = Socket(websocket, conversation, admit, gateways, hello_timeout_s=rules.hello_timeout_s)
            with sockets.holding(socket):
                await socket.run()

    app.mount("/", Page(settings.page_dir))
    return app


async def _send_elsewhere(websocket: WebSocket, rules: Rules) -> None:
    message = SignalingDraining(retry_after_ms=rules.retry_after_ms)
    await websocket.send_text(message.to_json().decode())
    await websocket.close(CloseCode.GOING_AWAY, "draining")


async def _turn_away(websocket: WebSocket, problem: Problem) -> None:
    await websocket.send_text(SignalingError.model_validate(problem.model_dump()).to_json().decode())
    await websocket.close(CloseCode.TRY_LATER, "full")
