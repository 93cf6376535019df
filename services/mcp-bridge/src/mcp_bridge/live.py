"""News of an owner's lists for the clients that asked for it: `subscriptions/listen`, and `resources/subscribe` before.

News may be lost on the way, as everywhere. Whenever some may have been, every resource that is watched is told to have
changed, so that its reader looks.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from mcp.server.subscriptions import ListenHandler, ResourcesListChanged, ResourceUpdated, ServerEvent
from pydantic import ValidationError

from bus.errors import BusError
from bus.interface import Bus, Event, Subscription
from contracts import subjects
from contracts.todo import Image, JournalEntry, TodoChanged, TodoItem, TodoList
from mcp_bridge.link import BusSource
from mcp_bridge.resources import LISTS_URI, uri_of

log = logging.getLogger(__name__)

OWNERS_MAX: Final = 1000
LISTENERS_PER_OWNER_MAX: Final = 64
URIS_MAX: Final = 600
"""One client's: an owner has at most 500 lists."""
READY_S: Final = 5.0

Listener = Callable[[ServerEvent], None]


class TooManyError(Exception):
    """More is watched than this process takes on."""


def events_of(entry: JournalEntry) -> list[ServerEvent] | None:
    """What a change means to readers of resources; None: whatever there is may have changed. Pure."""
    if entry.truncated:
        return None
    events: dict[ServerEvent, None] = {}
    for image in entry.images:
        events.update(dict.fromkeys(_events_of(image)))
    return list(events)


def _events_of(image: Image) -> Iterator[ServerEvent]:
    before, after = image.before, image.after
    if isinstance(before, TodoList) or isinstance(after, TodoList):
        yield ResourceUpdated(uri=LISTS_URI)
        yield ResourceUpdated(uri=uri_of(image.row_id))
        yield ResourcesListChanged()
        return
    items = [row for row in (before, after) if isinstance(row, TodoItem)]
    for row in items:
        yield ResourceUpdated(uri=uri_of(row.list_id))
    if len({(row.list_id, row.done) for row in items}) != 1 or len(items) != 2:
        yield ResourceUpdated(uri=LISTS_URI)


class OwnerFeed:
    """The SDK's SubscriptionBus of one owner. Subscribed to the bus as long as anybody watches."""

    def __init__(self, owner: str) -> None:
        self.watching = 0
        self.handler = ListenHandler(self, max_subscriptions=LISTENERS_PER_OWNER_MAX)
        self._owner = owner
        self._listeners: dict[object, Listener] = {}
        self._interests: dict[object, Collection[str]] = {}
        self._subscription: Subscription | None = None
        self._ready = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    async def publish(self, event: ServerEvent) -> None:
        """Tell everybody who watches."""
        self._tell([event])

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        token = object()
        self._listeners[token] = listener
        return lambda: self._listeners.pop(token, None) and None

    @contextmanager
    def interest_in(self, uris: Collection[str]) -> Iterator[None]:
        """These, as they are then, are told of when news may have been lost, for the length of the block."""
        token = object()
        self._interests[token] = uris
        try:
            yield
        finally:
            del self._interests[token]

    async def ready(self) -> None:
        """Wait until what is changed from now on is heard of. Raises TimeoutError."""
        # Not wait_for: until Python 3.12 it can swallow a cancellation.
        async with asyncio.timeout(READY_S):
            await self._ready.wait()

    def on_bus(self, bus: Bus) -> None:
        """Go on with this bus."""
        if self._work is not None:
            self._work.cancel()
        self._work = asyncio.create_task(self._subscribe(bus), name="subscribe")

    async def close(self) -> None:
        if self._work is not None:
            self._work.cancel()
        if self._subscription is not None:
            try:
                await self._subscription.close()
            except BusError as error:
                log.info("subscription not closed", extra={"code": error.problem.code.value})

    async def _subscribe(self, bus: Bus) -> None:
        again = self._ready.is_set()
        try:
            self._subscription = await bus.subscribe(subjects.todo_changed(self._owner), self._hear, on_loss=self._lost)
        except BusError as error:
            log.warning("no news", extra={"code": error.problem.code.value})
            return
        self._ready.set()
        if again:
            self._lost()

    async def _hear(self, event: Event) -> None:
        try:
            entry = TodoChanged.from_json(event.data).entry
        except ValidationError:
            log.warning("news of another release")
            self._lost()
            return
        events = events_of(entry)
        if events is None:
            self._lost()
        else:
            self._tell(events)

    def _lost(self) -> None:
        uris = dict.fromkeys(uri for interest in self._interests.values() for uri in interest)
        self._tell([ResourcesListChanged(), *(ResourceUpdated(uri=uri) for uri in uris)])

    def _tell(self, events: Iterable[ServerEvent]) -> None:
        for event in events:
            for listener in list(self._listeners.values()):
                listener(event)


class Live:
    """The feeds of all owners that anybody watches here."""

    def __init__(self, source: BusSource) -> None:
        self._feeds: dict[str, OwnerFeed] = {}
        self._bus: Bus | None = None
        source.on_bus(self._on_bus)

    @asynccontextmanager
    async def feed(self, owner: str) -> AsyncIterator[OwnerFeed]:
        """The feed of an owner, heard of the bus, for the length of the block. Raises TooManyError, TimeoutError."""
        feed = self._feeds.get(owner)
        if feed is None:
            if len(self._feeds) >= OWNERS_MAX:
                raise TooManyError
            feed = self._feeds[owner] = OwnerFeed(owner)
            if self._bus is not None:
                feed.on_bus(self._bus)
        feed.watching += 1
        try:
            await feed.ready()
            yield feed
        finally:
            feed.watching -= 1
            if not feed.watching:
                del self._feeds[owner]
                await feed.close()

    def close(self) -> None:
        """End every `subscriptions/listen`, each with its last word."""
        for feed in self._feeds.values():
            feed.handler.close()

    def _on_bus(self, bus: Bus) -> None:
        self._bus = bus
        for feed in self._feeds.values():
            feed.on_bus(bus)
