"""Sessions that come out of a backup: they go on under their ids, and their clients count events anew.

A restored stream gives numbers out again that clients have heard already, for other events. Whoever comes back with a
token from before is therefore let in as into a new session of the same id (`contracts.sessions`).
"""

import base64
from collections.abc import AsyncIterator

from nats.aio.client import Client
from pydantic import ValidationError

from contracts.sessions import SessionRecord
from contracts.streams import SESSIONS
from provision.jetstream import NO_SUCH_MESSAGE, TIMEOUT_S, answered, ask


async def began_anew(client: Client) -> int:
    """Say of every session that it is out of a backup; how many there are. Raises NatsError, TopologyError."""
    count = 0
    async for subject, data in _records(client):
        try:
            record = SessionRecord.from_json(data)
        except ValidationError:
            continue  # deleted by hand, or a newer release's: nobody goes on with it
        good = tuple(token for token in (record.resume, record.resume_before) if token is not None)
        marked = record.model_copy(update={"restored": good})
        stored = await client.request(subject, marked.to_json(), timeout=TIMEOUT_S)
        answered(subject, stored.data)
        count += 1
    return count


async def _records(client: Client) -> AsyncIterator[tuple[str, bytes]]:
    """Those that are there now: what is written meanwhile comes behind the last of them."""
    info = await ask(client, f"STREAM.INFO.{SESSIONS}", {})
    last, sequence = (info or {})["state"]["last_seq"], 1
    while sequence <= last:
        call = {"seq": sequence, "next_by_subj": ">"}
        found = await ask(client, f"STREAM.MSG.GET.{SESSIONS}", call, missing=NO_SUCH_MESSAGE)
        if found is None or found["message"]["seq"] > last:
            return
        message = found["message"]
        sequence = message["seq"] + 1
        yield message["subject"], base64.b64decode(message.get("data", ""))
