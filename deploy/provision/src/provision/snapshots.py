"""Streams and consumers into a file, and out of it again, by JetStream's own snapshots (`STREAM.SNAPSHOT`, `.RESTORE`).

A running server gives one stream after the other, each as it is at one moment, with the places of its consumers. CHAT
is the first: whatever it calls done, the others and a database that is dumped afterwards know of as well.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final, TypeVar

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from bus.nats_bus import BusSettings
from contracts.streams import STREAMS
from provision.archive import Archived, Reader, Writer
from provision.errors import ProvisionError
from provision.jetstream import NO_SUCH_STREAM, Json, NoPlaceError, answered, ask, connected
from provision.sessions import began_anew
from provision.topology import declare

PART_BYTES: Final = 256 * 1024
SILENCE_S: Final = 60.0
"""A server that packs a large stream may say nothing for a while."""
ROOM_KNOWN_S: Final = 30.0
PAUSE_S: Final = 0.5
_T = TypeVar("_T")
_ENDED_WELL: Final = frozenset({"", "204"})
_NAMES: Final = tuple(stream.name for stream in STREAMS)


class SnapshotError(ProvisionError):
    """A stream that could not be saved or brought back."""


@dataclass(frozen=True)
class Held:
    """What a stream held, as saved or brought back."""

    stream: str
    messages: int


async def save(settings: BusSettings, out: BinaryIO) -> tuple[Held, ...]:
    """Write every stream to `out`. Raises SnapshotError; what was written by then is no backup."""
    try:
        async with connected(settings) as client:
            about = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "streams": list(_NAMES)}
            writer = Writer(out, about)
            held = [await _save(client, name, writer) for name in _NAMES]
            writer.close()
            return tuple(held)
    except (NatsError, OSError, TimeoutError) as error:
        raise SnapshotError(f"the streams could not be saved ({_said(error)})") from error


async def bring_back(
    settings: BusSettings, source: BinaryIO, *, replace: bool = False, replicas: int = 1
) -> tuple[Held, ...]:
    """Make the streams what `source` holds, and what this release wants them to be.

    Nothing may be connected to the server meanwhile but this. Streams that hold something are replaced only where
    `replace` says so. Where it fails, none of the streams that it brought back is left, and it can be done again.
    Raises SnapshotError and ArchiveError.
    """
    reader = Reader(source)
    back: list[Held] = []
    try:
        async with connected(settings) as client:
            for name in _NAMES:
                await _make_room(client, name, replace=replace)
            try:
                for stream in reader.streams():
                    back.append(Held(stream.name, stream.description["state"]["messages"]))
                    await _bring_back(client, stream)
                await began_anew(client)
            except BaseException:
                for held in back:
                    await ask(client, f"STREAM.DELETE.{held.stream}", {}, missing=NO_SUCH_STREAM)
                raise
    except (NatsError, OSError, TimeoutError) as error:
        raise SnapshotError(f"the streams could not be brought back ({_said(error)})") from error
    await _placed(lambda: declare(settings, replicas=replicas, timeout=SILENCE_S))
    return tuple(back)


async def _save(client: Client, stream: str, writer: Writer) -> Held:
    inbox = client.new_inbox()
    parts = await client.subscribe(inbox)
    try:
        # `jsck`: what the server reads from its disk is checked on the way.
        call = {"deliver_subject": inbox, "chunk_size": PART_BYTES, "no_consumers": False, "jsck": True}
        begun = await client.request(f"$JS.API.STREAM.SNAPSHOT.{stream}", _json(call), timeout=SILENCE_S)
        description = answered(f"STREAM.SNAPSHOT.{stream}", begun.data) or {}
        writer.begin(stream, {"config": description["config"], "state": description["state"]})
        while (part := await parts.next_msg(timeout=SILENCE_S)).data:
            writer.part(part.data)
            if part.reply:
                await client.publish(part.reply)  # so that it sends no more than we can take
        if _status(part) not in _ENDED_WELL:
            raise SnapshotError(f"the server gave up while it sent the stream {stream}: {_status(part)}")
        writer.end()
        return Held(stream, description["state"]["messages"])
    finally:
        await parts.unsubscribe()


async def _make_room(client: Client, stream: str, *, replace: bool) -> None:
    found = await ask(client, f"STREAM.INFO.{stream}", {}, missing=NO_SUCH_STREAM)
    if found is None:
        return
    messages = found["state"]["messages"]
    if messages and not replace:
        raise SnapshotError(
            f"the stream {stream} holds {messages} messages; restore into an empty server, or have them replaced "
            "(--replace)"
        )
    await ask(client, f"STREAM.DELETE.{stream}", {})


async def _placed(step: Callable[[], Awaitable[_T]]) -> _T:
    """What `step` comes to. Servers of a cluster tell each other what room they have every some seconds; until then one
    that has just started may count as full. Raises NoPlaceError where that lasts."""
    until = time.monotonic() + ROOM_KNOWN_S
    while True:
        try:
            return await step()
        except NoPlaceError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(PAUSE_S)


async def _bring_back(client: Client, archived: Archived) -> None:
    call = f"STREAM.RESTORE.{archived.name}"
    # On one server; `declare` spreads it afterwards.
    config = {**archived.description["config"], "num_replicas": 1}
    begun = await _placed(lambda: ask(client, call, {"config": config, "state": archived.description["state"]}))
    to = (begun or {})["deliver_subject"]
    for part in archived.parts:
        _check(call, await client.request(to, part, timeout=SILENCE_S))
    ended = answered(call, (await client.request(to, b"", timeout=SILENCE_S)).data) or {}
    found = ended.get("state") or {}
    if any(found.get(name) != archived.description["state"][name] for name in ("messages", "last_seq")):
        raise SnapshotError(f"the stream {archived.name} did not come back as it was saved")


def _check(call: str, answer: Msg) -> None:
    if answer.data:
        answered(call, answer.data)


def _status(message: Msg) -> str:
    return (message.headers or {}).get("Status", "")


def _json(body: Json) -> bytes:
    return json.dumps(body).encode()


def _said(error: BaseException) -> str:
    return type(error).__name__ if not isinstance(error, OSError) else str(error)


def summary(held: Iterable[Held]) -> str:
    """`CHAT 12, OUT 4, ...`: messages of each stream."""
    return ", ".join(f"{one.stream} {one.messages}" for one in held)
