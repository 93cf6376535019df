"""A bus on which a gateway answers, for signaling's tests; what is kept of sessions is kept in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import NoReturn

from bus.interface import Event, EventHandler, JobHandler, LossHandler, ReplyT, RequestT, Stored, Subscription
from bus.matching import covers
from bus.memory_bus import MemoryBus
from contracts import subjects
from contracts.gateway import AddCandidate, ClosePeer, Done, OpenPeer, PeerOpened
from contracts.message import Message
from contracts.permissions import SIGNALING

INSTANCE = "gw-1"
ANSWER_SDP = "v=0 answer"


class FakeGateways:
    """A Bus. What reached the gateway stands in `offers` and `delivered`; `answer` and `take` may be replaced."""

    def __init__(self) -> None:
        self.connected = True
        self.lacks: str | None = None
        self.offers: list[OpenPeer] = []
        self.delivered: list[AddCandidate | ClosePeer] = []
        self.answer: Callable[[OpenPeer], Awaitable[PeerOpened]] = self._answer
        self.take: Callable[[AddCandidate | ClosePeer], Awaitable[None]] = self._take
        self._changed = asyncio.Condition()
        self.memory = MemoryBus()

    async def request(self, subject: str, message: Message, reply: type[ReplyT], *, timeout: float) -> ReplyT:
        async with asyncio.timeout(timeout):
            answered = await self._serve(subject, message)
        return reply.from_json(answered.to_json())

    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until something has arrived that makes `predicate` true."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(predicate)

    async def _serve(self, subject: str, message: Message) -> Message:
        assert _may_publish(subject), subject
        if subject == subjects.RTC_OFFER:
            offer = OpenPeer.from_json(message.to_json())
            self.offers.append(offer)
            await self._tell()
            return await self.answer(offer)
        kinds: dict[str, type[AddCandidate] | type[ClosePeer]] = {
            subjects.rtc_candidate(INSTANCE): AddCandidate,
            subjects.rtc_close(INSTANCE): ClosePeer,
        }
        item = kinds[subject].from_json(message.to_json())
        await self.take(item)
        self.delivered.append(item)
        await self._tell()
        return Done()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _answer(self, offer: OpenPeer) -> PeerOpened:
        return PeerOpened(instance=INSTANCE, sdp=ANSWER_SDP)

    async def _take(self, item: AddCandidate | ClosePeer) -> None:
        pass

    def request_many(
        self, subject: str, message: Message, part: type[ReplyT], *, timeout: float
    ) -> AsyncIterator[ReplyT]:
        _not_of_signaling()

    async def publish(self, subject: str, message: Message) -> None:
        _not_of_signaling()

    async def store(self, subject: str, message: Message) -> Stored:
        _not_of_signaling()

    async def stored(self, stream: str, subject: str) -> Event | None:
        assert _may_publish(f"$JS.API.DIRECT.GET.{stream}.{subject}"), subject
        return await self.memory.stored(stream, subject)

    async def replace(self, subject: str, message: Message, *, seen: int) -> int | None:
        assert _may_publish(subject), subject
        return await self.memory.replace(subject, message, seen=seen)

    async def next_stored(
        self, stream: str, subject: str, *, behind: int = 0, since: datetime | None = None
    ) -> Event | None:
        _not_of_signaling()

    async def settled(self, stream: str, consumer: str) -> int | None:
        _not_of_signaling()

    async def subscribe(
        self, subject: str, handler: EventHandler, *, on_loss: LossHandler | None = None
    ) -> Subscription:
        _not_of_signaling()

    async def serve(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], Awaitable[Message]],
        *,
        queue: str | None,
    ) -> Subscription:
        _not_of_signaling()

    async def serve_many(
        self,
        subject: str,
        request: type[RequestT],
        handler: Callable[[RequestT], AsyncIterator[Message]],
        *,
        queue: str | None,
    ) -> Subscription:
        _not_of_signaling()

    async def work(
        self, stream: str, consumers: tuple[str, ...], handler: JobHandler, *, slots: int, hints: str
    ) -> Subscription:
        _not_of_signaling()


def _may_publish(subject: str) -> bool:
    """Whether the NATS user of signaling may."""
    return any(covers(pattern, subject) for pattern in SIGNALING.publish)


def _not_of_signaling() -> NoReturn:
    raise AssertionError("signaling does not ask for this")
