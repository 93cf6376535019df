"""The identifiers that appear in subjects and rows, their forms, and how new ones are made."""

import base64
import hashlib
import os
import re
import secrets
import time
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

TOKEN_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"  # noqa: S105 - a form, not a secret
OWNER_PATTERN: Final = r"^[a-z2-7]{26}$"
ROW_ID_PATTERN: Final = r"^[a-z0-9]{1,32}$"
TRACEPARENT_PATTERN: Final = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"

Token = Annotated[str, Field(pattern=TOKEN_PATTERN)]
SessionId = Annotated[str, Field(pattern=TOKEN_PATTERN, description="minted by signaling")]
TurnId = Annotated[str, Field(pattern=TOKEN_PATTERN, description="UUIDv7, minted by the page and kept through resends")]
OperationId = Annotated[str, Field(pattern=TOKEN_PATTERN, description="minted by the client, safe to resend")]
InstanceId = Annotated[str, Field(pattern=TOKEN_PATTERN, description="one process of a service")]
OwnerKey = Annotated[str, Field(pattern=OWNER_PATTERN)]
ListId = Annotated[str, Field(pattern=ROW_ID_PATTERN)]
ItemId = Annotated[str, Field(pattern=ROW_ID_PATTERN)]
ChangeId = Annotated[str, Field(pattern=ROW_ID_PATTERN)]
Traceparent = Annotated[str, Field(pattern=TRACEPARENT_PATTERN, description="W3C Trace Context")]

_ROW_ID_ALPHABET: Final = "abcdefghjkmnpqrstvwxyz23456789"  # no 0/o, 1/i/l/u: people and models copy these
_TOKEN: Final = re.compile(TOKEN_PATTERN)


class InvalidTokenError(ValueError):
    """A value that must not become part of a subject."""

    def __init__(self, kind: str, value: str) -> None:
        super().__init__(f"{kind} must be 1 to 64 letters, digits, '_' or '-', but is {value[:80]!r}")


def checked(kind: str, value: str) -> str:
    """Return `value` if it may stand as one token of a subject; raise InvalidTokenError otherwise."""
    if _TOKEN.fullmatch(value) is None:
        raise InvalidTokenError(kind, value)
    return value


def instance_token(name: str) -> str:
    """A process' name as it may stand in a subject: as it is where that is possible, else a random one."""
    return name if _TOKEN.fullmatch(name) else secrets.token_hex(8)


def owner_key(issuer: str, subject: str) -> str:
    """The only form in which an owner appears on the bus, in rows and in TURN names: 26 base32 characters."""
    digest = hashlib.sha256(f"{issuer}\0{subject}".encode()).digest()
    return base64.b32encode(digest).decode().lower()[:26]


def new_session_id() -> str:
    """An unguessable session id, 128 bits."""
    return secrets.token_hex(16)


def _new_row_id(prefix: str) -> str:
    # 10 characters of 30 are 49 bits: within one owner's at most a million rows a clash is a one in a thousand event,
    # and the primary key turns it into a refused apply, never into a mixed-up row.
    return prefix + "".join(secrets.choice(_ROW_ID_ALPHABET) for _ in range(10))


def new_list_id() -> str:
    """A new list's id, e.g. `l4k9x2m7qdh`."""
    return _new_row_id("l")


def new_item_id() -> str:
    """A new item's id, e.g. `i4k9x2m7qdh`."""
    return _new_row_id("i")


def new_change_id() -> str:
    """A new change's id, e.g. `c4k9x2m7qdh`."""
    return _new_row_id("c")


def list_id_for(owner: str, key: str) -> str:
    """The id of the list that an owner makes under an idempotency key: the same each time."""
    return _derived_row_id("l", owner, key)


def item_id_for(owner: str, key: str) -> str:
    """The id of the item that an owner makes under an idempotency key: the same each time."""
    return _derived_row_id("i", owner, key)


def operation_id_for(key: str) -> str:
    """The operation id of an idempotency key, which may be any text. Ids are told apart by owner already."""
    digest = hashlib.sha256(f"operation\0{key}".encode("utf-8", "surrogatepass")).digest()
    return "k" + base64.b32encode(digest).decode().lower()[:31]


def _derived_row_id(prefix: str, owner: str, key: str) -> str:
    number = int.from_bytes(hashlib.sha256(f"{prefix}\0{owner}\0{key}".encode("utf-8", "surrogatepass")).digest())
    letters = []
    for _ in range(10):
        number, place = divmod(number, len(_ROW_ID_ALPHABET))
        letters.append(_ROW_ID_ALPHABET[place])
    return prefix + "".join(letters)


def uuid7() -> str:
    """A UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
