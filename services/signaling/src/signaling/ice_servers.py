"""The ICE servers that a client is told of: STUN, and TURN with credentials for its owner. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.signaling import IceServer
from contracts.tokens import OwnerKey
from signaling.turn_credentials import mint


@dataclass(frozen=True)
class IceServers:
    """What the settings name. `turn_secret` is the newest, where coturn knows several."""

    stun_urls: tuple[str, ...] = ()
    turn_urls: tuple[str, ...] = ()
    turn_secret: str = field(default="", repr=False)
    turn_ttl_s: int = 600

    def of(self, owner: OwnerKey, now: float) -> tuple[tuple[IceServer, ...], datetime | None]:
        """The servers, and when their credentials expire. Made anew for each hello: a client connects right after it.

        `now` is in Unix seconds.
        """
        servers: tuple[IceServer, ...] = (IceServer(urls=self.stun_urls),) if self.stun_urls else ()
        if not self.turn_urls:
            return servers, None
        minted = mint(self.turn_secret, owner, now=now, ttl_s=self.turn_ttl_s)
        turn = IceServer(urls=self.turn_urls, username=minted.username, credential=minted.credential)
        return (*servers, turn), minted.expires_at
