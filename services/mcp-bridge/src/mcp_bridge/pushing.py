"""News for a client of the revisions before 2026-07-28: it subscribes to one URI at a time, on its one connection."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from mcp.server.session import ServerSession
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent
from mcp_types import ResourceListChangedNotification

from bus.errors import BusError
from mcp_bridge.live import READY_S, URIS_MAX, Live, TooManyError

log = logging.getLogger(__name__)

RETRY_S: Final = 2.0
LEAVE_S: Final = 0.5


class Pushing:
    """Sends one connection what it subscribed to. What waits is kept once a URI, however often it changed."""

    def __init__(self, live: Live, owner: Callable[[], str]) -> None:
        self._live = live
        self._owner = owner
        self._uris: set[str] = set()
        self._waiting: dict[ServerEvent, None] = {}
        self._news = asyncio.Event()
        self._begun = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, session: ServerSession) -> None:
        """Send what comes from now on to this connection; once."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(session), name="pushing")

    async def subscribe(self, uri: str) -> None:
        """Whatever changes from the return on is told. Raises TooManyError, and TimeoutError while there is no bus."""
        async with asyncio.timeout(READY_S):
            await self._begun.wait()
        if len(self._uris) >= URIS_MAX:
            raise TooManyError
        self._uris.add(uri)

    def unsubscribe(self, uri: str) -> None:
        self._uris.discard(uri)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=LEAVE_S)

    async def _run(self, session: ServerSession) -> None:
        async with AsyncExitStack() as stack:
            while True:
                try:
                    feed = await stack.enter_async_context(self._live.feed(self._owner()))
                    break
                except (BusError, TimeoutError, TooManyError) as error:
                    # No stack yet, perhaps.
                    log.info("no news yet", extra={"error_type": type(error).__qualname__})
                    await asyncio.sleep(RETRY_S)
            stack.callback(feed.subscribe(self._take))
            stack.enter_context(feed.interest_in(self._uris))
            self._begun.set()
            while True:
                await self._news.wait()
                self._news.clear()
                waiting, self._waiting = self._waiting, {}
                for event in waiting:
                    await self._send(session, event)

    def _take(self, event: ServerEvent) -> None:
        if isinstance(event, ResourcesListChanged) or (isinstance(event, ResourceUpdated) and event.uri in self._uris):
            self._waiting[event] = None
            self._news.set()

    async def _send(self, session: ServerSession, event: ServerEvent) -> None:
        if isinstance(event, ResourceUpdated):
            await session.send_resource_updated(event.uri)
        else:
            await session.send_notification(ResourceListChangedNotification())
