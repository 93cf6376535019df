"""Declares the streams and consumers of `contracts.streams`: one idempotent step, with a bus user of its own.

In the terms of JetStream's own API (ADR-31 and the server's `$JS.API` subjects), since the services only ever bind.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client
from nats.errors import Error as NatsError

from bus.nats_bus import BusSettings
from contracts.streams import CONSUMERS, STREAMS, Consumer, Stream
from provision.jetstream import NO_SUCH_STREAM, TIMEOUT_S, Json, TopologyError, ask, connected

__all__ = ["TopologyError", "declare"]

_NANOSECONDS: Final = 1_000_000_000
# Repeats are refused by subject, at any age, so the window that remembers ids only costs memory.
_DUPLICATE_WINDOW_S: Final = 1


@dataclass(frozen=True)
class Declared:
    """Names of streams that were made and that were changed; the others were as they should be."""

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


async def declare(settings: BusSettings, *, timeout: float = TIMEOUT_S, replicas: int = 1) -> Declared:
    """Make or update every stream and consumer, within `timeout` seconds. Raises TopologyError.

    `replicas`: on how many servers of a cluster each stream is; an acknowledged message is on most of them.

    The subject transform of a stream that exists is never changed: its partitions are part of what is stored.
    """
    try:
        async with asyncio.timeout(timeout), connected(settings) as client:
            done = await asyncio.gather(*(_declare_stream(client, stream, replicas) for stream in STREAMS))
            await asyncio.gather(*(_declare_consumer(client, consumer) for consumer in CONSUMERS))
    except (NatsError, OSError, TimeoutError) as error:
        raise TopologyError(f"JetStream did not answer while streams were declared ({type(error).__name__})") from error
    names = {kind: tuple(name for name, what in done if what == kind) for kind in ("made", "changed")}
    return Declared(**names)


def stream_configuration(stream: Stream, replicas: int = 1) -> Json:
    """A stream as JetStream's API takes it."""
    return {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": "limits",
        "storage": "file",
        "num_replicas": replicas,
        "max_bytes": stream.max_bytes,
        "max_age": int(stream.max_age_s * _NANOSECONDS),
        "max_msgs_per_subject": stream.max_msgs_per_subject,
        "discard": stream.discard,
        "discard_new_per_subject": stream.refuses_repeats,
        "duplicate_window": _DUPLICATE_WINDOW_S * _NANOSECONDS,
        "allow_direct": True,
        "deny_delete": False,
        **({} if stream.transform is None else {"subject_transform": _mapping(stream.transform)}),
        **({} if stream.republish is None else {"republish": _mapping(stream.republish)}),
    }


def consumer_configuration(consumer: Consumer) -> Json:
    """A durable pull consumer as JetStream's API takes it. It delivers without limit: crashes are counted elsewhere."""
    return {
        "name": consumer.name,
        "durable_name": consumer.name,
        "filter_subject": consumer.filter_subject,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": int(consumer.ack_wait_s * _NANOSECONDS),
        "max_deliver": -1,
        "max_ack_pending": consumer.max_ack_pending,
        "replay_policy": "instant",
    }


def _mapping(pair: tuple[str, str]) -> Json:
    return {"src": pair[0], "dest": pair[1]}


async def _declare_stream(client: Client, stream: Stream, replicas: int) -> tuple[str, str]:
    wanted = stream_configuration(stream, replicas)
    found = await ask(client, f"STREAM.INFO.{stream.name}", {}, missing=NO_SUCH_STREAM)
    if found is None:
        await ask(client, f"STREAM.CREATE.{stream.name}", wanted)
        return stream.name, "made"
    held: Json = found["config"]
    if _transform(held) != stream.transform:
        raise TopologyError(
            f"stream {stream.name} was made with the transform {_transform(held)}, "
            f"the services need {stream.transform}; another "
            "partition count is another stream, so start with a fresh data directory"
        )
    if _holds(held, wanted):
        return stream.name, "kept"
    # What we do not name stays as it is.
    await ask(client, f"STREAM.UPDATE.{stream.name}", {**held, **wanted})
    return stream.name, "changed"


async def _declare_consumer(client: Client, consumer: Consumer) -> None:
    await ask(
        client,
        f"CONSUMER.DURABLE.CREATE.{consumer.stream}.{consumer.name}",
        {"stream_name": consumer.stream, "config": consumer_configuration(consumer)},
    )


def _transform(held: Json) -> tuple[str, str] | None:
    transform = held.get("subject_transform")
    return None if transform is None else (transform["src"], transform["dest"])


def _holds(held: Json, wanted: Json) -> bool:
    """Whether all that is wanted is held. The server leaves out what is false or zero, and adds fields of its own."""
    return all(_same(held.get(name), value) for name, value in wanted.items())


def _same(held: object, wanted: object) -> bool:
    if isinstance(held, Mapping) and isinstance(wanted, Mapping):
        return all(held.get(name) == value for name, value in wanted.items())
    return held == wanted or (not held and not wanted)
