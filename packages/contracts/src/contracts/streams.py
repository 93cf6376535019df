"""Streams and consumers as data, in JetStream's own terms. Declared by one idempotent step; services only bind."""

from dataclasses import dataclass
from typing import Final, Literal

from contracts import subjects
from contracts.limits import LEASE_S, PARTITIONS, SESSION_KEPT_S

CHAT: Final = "CHAT"
OUT: Final = "OUT"
DLQ: Final = "DLQ"
SESSIONS: Final = "KV_sessions"
"""The stream behind the key-value bucket `sessions` (ADR-8), so that `nats kv` reads it too."""


@dataclass(frozen=True)
class Stream:
    """One stream. Sizes in bytes, ages in seconds; 0 means no limit."""

    name: str
    subjects: tuple[str, ...]
    max_bytes: int
    max_age_s: float
    discard: Literal["old", "new"]
    max_msgs_per_subject: int = 1
    refuses_repeats: bool = False
    """A second message on a subject is refused at any age, as `maximum messages per subject exceeded`."""
    transform: tuple[str, str] | None = None
    republish: tuple[str, str] | None = None


@dataclass(frozen=True)
class Consumer:
    """One durable pull consumer with explicit acks and no limit of deliveries: crashes are counted in `turns`."""

    stream: str
    name: str
    filter_subject: str
    ack_wait_s: float
    max_ack_pending: int


def partition_consumer(partition: int) -> str:
    """The durable of one partition of CHAT."""
    return f"agent-{partition}"


STREAMS: Final = (
    Stream(
        name=CHAT,
        subjects=("evt.chat.*.*.start", "evt.chat.*.*.completed"),
        max_bytes=4 * 1024**3,
        max_age_s=0,
        discard="new",
        refuses_repeats=True,
        # A session's turns share a partition, so that they keep their order. The count is part of the stream's
        # meaning: another count is another stream.
        transform=(
            "evt.chat.*.*.start",
            f"job.chat.{{{{partition({PARTITIONS},1)}}}}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}",
        ),
        republish=(">", "live.>"),
    ),
    Stream(
        name=OUT,
        subjects=("evt.out.*.*.*",),
        max_bytes=256 * 1024**2,
        max_age_s=3600,
        discard="old",
        republish=(">", "live.>"),
    ),
    Stream(
        name=DLQ,
        subjects=("dlq.chat.*.*",),
        max_bytes=256 * 1024**2,
        max_age_s=0,
        discard="new",
        refuses_repeats=True,
    ),
    Stream(
        name=SESSIONS,
        subjects=("$KV.sessions.*",),
        max_bytes=512 * 1024**2,
        max_age_s=SESSION_KEPT_S,
        # A key's new value takes the place of the old one. A full bucket forgets who has not entered for longest: they
        # get a new session, where refusing would lock everybody out until keys have aged.
        discard="old",
    ),
)

CONSUMERS: Final = tuple(
    Consumer(
        stream=CHAT,
        name=partition_consumer(partition),
        filter_subject=subjects.jobs(partition),
        ack_wait_s=LEASE_S,
        max_ack_pending=1,
    )
    for partition in range(PARTITIONS)
)
