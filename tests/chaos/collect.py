"""Reads what a run left behind, from NATS and PostgreSQL directly: none of the services is asked."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import asyncpg
from nats.aio.client import Client
from nats.errors import Error as NatsError

from contracts.permissions import TOPOLOGY
from contracts.streams import CHAT, DLQ
from contracts.turns import TurnCompleted, TurnStarted
from local_stack.directory import DataDirectory
from local_stack.passwords import load_or_make

from .history import Asked, Change, End, History, Image, Item, Start

ConnectionT = TypeVar("ConnectionT")

_TIMEOUT_S = 10.0
_UP_AGAIN_S = 30.0
_RETRY_S = 0.2
_CHANGES = "SELECT revision, change_id, operation_id FROM changes ORDER BY revision"
_IMAGES = "SELECT revision, row_id, kind, before, after FROM change_images ORDER BY revision, seq"
_LISTS = "SELECT name FROM todo_lists WHERE deleted_at IS NULL"
_ITEMS = """
    SELECT l.name, i.title, i.done FROM todo_items i
    JOIN todo_lists l ON l.owner_key = i.owner_key AND l.id = i.list_id
    WHERE i.deleted_at IS NULL AND l.deleted_at IS NULL
"""
_TURNS = """
    SELECT count(*) FILTER (WHERE attempt > 1) AS taken_over, count(*) FILTER (WHERE crashes > 0) AS crashed FROM turns
"""


async def collect(directory: DataDirectory, asked: Sequence[Asked]) -> History:
    """The history of a run on the stack in `directory`, which has one owner and is still up."""
    state = json.loads(directory.state.read_text())
    messages = await stored(directory, CHAT, DLQ)
    starts, ends = [], []
    for message in messages[CHAT]:
        if message.subject.startswith("job."):
            starts.append(Start(message.sequence, TurnStarted.from_json(message.data)))
        else:
            ends.append(End(message.sequence, TurnCompleted.from_json(message.data)))
    dead = [message.subject.rsplit(".", 1)[1] for message in messages[DLQ]]
    connection = await _up_again(lambda: asyncpg.connect(state["database_url"]))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            changes = await connection.fetch(_CHANGES)
            images = await connection.fetch(_IMAGES)
            lists = await connection.fetch(_LISTS)
            items = await connection.fetch(_ITEMS)
            turns = await connection.fetchrow(_TURNS)
            assert turns is not None
            revision = await connection.fetchval("SELECT coalesce(max(revision), 0) FROM owners")
    finally:
        await connection.close()
    return History(
        asked=tuple(asked),
        starts=tuple(starts),
        ends=tuple(ends),
        changes=tuple(_change(row, images) for row in changes),
        revision=revision,
        lists=tuple(row["name"] for row in lists),
        items=tuple(Item(row["name"], row["title"], row["done"]) for row in items),
        dead=tuple(dead),
        taken_over=turns["taken_over"],
        crashed=turns["crashed"],
    )


async def _up_again(connect: Callable[[], Awaitable[ConnectionT]]) -> ConnectionT:
    """A server that the last blow struck is being started: wait for it, but not for ever."""
    async with asyncio.timeout(_UP_AGAIN_S):
        while True:
            try:
                return await connect()
            except (OSError, NatsError, asyncpg.PostgresError):
                await asyncio.sleep(_RETRY_S)


def _change(row: asyncpg.Record, images: Sequence[asyncpg.Record]) -> Change:
    return Change(
        revision=row["revision"],
        change_id=row["change_id"],
        operation_id=row["operation_id"],
        images=tuple(
            Image(image["row_id"], image["kind"], _row(image["before"]), _row(image["after"]))
            for image in images
            if image["revision"] == row["revision"]
        ),
    )


def _row(image: str | None) -> dict[str, Any] | None:
    return None if image is None else json.loads(image)


class Kept(NamedTuple):
    """A message of a stream."""

    sequence: int
    subject: str
    data: bytes
    at: datetime


async def stored(directory: DataDirectory, *streams: str) -> dict[str, list[Kept]]:
    """Every message in these streams of the stack in `directory`."""
    async with _connected(directory) as client:
        return {stream: [message async for message in _messages(client, stream)] for stream in streams}


async def purge(directory: DataDirectory, stream: str, subject: str) -> None:
    """Let a stream forget what it holds under a subject."""
    async with _connected(directory) as client:
        await _ask(client, f"STREAM.PURGE.{stream}", {"filter": subject})


@asynccontextmanager
async def _connected(directory: DataDirectory) -> AsyncIterator[Client]:
    url, user = json.loads(directory.state.read_text())["nats_url"], TOPOLOGY.user

    async def connected() -> Client:
        client = Client()
        await client.connect(
            url,
            user=user,
            password=load_or_make(directory.secrets).bus[user],
            inbox_prefix=TOPOLOGY.inbox_prefix,
            allow_reconnect=False,
            connect_timeout=int(_TIMEOUT_S),
        )
        return client

    client = await _up_again(connected)
    try:
        yield client
    finally:
        await client.close()


async def _messages(client: Client, stream: str) -> AsyncIterator[Kept]:
    state = (await _ask(client, f"STREAM.INFO.{stream}", {}))["state"]
    sequence = state["first_seq"] if state["messages"] else state["last_seq"] + 1
    while sequence <= state["last_seq"]:
        # The next one from there: a stream that forgets has holes.
        call = {"seq": sequence, "next_by_subj": ">"}
        message = (await _ask(client, f"STREAM.MSG.GET.{stream}", call))["message"]
        data = base64.b64decode(message.get("data", ""))
        yield Kept(message["seq"], message["subject"], data, datetime.fromisoformat(message["time"]))
        sequence = message["seq"] + 1


async def _ask(client: Client, call: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=_TIMEOUT_S)
    found: dict[str, Any] = json.loads(answer.data)
    assert "error" not in found, found["error"]
    return found
