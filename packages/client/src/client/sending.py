"""From a message to the frames that carry it, with what the gateway would refuse refused before it is sent. Pure."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from typing import TypeVar

from pydantic import ValidationError

from client.errors import Rejected
from contracts import frames
from contracts.channel import FromPage
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES
from contracts.message import ErrorCode, Message, Problem, problem_of

RequestT = TypeVar("RequestT", bound=FromPage)


def new_message_id() -> str:
    return secrets.token_hex(8)


def traceparent_of(request_id: str) -> str:
    """The trace of a turn or an operation, in W3C Trace Context, sampled: by its id, so that one which is asked for
    again, by whoever is in doubt about it, goes on in the same trace."""
    digits = hashlib.sha256(request_id.encode()).hexdigest()
    return f"00-{digits[:32]}-{digits[32:48]}-01"


def checked(make: Callable[[], RequestT]) -> RequestT:
    """The request that `make` makes. Raises Rejected where the gateway would refuse it."""
    try:
        return make()
    except ValidationError as error:
        raise Rejected(problem_of(error)) from error


def frames_of(message: Message) -> Iterator[str]:
    """Raises Rejected, before the first frame, for a message that is too large."""
    payload = message.to_json()
    size = _travelling_size(payload)
    if size > MESSAGE_IN_MAX_BYTES:
        detail = f"takes {size} bytes on its way; at most {MESSAGE_IN_MAX_BYTES} are allowed, send it in portions"
        raise Rejected(Problem(code=ErrorCode.TOO_LARGE, detail=detail))
    # The pieces carry the message's own id, so that an error about one of them finds the request.
    return frames.split(payload, message_id=getattr(message, "id", None) or new_message_id())


def _travelling_size(payload: bytes) -> int:
    """What the gateway holds against its limit: a message in pieces has everything beyond ASCII escaped."""
    return (
        len(payload) if len(payload) <= FRAME_MAX_BYTES else len(json.dumps(json.loads(payload), separators=(",", ":")))
    )
