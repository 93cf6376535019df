"""What a service may ask of the bus.

Deliberately unaware of NATS: of connections, inboxes, acks and consumers. Subjects come from `contracts.subjects`.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeVar

from contracts.message import Message

PENDING_EVENTS: Final = 4096
"""So many events wait for a subscription's handler; further ones are lost to it."""

STRETCH_MAX_BYTES: Final = 4 * 1024 * 1024
"""A stretch of a stream that is read at once ends with the message that makes it as long."""

RequestT = TypeVar("RequestT", bound=Message)
ReplyT = TypeVar("ReplyT", bound=Message)


@dataclass(frozen=True)
class Event:
    """One message of a subscription, or read from a stream. `sequence` is its place in a stream, if it has one; `at` is
    when the stream took it, of one that was read from there."""

    subject: str
    data: bytes
    sequence: int | None = None
    trace: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None


@dataclass(frozen=True)
class Stored:
    """The stream has it, on disk. `repeated`: it had one on this subject already, and kept that."""

    sequence: int | None
    repeated: bool = False


@dataclass(frozen=True)
class Stretch:
    """Some messages of a stream, one after the other, and how many more it holds behind them."""

    events: tuple[Event, ...] = ()
    rest: int = 0


@dataclass(frozen=True)
class Holdings:
    """How much a stream holds, and how many bytes it takes at most; 0 where that has no bound."""

    messages: int
    size: int
    size_max: int


@dataclass(frozen=True)
class Backlog:
    """Of one durable consumer: how many messages wait, how many are in somebody's hands, and the sequence of the last
    one that was handed out."""

    consumer: str
    waiting: int
    in_hand: int
    handed_out: int


@dataclass(frozen=True)
class Job:
    """One fetched message of a work stream, leased to this worker."""

    subject: str
    data: bytes
    sequence: int
    deliveries: int
    trace: Mapping[str, str] = field(default_factory=dict)


EventHandler = Callable[[Event], Awaitable[None]]
LossHandler = Callable[[], None]
JobHandler = Callable[[Job], Awaitable[None]]


class Subscription(Protocol):
    async def close(self) -> None:
        """Take no more, and wait for the handlers in flight (bounded)."""


class Bus(Protocol):
    @property
    def connected(self) -> bool: ...

    @property
    def lacks(self) -> str | None:
        """For readiness: None, `bus` while it is away, or `bus_permissions` once it refused a publish of ours."""

    async def request(self, subject: str, message: Message, reply: type[ReplyT], *, timeout: float) -> ReplyT:
        """Ask and wait `timeout` seconds. Raises RemoteError, UnavailableError (not done), NoReplyError (not known)."""

    def request_many(
        self, subject: str, message: Message, part: type[ReplyT], *, timeout: float
    ) -> AsyncIterator[ReplyT]:
        """Ask for a series; `timeout` seconds bound the wait for each part. Raises as `request` does."""

    async def publish(self, subject: str, message: Message) -> None:
        """Send to whoever listens now, at most once."""

    async def store(self, subject: str, message: Message) -> Stored:
        """Publish into a stream and wait until it is on disk. Raises as `request` does."""

    async def replace(self, subject: str, message: Message, *, seen: int) -> int | None:
        """Store a message in the place of the one whose sequence is `seen`, where 0 means that there is none yet.

        Its sequence; None if the subject holds another meanwhile, and nothing was stored. Raises as `request` does.
        """

    async def stored(self, stream: str, subject: str) -> Event | None:
        """The last message that a stream holds on a subject, which may have wildcards; None if it holds none. Raises as
        `request` does."""

    async def subscribe(
        self, subject: str, handler: EventHandler, *, on_loss: LossHandler | None = None
    ) -> Subscription:
        """Handle events in order, one at a time; the subject may have wildcards. A slow handler loses events.

        `on_loss` is called, in the event loop, whenever events of this subscription may have been lost: the bus was
        away and is back, or the handler was too slow. What is sent after the call arrives. It must return at once; what
        else is lost on the way, as between the servers of a cluster, nobody tells.
        """

    async def next_stored(
        self, stream: str, subject: str, *, behind: int = 0, since: datetime | None = None
    ) -> Event | None:
        """The first message that a stream holds on a subject, which may have wildcards, behind the sequence `behind`,
        or, where that is 0, not older than `since`. Raises as `request` does."""

    async def stretch(self, stream: str, subject: str, *, behind: int = 0, limit: int) -> Stretch:
        """The first `limit` messages that a stream holds on a subject, which may have wildcards, behind the sequence
        `behind`; fewer where STRETCH_MAX_BYTES of them are reached before. Raises as `request` does."""

    async def settled(self, stream: str, consumer: str) -> int | None:
        """Up to which sequence a durable consumer is done: what is behind it waits or is in somebody's hands, what is
        not will not be handed out again. None if there is no such consumer. Raises as `request` does."""

    async def holdings(self, stream: str) -> Holdings:
        """Raises as `request` does."""

    async def backlogs(self, stream: str) -> tuple[Backlog, ...]:
        """Of all durable consumers of a stream, by one request. Raises as `request` does."""

    async def serve(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], Awaitable[Message]],
        *,
        queue: str | None,
    ) -> Subscription:
        """Answer requests, concurrently behind a bound. A handler refuses by raising Refusal."""

    async def serve_many(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], AsyncGenerator[Message, None]],
        *,
        queue: str | None,
    ) -> Subscription:
        """Answer each request with a series."""

    async def work(
        self, stream: str, consumers: tuple[str, ...], handler: JobHandler, *, slots: int, hints: str
    ) -> Subscription:
        """Work through durable consumers, `slots` jobs at once. A job is acked when its handler returns, taken out
        when it raises Unprocessable, and given back when it raises RetryLater or anything else. `hints` is a subject
        of live events that tell, by `contracts.subjects.partition_of_live_job`, which consumer has work."""
