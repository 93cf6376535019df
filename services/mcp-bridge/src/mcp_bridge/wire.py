"""MCP's stdio transport: one JSON-RPC message a line.

The SDK's own reads in a thread that nothing can wake: a process that is told to stop would wait for its client.
"""

import asyncio
import os
import select
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

LINE_MAX_BYTES: Final = 1024 * 1024
LINES_WAITING_MAX: Final = 64
READ_BYTES: Final = 64 * 1024
_TOO_LONG: Final = b"\n"  # in place of a line, which never holds one


@dataclass(frozen=True)
class Wire:
    """Both directions, as the SDK's server takes them."""

    incoming: "Incoming"
    outgoing: "Outgoing"

    @classmethod
    def over(cls, descriptors: tuple[int, int]) -> Self:
        """A wire over two descriptors: where requests come in, where answers go."""
        unanswered = Unanswered()
        outgoing = Outgoing(descriptors[1], unanswered)
        return cls(Incoming(descriptors[0], unanswered, outgoing), outgoing)


class Unanswered:
    """Requests that were read and not answered yet."""

    def __init__(self) -> None:
        self._ids: set[RequestId] = set()
        self._none = asyncio.Event()
        self._none.set()

    def read(self, message: object) -> None:
        """Take note of what came in. A request that was cancelled is answered no more."""
        match message:
            case JSONRPCRequest():
                self._ids.add(message.id)
                self._none.clear()
            case JSONRPCNotification(
                method="notifications/cancelled", params={"requestId": (str() | int()) as cancelled}
            ):
                self._settle(cancelled)
            case _:
                pass

    def written(self, message: object) -> None:
        """Take note of what went out."""
        if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
            self._settle(message.id)

    async def none(self) -> None:
        await self._none.wait()

    def _settle(self, request_id: RequestId) -> None:
        self._ids.discard(request_id)
        if not self._ids:
            self._none.set()


class Outgoing:
    """The SDK's write stream. One message at a time, each whole."""

    def __init__(self, descriptor: int, unanswered: Unanswered) -> None:
        self._descriptor = descriptor
        self._unanswered = unanswered
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)
        self._turn = asyncio.Lock()
        self._closed = False

    async def send(self, item: SessionMessage, /) -> None:
        """Raises anyio's BrokenResourceError when the client reads no more."""
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        async with self._turn:
            if self._closed:
                raise anyio.ClosedResourceError
            await self._write(line)
        self._unanswered.written(item.message)

    async def refuse(self, code: int, message: str) -> None:
        """Answer what could not be read, and so has no id."""
        error = JSONRPCError(jsonrpc="2.0", id=None, error=ErrorData(code=code, message=message))
        await self.send(SessionMessage(error))

    async def aclose(self) -> None:
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _write(self, line: bytes) -> None:
        left = memoryview(line)
        try:
            while left:
                if not self._ready.poll(0):
                    await self._writable()
                # A pipe that is ready takes as much without blocking (pipe(7)).
                left = left[os.write(self._descriptor, left[: select.PIPE_BUF]) :]
        except OSError as error:
            self._closed = True
            raise anyio.BrokenResourceError from error

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._descriptor)


class Incoming:
    """The SDK's read stream. It ends with stdin, or once `stop` was called and everything that was read is answered."""

    def __init__(self, descriptor: int, unanswered: Unanswered, outgoing: Outgoing) -> None:
        self._descriptor = descriptor
        self._unanswered = unanswered
        self._outgoing = outgoing
        self._begun = bytearray()
        self._too_long = False
        self._lines: deque[bytes | None] = deque()
        self._arrived = asyncio.Event()
        self._reading = False
        self._stopping = False

    def start(self) -> None:
        """Begin to read."""
        try:
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)
            self._reading = True
        except PermissionError:
            # A file, which is never waited for (epoll_ctl(2), EPERM).
            while not self._ended and len(self._lines) < LINES_WAITING_MAX:
                self._read()

    def stop(self) -> None:
        """Read no more; what was read and not begun is left."""
        self._stopping = True
        self._pause()
        self._arrived.set()

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises anyio's EndOfStream."""
        while True:
            line = await self._line()
            if not line.strip() and line != _TOO_LONG:
                continue
            message = self._message(line)
            if isinstance(message, SessionMessage):
                self._unanswered.read(message.message)
                return message
            await self._outgoing.refuse(*message)

    async def aclose(self) -> None:
        self._pause()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def _ended(self) -> bool:
        return bool(self._lines) and self._lines[-1] is None

    def _read(self) -> None:
        try:
            chunk = os.read(self._descriptor, READ_BYTES)
        except OSError:
            chunk = b""
        if not chunk:
            self._pause()
            self._put(None)
            return
        *whole, rest = chunk.split(b"\n")
        for piece in whole:
            self._keep(piece)
            line, self._begun = bytes(self._begun), bytearray()
            self._put(_TOO_LONG if self._too_long else line)
            self._too_long = False
        self._keep(rest)
        if len(self._lines) >= LINES_WAITING_MAX:
            self._pause()

    def _keep(self, piece: bytes) -> None:
        if len(self._begun) + len(piece) > LINE_MAX_BYTES:
            self._too_long = True
            self._begun.clear()
        elif not self._too_long:
            self._begun += piece

    def _put(self, line: bytes | None) -> None:
        self._lines.append(line)
        self._arrived.set()

    def _pause(self) -> None:
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            self._reading = False

    async def _line(self) -> bytes:
        while not self._lines and not self._stopping:
            self._arrived.clear()
            if not self._reading:
                self.start()
                continue
            await self._arrived.wait()
        if self._stopping:
            await self._unanswered.none()
            raise anyio.EndOfStream
        line = self._lines[0]
        if line is None:
            raise anyio.EndOfStream
        return self._lines.popleft() or b""

    def _message(self, line: bytes) -> SessionMessage | tuple[int, str]:
        if line == _TOO_LONG:
            return INVALID_REQUEST, f"the line has more than {LINE_MAX_BYTES} bytes"
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValidationError as error:
            if error.errors(include_url=False, include_context=False, include_input=False)[0]["type"] == "json_invalid":
                return PARSE_ERROR, "the line is not valid JSON"
            return INVALID_REQUEST, "the line is no JSON-RPC message"
