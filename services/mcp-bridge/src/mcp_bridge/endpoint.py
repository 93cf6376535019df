"""One POST to a bridge that serves HTTP, and what came of it."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import httpx2
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp_types import (
    PROTOCOL_VERSION_META_KEY,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

ANSWER_MAX_BYTES: Final = 4 * 1024 * 1024
"""A resource of 500 items with long notes is a megabyte."""
_PASSING: Final = frozenset({429, 502, 503, 504})
_NOT_DONE: Final = frozenset({429, 503})


class Failure(StrEnum):
    """Why there is no answer, as far as it matters to whoever asked."""

    UNREACHABLE = "unreachable"  # it was not sent, or not taken
    LOST = "lost"  # it was sent, and whether it was done is not known
    UNAUTHORISED = "unauthorised"  # the token will not do
    REFUSED = "refused"  # anything else that another try will not change


class NoAnswerError(Exception):
    """`detail` is for whoever asked."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.detail = detail


@dataclass
class Endpoint:
    """`token` gives what to show, each time anew; None: nothing."""

    url: str
    client: httpx2.AsyncClient
    token: Callable[[], str | None]
    _version: str | None = field(default=None, init=False)

    async def post(self, message: JSONRPCRequest | JSONRPCNotification) -> AsyncGenerator[JSONRPCMessage]:
        """Everything that is said of a message, its answer last; nothing of a notification. Raises NoAnswerError."""
        content = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
        try:
            headers = self._headers(message)
            async with self.client.stream("POST", self.url, content=content, headers=headers) as response:
                async for said in self._read(response, message):
                    self._learn(said)
                    yield said
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NoAnswerError(Failure.UNREACHABLE, "cannot be reached") from error
        except httpx2.HTTPError as error:
            raise NoAnswerError(Failure.LOST, "went away before it answered") from error

    async def _read(
        self, response: httpx2.Response, message: JSONRPCRequest | JSONRPCNotification
    ) -> AsyncIterator[JSONRPCMessage]:
        if not isinstance(message, JSONRPCRequest):
            return
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code == 200 and kind == "text/event-stream":
            async for event in httpx2.EventSource(response, max_event_size=ANSWER_MAX_BYTES):
                if event.event == "message" and event.data:
                    said = _parsed(event.data.encode(), message)
                    yield said
                    if isinstance(said, JSONRPCResponse | JSONRPCError):
                        return
            raise NoAnswerError(Failure.LOST, "ended its answer in the middle")
        body = await _bounded(response)
        if response.status_code == 401:
            raise NoAnswerError(Failure.UNAUTHORISED, "did not take the token: put a new one into TODO_AGENT_TOKEN")
        if response.status_code in _PASSING:
            failure = Failure.UNREACHABLE if response.status_code in _NOT_DONE else Failure.LOST
            raise NoAnswerError(failure, f"is not available now (HTTP {response.status_code})")
        if kind != "application/json":
            raise NoAnswerError(Failure.REFUSED, f"does not speak MCP there (HTTP {response.status_code})")
        yield _parsed(body, message)

    def _headers(self, message: JSONRPCRequest | JSONRPCNotification) -> dict[str, str]:
        headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
        token = self.token()
        if token:
            headers["authorization"] = f"Bearer {token}"
        params = message.params or {}
        meta = params.get("_meta")
        modern = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
        if isinstance(modern, str) and message.method != "initialize":
            headers |= {MCP_PROTOCOL_VERSION_HEADER: encode_header_value(modern), MCP_METHOD_HEADER: message.method}
            name = params.get(NAME_BEARING_METHODS.get(message.method, ""))
            if isinstance(name, str):
                headers[MCP_NAME_HEADER] = encode_header_value(name)
        elif self._version is not None:
            headers[MCP_PROTOCOL_VERSION_HEADER] = self._version
        return headers

    def _learn(self, said: JSONRPCMessage) -> None:
        """The revision that the handshake agreed on."""
        if isinstance(said, JSONRPCResponse) and self._version is None:
            version = said.result.get("protocolVersion")
            self._version = version if isinstance(version, str) else None


async def _bounded(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > ANSWER_MAX_BYTES:
            raise NoAnswerError(Failure.REFUSED, f"answered with more than {ANSWER_MAX_BYTES} bytes")
    return bytes(body)


def _parsed(data: bytes, request: JSONRPCRequest) -> JSONRPCMessage:
    try:
        said = jsonrpc_message_adapter.validate_json(data, by_name=False)
    except ValidationError as error:
        raise NoAnswerError(Failure.REFUSED, "does not speak MCP there") from error
    if isinstance(said, JSONRPCError) and said.id is None:
        # Refused before its id was read.
        return JSONRPCError(jsonrpc="2.0", id=request.id, error=said.error)
    return said
