"""Who may call the endpoint, before anything of a request is read: bearer tokens (RFC 6750)."""

import json
import logging
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from access.errors import KeysAwayError, TokenRefusedError
from access.identity import Identity
from access.interface import Verifier

log = logging.getLogger(__name__)

IDENTITY: Final = "todo.identity"
"""Where the caller stands in a request's ASGI scope."""
RETRY_AFTER_S: Final = 5


@dataclass(frozen=True)
class Gate:
    """Lets those through whose token the verifier knows. `metadata_url` tells clients where to sign in (RFC 9728)."""

    app: ASGIApp
    verifier: Verifier
    metadata_url: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            identity = await self.verifier.verify(_token(Headers(scope=scope)))
        except TokenRefusedError as error:
            # RFC 6750 section 3.1: without a token, no error is named.
            named = "" if error.reason == "missing" else f' error="invalid_token", error_description="{error.reason}",'
            where = f' resource_metadata="{self.metadata_url}",' if self.metadata_url else ""
            challenge = f'Bearer realm="todo-agent",{named}{where}'.rstrip(",")
            await _refuse(send, 401, error.problem.detail, {"www-authenticate": challenge})
        except KeysAwayError as error:
            await _refuse(send, 503, error.problem.detail, {"retry-after": str(RETRY_AFTER_S)})
        else:
            await self.app({**scope, IDENTITY: identity}, receive, send)


def identity_in(scope: Scope) -> Identity | None:
    """Who calls; None where nobody is asked for a token."""
    identity = scope.get(IDENTITY)
    return identity if isinstance(identity, Identity) else None


def _token(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _refuse(send: Send, status: int, detail: str, headers: dict[str, str]) -> None:
    body = json.dumps({"error": "unauthorised" if status == 401 else "unavailable", "detail": detail}).encode()
    own = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    start = [(name.encode(), value.encode()) for name, value in own.items()]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})
