"""The HTTP side: the route of the WebSocket, who may open it, and the page."""

import time

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from fastapi.websockets import WebSocket
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

from contracts.message import ErrorCode
from contracts.signaling import SignalingDraining, SignalingError
from signaling.actions import CloseCode
from signaling.conversation import Conversation, Rules
from signaling.entrance import Entrance
from signaling.gateways import Gateways
from signaling.open_sockets import OpenSockets
from signaling.origin import permitted
from signaling.page import Page, SecurityHeaders
from signaling.settings import Settings
from signaling.socket import Socket

PATH = "/ai/ws"

# FastAPI's own span of a WebSocket lasts as long as the socket does; `signaling.socket` makes one a message. Its logs
# quote exceptions.
_TELEMETRY = TelemetryConfig(
    exclude=lambda scope: scope["type"] == "websocket", operation_spans=False, logs=False, metrics=False
)


def create_app(settings: Settings, entrance: Entrance, gateways: Gateways, sockets: OpenSockets) -> FastAPI:
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
            await websocket.send_denial_response(PlainTextResponse("This origin may not connect.\n", status_code=403))
            return
        await websocket.accept()
        if sockets.draining or sockets.full:
            await _turn_away(websocket, sockets, rules)
            return
        conversation = Conversation(rules, entrance.admit, now=time.monotonic())
        socket = Socket(websocket, conversation, gateways, hello_timeout_s=rules.hello_timeout_s)
        with sockets.holding(socket):
            await socket.run()

    app.mount("/", Page(settings.page_dir))
    return app


async def _turn_away(websocket: WebSocket, sockets: OpenSockets, rules: Rules) -> None:
    if sockets.draining:
        message = SignalingDraining(retry_after_ms=rules.retry_after_ms)
        await websocket.send_text(message.to_json().decode())
        await websocket.close(CloseCode.GOING_AWAY, "draining")
        return
    full = SignalingError(code=ErrorCode.OVERLOADED, detail="too many clients are connected here; try again later")
    await websocket.send_text(full.to_json().decode())
    await websocket.close(CloseCode.TRY_LATER, "full")
