"""The bridge's way to the bus: kept up in the background, found again after the stack has been started anew.

A client may start the bridge before the stack, and keep it for longer than the stack lives. A stack on this machine
says in a file where its bus is; the file is read for each connection, since another start has another port.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

from access.settings import LOCAL_ISSUER
from bus.errors import BusError, UnavailableError
from bus.interface import Bus
from bus.nats_bus import BusSettings, NatsBus
from contracts.permissions import MCP_BRIDGE
from contracts.tokens import owner_key

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
LOST_AFTER_S: Final = 3.0
"""A bus that is away for this long is looked for anew, where the file says now."""
RETRY_MIN_S: Final = 0.1
RETRY_MAX_S: Final = 2.0

_SAID: Final = frozenset({"nats_url", "nats_password", "local_owner"})
_UNREADABLE: Final = "the file of the running stack cannot be read; start the stack anew"

Connect = Callable[[], AbstractAsyncContextManager[Bus]]
"""A connection for the length of its block, which it ends when the bus is lost. Raises BusError."""


class BusSource(Protocol):
    async def bus(self, within: float) -> Bus:
        """The bus, waiting for it at most `within` seconds. Raises UnavailableError: nothing was sent."""

    def on_bus(self, listener: Callable[[Bus], None]) -> None:
        """Call `listener` with each new bus, and with the one that is there now. It must return at once."""


class NoStackError(UnavailableError):
    """No stack is running here, as far as its file tells."""

    def __init__(self) -> None:
        super().__init__("no to-do stack is running on this machine; start it with: todo-agent up")


class Fixed:
    """A bus that is there for as long as this process."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def bus(self, within: float) -> Bus:
        del within
        return self._bus

    def on_bus(self, listener: Callable[[Bus], None]) -> None:
        listener(self._bus)


class LocalStack:
    """The stack on this machine, as its file tells of it at each moment."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    def owner(self) -> str:
        """The key of the one owner of this stack. Raises NoStackError and UnavailableError."""
        return owner_key(LOCAL_ISSUER, str(self._read()["local_owner"]))

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Bus]:
        """A connection to its bus. Raises BusError."""
        found = self._read()
        settings = BusSettings(
            url=str(found["nats_url"]),
            user=MCP_BRIDGE.user,
            password=str(found["nats_password"]),
            inbox_prefix=MCP_BRIDGE.inbox_prefix,
            name=self._name,
            lost_after_s=LOST_AFTER_S,
            needs=MCP_BRIDGE,
        )
        async with NatsBus.connected_to(settings) as bus:
            yield bus

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NoStackError from error
        except PermissionError as error:
            raise UnavailableError("the running stack belongs to another user of this machine") from error
        except (OSError, ValueError) as error:
            raise UnavailableError(_UNREADABLE) from error
        if not isinstance(found, dict) or not found.keys() >= _SAID:
            raise UnavailableError(_UNREADABLE)
        return found


class Link:
    """A bus that comes and goes. `run` keeps it up until it is cancelled."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._bus: Bus | None = None
        self._error: BusError | None = None
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[Bus], None]] = []

    @property
    def up(self) -> bool:
        return self._bus is not None and self._bus.connected

    def on_bus(self, listener: Callable[[Bus], None]) -> None:
        self._listeners.append(listener)
        if self._bus is not None:
            listener(self._bus)

    async def bus(self, within: float) -> Bus:
        try:
            async with asyncio.timeout(within):
                while self._bus is None:
                    changed = self._changed
                    if isinstance(self._error, NoStackError):
                        raise NoStackError
                    await changed.wait()
                return self._bus
        except TimeoutError as error:
            raise self._error or UnavailableError("the bus does not answer") from error

    async def run(self) -> None:
        delay = RETRY_MIN_S
        while True:
            try:
                # The first connection of nats-py waits for the server without end; the file may say another by then.
                async with asyncio.timeout(CONNECT_TIMEOUT_S) as limit, self._connect() as bus:
                    limit.reschedule(None)
                    self._tell(bus, None)
                    delay = RETRY_MIN_S
                    await asyncio.Event().wait()
            except BusError as error:
                self._tell(None, error)
            except TimeoutError:
                self._tell(None, UnavailableError("the bus does not answer"))
            except Exception as error:
                # A fault of ours or of a library's: the next connection may do, and without one no call ever will.
                log.exception("link failed", extra={"error_type": type(error).__qualname__})
                self._tell(None, UnavailableError("the connection to the bus failed"))
            await asyncio.sleep(delay)
            delay = min(2 * delay, RETRY_MAX_S)

    def _tell(self, bus: Bus | None, error: BusError | None) -> None:
        if error is not None and (self._error is None or self._error.problem.code is not error.problem.code):
            log.warning("no bus", extra={"code": error.problem.code.value})
        self._bus, self._error = bus, error
        waited_for, self._changed = self._changed, asyncio.Event()
        waited_for.set()
        if bus is not None:
            for listener in self._listeners:
                listener(bus)
