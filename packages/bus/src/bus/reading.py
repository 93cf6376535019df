"""What JetStream is asked, and answers: a stream read without a consumer (ADR-31), and where a consumer stands."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bus import headers
from bus.errors import RemoteError
from bus.interface import Backlog, Event, Holdings
from contracts.message import ErrorCode, Problem
from contracts.subjects import template

log = logging.getLogger(__name__)

_NO_MESSAGE: Final = "404"
_END_OF_BATCH: Final = "204"
_NO_SUCH_CONSUMER: Final = 10014


def last_request(stream: str, subject: str) -> tuple[str, bytes]:
    """Where and how to ask for the last message on a subject: only a body can hold wildcards."""
    api = f"$JS.API.DIRECT.GET.{stream}"
    if "*" in subject or ">" in subject:
        return api, json.dumps({"last_by_subj": subject}).encode()
    return f"{api}.{subject}", b""


def next_request(subject: str, behind: int, since: datetime | None) -> bytes:
    """Asks for the first message on a subject behind a sequence, or, where that is 0, not older than a moment."""
    asked: dict[str, Any] = {"next_by_subj": subject}
    if behind or since is None:
        asked["seq"] = behind + 1
    else:
        asked["start_time"] = since.isoformat()
    return json.dumps(asked).encode()


def stretch_request(subject: str, behind: int, limit: int, max_bytes: int) -> bytes:
    """Asks for a batch (ADR-31): one answer for each message, then one with a status."""
    asked = {"next_by_subj": subject, "seq": behind + 1, "batch": limit, "max_bytes": max_bytes}
    return json.dumps(asked).encode()


def rest_behind(received: Mapping[str, str]) -> int | None:
    """How many more messages the stream holds, from the answer that ends a batch; None if it does not end it."""
    if received.get(headers.STATUS) != _END_OF_BATCH:
        return None
    return int(received[headers.NUM_PENDING])


def event_of(subject: str, received: Mapping[str, str], data: bytes) -> Event | None:
    """The message in an answer, None if there is none. `subject` is the one that was asked for. Raises RemoteError."""
    status = received.get(headers.STATUS)
    if status == _NO_MESSAGE:
        return None
    if status is not None:
        log.error("stream not read", extra={"subject": template(subject), "status": status})
        raise RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="the stream cannot be read; try later"))
    at = datetime.fromisoformat(received[headers.TIME_STAMP])
    return Event(received[headers.SUBJECT], data, int(received[headers.SEQUENCE]), received, at)


def settled_in(data: bytes) -> int | None:
    """The sequence up to which a consumer is done, from its info; None if there is none of this name.

    The server moves this floor over messages that were acked or terminated, and, when a consumer is made, over those
    that it will not deliver; never over one that waits, is in flight, or was given back. Raises RemoteError.
    """
    info: dict[str, Any] = json.loads(data)
    error = info.get("error")
    if error is None:
        return int(info["ack_floor"]["stream_seq"])
    if error.get("err_code") == _NO_SUCH_CONSUMER:
        return None
    log.error("consumer not read", extra={"err_code": error.get("err_code")})
    raise RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="the consumer cannot be read; try later"))


def holdings_in(data: bytes) -> Holdings:
    """How much a stream holds, from its info. Raises RemoteError."""
    info = _answer("stream", data)
    state = info["state"]
    # -1 is the server's word for no bound.
    return Holdings(int(state["messages"]), int(state["bytes"]), max(0, int(info["config"]["max_bytes"])))


def backlogs_in(data: bytes) -> tuple[Backlog, ...]:
    """Where all consumers of a stream stand, from their list. Raises RemoteError."""
    return tuple(
        Backlog(
            consumer=info["name"],
            waiting=int(info["num_pending"]),
            in_hand=int(info["num_ack_pending"]),
            handed_out=int(info["delivered"]["stream_seq"]),
        )
        for info in _answer("consumers", data).get("consumers") or ()
    )


def _answer(what: str, data: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(data)
    error = answer.get("error")
    if error is not None:
        log.error("bus state not read", extra={"what": what, "err_code": error.get("err_code")})
        raise RemoteError(Problem(code=ErrorCode.OVERLOADED, detail="the bus does not tell its state; try later"))
    return answer
