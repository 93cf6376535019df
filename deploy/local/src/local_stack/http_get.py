"""One GET over HTTP/1.0, so that starting the stack does not wait for an HTTP library to be imported."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

ANSWER_MAX_BYTES: Final = 1024 * 1024
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


async def get(url: str, *, timeout: float) -> Answer:
    """Ask `url`, following no redirect, and return its answer within `timeout` seconds.

    Raises OSError when nobody answers, TimeoutError, and ValueError for what is no URL, no HTTP, or over
    ANSWER_MAX_BYTES.
    """
    parts = urlsplit(url)
    if parts.hostname is None or parts.scheme not in _PORTS:
        raise ValueError("not an http or https URL")
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or _PORTS[parts.scheme], ssl=parts.scheme == "https" or None
        )
        try:
            # 1.0: the answer's end is the connection's, and it may not come in chunks.
            writer.write(
                f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n\r\n".encode()
            )
            return _parsed(await _to_the_end(reader))
        finally:
            writer.close()


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    received = bytearray()
    while data := await reader.read(64 * 1024):
        received += data
        if len(received) > ANSWER_MAX_BYTES:
            raise ValueError("the answer is too long")
    return bytes(received)


def _parsed(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    protocol, _, rest = head.partition(b" ")
    if not protocol.startswith(b"HTTP/"):
        raise ValueError("not HTTP")
    return Answer(int(rest[:3]), body)
