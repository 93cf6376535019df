"""The client's side of `/ai/ws`."""

import ipaddress
from contextlib import suppress
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from client.errors import ConnectError
from client.resuming import Resumption
from contracts.limits import PROTOCOL_VERSION, SIGNALING_FRAME_MAX_BYTES
from contracts.message import ErrorCode, Message
from contracts.signaling import FROM_SERVER, Answer, Bye, Candidate, Hello, Offer, Ready, SignalingDraining
from contracts.signaling import SignalingError as Refused

PATH: Final = "/ai/ws"
CLOSE_TIMEOUT_S: Final = 2.0
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}

FromServer = Ready | Answer | Candidate | Refused | SignalingDraining | Bye


def socket_url(url: str) -> str:
    """The socket's address for a page's address: `http://host:5173` becomes `ws://host:5173/ai/ws`.

    Raises ConnectError for what is no address.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ConnectError(ErrorCode.INVALID, f"{url!r} is no address; give one such as http://localhost:5173")
    path = parts.path if parts.path not in {"", "/"} else PATH
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, "", ""))


class Signaling:
    """One socket, as an async context manager. Every failure is a ConnectError."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self._url = socket_url(url)
        self._timeout = timeout
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        # A proxy of the environment is for the outside; the stack on this machine is never behind it.
        proxy: Literal[True] | None = None if _is_loopback(urlsplit(self._url).hostname or "") else True
        try:
            self._socket = await connect(
                self._url,
                open_timeout=self._timeout,
                close_timeout=CLOSE_TIMEOUT_S,
                max_size=SIGNALING_FRAME_MAX_BYTES,
                compression=None,
                proxy=proxy,
            )
        except InvalidStatus as error:
            detail = f"{self._url} answers HTTP {error.response.status_code}, not a to-do agent; check the address"
            raise ConnectError(ErrorCode.UNAVAILABLE, detail) from error
        except (OSError, TimeoutError, WebSocketException) as error:
            detail = f"nothing answers at {self._url}; start the stack with `make up`, or give its address"
            raise ConnectError(ErrorCode.UNAVAILABLE, detail) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def hello(self, token: str | None, time_zone: str, resume: Resumption | None = None) -> Ready:
        """Introduce ourselves, and name the session to resume; raises ConnectError where we may not enter."""
        hello = Hello(version=PROTOCOL_VERSION, token=token, time_zone=time_zone)
        if resume is not None:
            named = {"session": resume.session, "resume_token": resume.token, "last_seen": resume.seen}
            hello = hello.model_copy(update=named)
        await self._send(hello)
        while True:
            message = await self.receive()
            if isinstance(message, Ready):
                return message

    async def offer(self, attempt: int, sdp: str) -> str:
        """Send an offer, return the answer's SDP. The gateway's candidates all stand in it."""
        await self._send(Offer(attempt=attempt, sdp=sdp))
        while True:
            message = await self.receive()
            if isinstance(message, Answer) and message.attempt == attempt:
                return message.sdp

    async def bye(self) -> None:
        """Say that the peer connection ends; nothing else is to follow. Without effect on a socket that is gone."""
        with suppress(ConnectError):
            await self._send(Bye())

    async def receive(self) -> FromServer:
        """The next message of a known type. An error of the server is raised as ConnectError."""
        while True:
            try:
                text = await self._connection.recv(decode=False)
            except ConnectionClosed as error:
                raise ConnectError(ErrorCode.UNAVAILABLE, "the server closed the socket; connect again") from error
            try:
                message = FROM_SERVER.validate_json(text)
            except ValidationError:
                continue  # of a newer server
            if isinstance(message, Refused):
                where = f"{message.field} " if message.field else ""
                raise ConnectError.told(message, f"{where}{message.detail}" or "the server refused")
            return message

    async def _send(self, message: Message) -> None:
        try:
            await self._connection.send(message.to_json().decode())
        except ConnectionClosed as error:
            raise ConnectError(ErrorCode.UNAVAILABLE, "the server closed the socket; connect again") from error

    @property
    def _connection(self) -> ClientConnection:
        if self._socket is None:
            raise ConnectError(ErrorCode.UNAVAILABLE, "the socket is not open; use it as a context manager")
        return self._socket


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
