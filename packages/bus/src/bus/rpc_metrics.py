"""How long requests over the bus take, and what became of them, seen by both ends."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import wraps
from typing import Any, Final, TypeVar, cast

from bus import headers
from bus.errors import BusError
from bus.metering import Histogram
from contracts.instruments import OTHER
from contracts.message import ErrorCode
from contracts.metrics import RPC_ASKED, RPC_SERVED
from contracts.subjects import template

_ASKED: Final = Histogram(RPC_ASKED)
_SERVED: Final = Histogram(RPC_SERVED)

CallT = TypeVar("CallT", bound=Callable[..., Any])  # Any: a decorator leaves the method's own types as they are
Send = Callable[[bytes, dict[str, str] | None], Awaitable[None]]


def asked(request: CallT) -> CallT:
    """Decorates a method that asks on a subject: each request is timed, to its answer."""

    @wraps(request)
    async def timed(bus: object, subject: str, *args: object, **kwargs: object) -> object:
        with _asking(subject):
            return await request(bus, subject, *args, **kwargs)

    return cast("CallT", timed)


def asked_for_a_series(request: CallT) -> CallT:
    """The same for a series, timed to its last part. One that its asker leaves early is not."""

    @wraps(request)
    async def timed(bus: object, subject: str, *args: object, **kwargs: object) -> AsyncIterator[object]:
        with _asking(subject):
            async with aclosing(request(bus, subject, *args, **kwargs)) as parts:
                async for part in parts:
                    yield part

    return cast("CallT", timed)


@contextmanager
def _asking(subject: str) -> Iterator[None]:
    started = time.perf_counter()
    labels = {"rpc.method": template(subject)}
    try:
        yield
    except BusError as error:
        _ASKED.record(time.perf_counter() - started, labels | {"error.type": error.problem.code.value})
        raise
    except Exception:
        _ASKED.record(time.perf_counter() - started, labels | {"error.type": OTHER})
        raise
    _ASKED.record(time.perf_counter() - started, labels)


class Served:
    """One request that is answered: `sending` is its way back, on which it is seen how it was answered."""

    def __init__(self, subject: str, send: Send) -> None:
        self._subject = subject
        self._send = send
        self._started = time.perf_counter()
        # One that came too late is dropped without a word.
        self._error: str | None = ErrorCode.DEADLINE.value

    async def sending(self, data: bytes, own: dict[str, str] | None) -> None:
        self._error = (own or {}).get(headers.ERROR_CODE)
        await self._send(data, own)

    def ended(self) -> None:
        """Nothing more is sent."""
        labels = {"rpc.method": template(self._subject)}
        if self._error is not None:
            labels["error.type"] = self._error
        _SERVED.record(time.perf_counter() - self._started, labels)
