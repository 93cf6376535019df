"""JetStream's own API (the server's `$JS.API` subjects), asked as the user `topology`."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from nats.aio.client import Client

from bus.nats_bus import BusSettings
from provision.errors import ProvisionError

TIMEOUT_S: Final = 10.0
NO_SUCH_STREAM: Final = 10059
NO_SUCH_MESSAGE: Final = 10037
NO_PLACE: Final = 10005

Json = dict[str, Any]  # JetStream's own messages, of which we read a few fields


class TopologyError(ProvisionError):
    """A stream or consumer that cannot be what `contracts` says."""


class NoPlaceError(TopologyError):
    """No server of the cluster has room for it, or none that the others know of yet."""


@asynccontextmanager
async def connected(settings: BusSettings) -> AsyncIterator[Client]:
    """A connection for the length of the block, which does not come back where it is lost. Raises NatsError, and
    TimeoutError where there is none within TIMEOUT_S."""
    client = Client()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await client.connect(
                settings.url.split(","),
                user=settings.user,
                password=settings.password,
                inbox_prefix=settings.inbox_prefix,
                name=settings.name,
                allow_reconnect=False,
                error_cb=_ignore,
            )
        yield client
    finally:
        if not client.is_closed:
            await client.close()


async def ask(client: Client, call: str, body: Json, *, missing: int | None = None) -> Json | None:
    """The answer to `$JS.API.{call}`; None where it is refused by the code `missing`. Raises TopologyError."""
    answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=TIMEOUT_S)
    return answered(call, answer.data, missing=missing)


def answered(call: str, data: bytes, *, missing: int | None = None) -> Json | None:
    """What the server said to a call, as `ask` has it."""
    found: Json = json.loads(data)
    error = found.get("error")
    if error is None:
        return found
    if missing is not None and error.get("err_code") == missing:
        return None
    kind = NoPlaceError if error.get("err_code") == NO_PLACE else TopologyError
    raise kind(f"JetStream refused {call}: {error.get('description')} ({error.get('err_code')})")


async def _ignore(error: Exception) -> None:
    """nats-py prints a trace for each error without this; every request here is checked by its answer."""
