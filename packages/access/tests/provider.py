"""An OpenID Connect provider as far as this project sees one: a key set over HTTP, and tokens signed by its keys."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://sign-in.example"
AUDIENCE = "to-do"

_KINDS = {
    "RS256": (lambda: rsa.generate_private_key(65537, 2048), RSAAlgorithm),
    "ES256": (lambda: ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate, OKPAlgorithm),
}


class Key:
    """A key pair with its id."""

    def __init__(self, key_id: str, algorithm: str = "ES256", private: PrivateKeyTypes | None = None) -> None:
        make, self._kind = _KINDS[algorithm]
        self.key_id = key_id
        self.algorithm = algorithm
        self.private: Any = private or make()

    @property
    def public(self) -> dict[str, Any]:
        entry: dict[str, Any] = self._kind.to_jwk(self.private.public_key(), as_dict=True)
        return {**entry, "kid": self.key_id, "use": "sig", "alg": self.algorithm}

    def sign(self, subject: str = "ada", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is good for a minute; a claim that is None is left out."""
        now = time.time()
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 60, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, self.private, algorithm=self.algorithm, headers={"kid": self.key_id, **(header or {})})


class Provider:
    """Serves `document` on a port of the loopback. `requests` counts; `away` refuses connections."""

    def __init__(self, *keys: Key) -> None:
        self.keys = keys
        self.document: bytes | None = None
        self.status = "200 OK"
        self.headers = ""
        self.requests = 0
        self.hangs = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks"

    async def come(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def go_away(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def asked(self, times: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: self.requests >= times)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        async with self._changed:
            self.requests += 1
            self._changed.notify_all()
        if not self.hangs:
            body = self.document or json.dumps({"keys": [key.public for key in self.keys]}).encode()
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(body)}\r\n{self.headers}Connection: close\r\n\r\n"
            writer.write(head.encode() + body)
            try:
                await writer.drain()
            except ConnectionError:
                return  # the reader had enough
            writer.close()
        else:
            await reader.read()
            writer.close()


@asynccontextmanager
async def provider(*keys: Key) -> AsyncIterator[Provider]:
    """One that serves for the length of the block."""
    serving = Provider(*keys)
    await serving.come()
    try:
        yield serving
    finally:
        await serving.go_away()
