"""What is kept of a session so that it can be resumed: the bucket `sessions` of NATS' key-value store (ADR-8)."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from contracts.message import Message
from contracts.tokens import OwnerKey

HASH_PATTERN = r"^[0-9a-f]{64}$"


class SessionRecord(Message):
    """One session. Entering raises `epoch` by compare-and-set; of resume tokens only SHA-256 is kept, in hex.

    Two tokens are good: the newest, and the one that was presented for it, since the answer that brings the newest may
    be lost on its way.

    `restored` are the hashes of those that were good when the record came out of a backup. Whoever goes on by one of
    them has heard events whose numbers are given out again: the session is theirs, and nothing of it counts as heard.
    """

    owner: OwnerKey
    epoch: int = Field(ge=1)
    resume: str = Field(pattern=HASH_PATTERN, repr=False)
    resume_before: str | None = Field(default=None, pattern=HASH_PATTERN, repr=False)
    entered_at: AwareDatetime
    restored: tuple[Annotated[str, Field(pattern=HASH_PATTERN)], ...] = Field(default=(), repr=False)
