"""Whose lists a request is about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mcp.server.context import ServerRequestContext
from starlette.requests import Request

from bus.errors import BusError
from mcp_bridge.gate import identity_in
from mcp_bridge.store import AwayError

Context = ServerRequestContext[Any, Any]  # Any: no lifespan state; the transport's request


@dataclass(frozen=True)
class Caller:
    """`until` is when the token stops being taken; None without one."""

    owner: str
    until: datetime | None = None


CallerOf = Callable[[Context], Caller]
"""Raises AwayError where that cannot be told now."""


def local(owner: Callable[[], str]) -> CallerOf:
    """Everybody is the local owner."""

    def caller(_: Context) -> Caller:
        try:
            return Caller(owner())
        except BusError as error:
            raise AwayError(error.problem, in_doubt=False) from error

    return caller


def by_token(ctx: Context) -> Caller:
    """The one whom the gate let through."""
    identity = identity_in(ctx.request.scope) if isinstance(ctx.request, Request) else None
    if identity is None:
        raise PermissionError("a request came past the gate")
    return Caller(identity.owner, identity.expires_at)
