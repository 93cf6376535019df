"""Keeps a channel open: another one when it is lost, and before the old one goes where the gateway says so in time."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from client.backoff import Backoff
from client.connection import AgentClient
from client.errors import ClientError, ConnectError
from contracts.channel import ChannelDraining, GatewayMessage
from contracts.message import ErrorCode

Connect = Callable[[], AbstractAsyncContextManager[AgentClient]]


class Hearer(Protocol):
    """Whom the connections are for. Called in the event loop, and must not raise."""

    def opened(self, client: AgentClient) -> None:
        """This one is to be used from now on; nothing that it says has been heard yet."""

    def heard(self, message: GatewayMessage) -> None:
        """A message came, of the connection that was opened last."""

    def lost(self, reason: ConnectError) -> None:
        """There is no connection now."""

    def stopped(self, reason: ConnectError) -> None:
        """Nor will there be another."""


@dataclass(eq=False)
class _Line:
    """One connection, from the attempt to its end."""

    task: asyncio.Task[None] | None = None
    client: AgentClient | None = None
    lived_s: float = 0.0  # up to its draining, or its end
    draining: asyncio.Future[float] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ended: asyncio.Future[ConnectError] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Reconnecting:
    """`connect` makes one connection; `chance` gives numbers from 0 to below 1, for the waits between."""

    def __init__(self, connect: Connect, hearer: Hearer, chance: Callable[[], float]) -> None:
        self._connect = connect
        self._hearer = hearer
        self._backoff = Backoff(chance)
        self._current: _Line | None = None  # the open line that is used
        self.last_failure: ConnectError | None = None

    @property
    def client(self) -> AgentClient | None:
        """The connection to use, while there is one."""
        client = None if self._current is None else self._current.client
        return None if client is None or client.lost_because is not None else client

    async def run(self) -> None:
        """Until cancelled, or `stopped`."""
        async with asyncio.TaskGroup() as lines:
            final = None
            while final is None:
                newest = _Line()
                newest.task = lines.create_task(self._live(newest))
                # Only the newest line's end counts. One that another took over from is told that it is superseded.
                final = await self._until_another_is_due(newest)
            self._hearer.stopped(final)
            self._leave(self._current)

    async def _until_another_is_due(self, line: _Line) -> ConnectError | None:
        """The reason, where there is to be no other."""
        either: set[asyncio.Future[float] | asyncio.Future[ConnectError]] = {line.draining, line.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not line.ended.done():
            # Never at once: its other clients are told the same, and the gateway that takes us may be draining too.
            pause_s = line.draining.result() + self._backoff.after(line.lived_s)
            await asyncio.wait({line.ended}, timeout=pause_s)
        if line.ended.done():
            self.last_failure = line.ended.result()
            if self.last_failure.final:
                return self.last_failure
            await asyncio.sleep(self._backoff.after(line.lived_s))
        return None

    async def _live(self, line: _Line) -> None:
        try:
            async with self._connect() as client:
                # Told before the connection is closed, which takes its time.
                self._ended(line, await self._until_lost(line, client))
        except ConnectError as error:
            self._ended(line, error)

    async def _until_lost(self, line: _Line, client: AgentClient) -> ConnectError:
        now = asyncio.get_running_loop().time
        opened_at, messages = now(), client.messages()
        self._take_over(line, client)
        try:
            while True:
                message = await anext(messages)
                self._hearer.heard(message)
                if isinstance(message, ChannelDraining) and not line.draining.done():
                    line.lived_s = now() - opened_at
                    line.draining.set_result(message.retry_after_ms / 1000)
        except ConnectError as error:
            return error
        except ClientError as error:
            return ConnectError(ErrorCode.SLOW_READER, str(error))
        finally:
            line.lived_s = now() - opened_at

    def _take_over(self, line: _Line, client: AgentClient) -> None:
        older, self._current = self._current, line
        line.client = client
        self._hearer.opened(client)
        self._leave(older)

    def _ended(self, line: _Line, reason: ConnectError) -> None:
        if self._current is line:
            self._current = None
            self._hearer.lost(reason)
        if not line.ended.done():
            line.ended.set_result(reason)

    @staticmethod
    def _leave(line: _Line | None) -> None:
        if line is not None and line.task is not None:
            line.task.cancel()
