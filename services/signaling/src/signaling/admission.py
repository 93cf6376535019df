"""What a socket becomes by its hello, and how its client hears of it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from contracts import limits
from contracts.signaling import IceServer, Limits, Ready
from contracts.tokens import OwnerKey, SessionId

_LIMITS: Final = Limits(
    frame_bytes=limits.FRAME_MAX_BYTES,
    message_bytes=limits.MESSAGE_IN_MAX_BYTES,
    request_bytes=limits.REQUEST_MAX_BYTES,
    title_chars=limits.TITLE_MAX_CHARS,
)


@dataclass(frozen=True)
class Admission:
    """Whose socket it is, and in which session. `expires_at` is that of the ICE credentials."""

    owner: OwnerKey
    owner_name: str
    session: SessionId
    epoch: int = 1
    resumed: bool = False
    resume_token: str | None = field(default=None, repr=False)
    token_expires_at: datetime | None = None
    ice_servers: tuple[IceServer, ...] = ()
    expires_at: datetime | None = None

    @property
    def ready(self) -> Ready:
        """The answer to the hello."""
        return Ready(
            version=limits.PROTOCOL_VERSION,
            session=self.session,
            owner_name=self.owner_name,
            owner=self.owner,
            ice_servers=self.ice_servers,
            expires_at=self.expires_at,
            token_expires_at=self.token_expires_at,
            resume_token=self.resume_token,
            resumed=self.resumed,
            limits=_LIMITS,
        )
