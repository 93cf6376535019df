"""Streams and consumers of `contracts.streams` in memory: what is stored, repeated, refused, leased."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from bus.interface import Backlog, Holdings
from bus.matching import covers
from contracts.limits import PARTITIONS
from contracts.streams import CONSUMERS, Consumer, Stream

_FNV_OFFSET: Final = 2166136261
_FNV_PRIME: Final = 16777619


def partition_of(session: str) -> int:
    """The partition of a session, as the server's `partition(n,1)` has it: FNV-1a of the token, 32 bits."""
    digest = _FNV_OFFSET
    for byte in session.encode():
        digest = (digest ^ byte) * _FNV_PRIME % 2**32
    return digest % PARTITIONS


@dataclass(frozen=True)
class Kept:
    """One stored message."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    sequence: int
    at: datetime


@dataclass
class MemoryConsumer:
    """Hands out one message at a time, in order: the first is leased until it is acked or given back."""

    declared: Consumer
    waiting: deque[Kept] = field(default_factory=deque)
    deliveries: int = 0
    leased: bool = False
    handed_out: int = 0

    @property
    def has_work(self) -> bool:
        return bool(self.waiting) and not self.leased

    def take(self) -> Kept:
        self.leased = True
        self.deliveries += 1
        self.handed_out = self.waiting[0].sequence
        return self.waiting[0]

    def ack(self) -> None:
        self.waiting.popleft()
        self.leased, self.deliveries = False, 0

    def give_back(self) -> None:
        self.leased = False

    def backlog(self) -> Backlog:
        # One that was given back is in the hands of whoever gets it again, as the server counts.
        in_hand = 1 if self.deliveries else 0
        return Backlog(self.declared.name, len(self.waiting) - in_hand, in_hand, self.handed_out)


class MemoryStream:
    """One stream. Its subjects keep one message each."""

    def __init__(self, declared: Stream) -> None:
        self.declared = declared
        self.kept: dict[str, Kept] = {}
        self.consumers = {
            consumer.name: MemoryConsumer(consumer) for consumer in CONSUMERS if consumer.stream == declared.name
        }
        self._sequence = 0

    def captures(self, subject: str) -> bool:
        return any(covers(pattern, subject) for pattern in self.declared.subjects)

    def holds(self, subject: str) -> bool:
        return self._transformed(subject) in self.kept

    def next(self, subject: str, behind: int, since: datetime | None) -> Kept | None:
        """The first on a subject behind a sequence, or, where that is 0, not older than a moment."""
        return next(
            (
                kept
                for kept in self.kept.values()
                if covers(subject, kept.subject)
                and kept.sequence > behind
                and (behind > 0 or since is None or kept.at >= since)
            ),
            None,
        )

    def behind(self, subject: str, sequence: int) -> Iterator[Kept]:
        """All on a subject behind a sequence."""
        return (kept for kept in self.kept.values() if covers(subject, kept.subject) and kept.sequence > sequence)

    def last(self, subject: str) -> Kept | None:
        """The last on a subject."""
        return next((kept for kept in reversed(self.kept.values()) if covers(subject, kept.subject)), None)

    def settled(self, consumer: str) -> int | None:
        """Up to which sequence a consumer is done with its messages."""
        known = self.consumers.get(consumer)
        if known is None:
            return None
        return known.waiting[0].sequence - 1 if known.waiting else self._sequence

    def holdings(self) -> Holdings:
        size = sum(len(kept.data) for kept in self.kept.values())
        return Holdings(messages=len(self.kept), size=size, size_max=self.declared.max_bytes)

    def has_room(self, data: bytes) -> bool:
        """Whether one more fits; a stream that lets go of the old always has room."""
        size = sum(len(kept.data) for kept in self.kept.values()) + len(data)
        return self.declared.discard == "old" or size <= self.declared.max_bytes

    def keep(self, subject: str, data: bytes, headers: Mapping[str, str]) -> Kept:
        """Take a message for which there is room, and hand it to the consumers that want it."""
        self._sequence += 1
        kept = Kept(self._transformed(subject), data, headers, self._sequence, datetime.now(UTC))
        self.kept.pop(kept.subject, None)
        self.kept[kept.subject] = kept
        while sum(len(one.data) for one in self.kept.values()) > self.declared.max_bytes:
            del self.kept[next(iter(self.kept))]
        for consumer in self.consumers.values():
            if covers(consumer.declared.filter_subject, kept.subject):
                consumer.waiting.append(kept)
        return kept

    def _transformed(self, subject: str) -> str:
        transform = self.declared.transform
        if transform is None or not covers(transform[0], subject):
            return subject
        # The one transform that contracts declare: job.chat.<partition>.<session>.<turn>.
        session, turn = subject.split(".")[2:4]
        return f"job.chat.{partition_of(session)}.{session}.{turn}"


class Changes:
    """Wakes those who wait until something is so."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._changed.wait()
