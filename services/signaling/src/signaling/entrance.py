"""Who may enter, as whom, and with which ICE servers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from contracts.signaling import Hello, IceServer
from contracts.tokens import OwnerKey, SessionId, new_session_id, owner_key
from signaling.settings import Settings
from signaling.turn_credentials import mint

LOCAL_ISSUER = "local"


@dataclass(frozen=True)
class Admission:
    """What a socket becomes by its hello."""

    owner: OwnerKey
    owner_name: str
    session: SessionId
    ice_servers: tuple[IceServer, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Entrance:
    """Admits whoever reaches this process as its one local owner. `clock` gives Unix seconds."""

    owner: OwnerKey
    owner_name: str
    stun_urls: tuple[str, ...] = ()
    turn_urls: tuple[str, ...] = ()
    turn_secret: str = field(default="", repr=False)
    turn_ttl_s: int = 600
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The entrance that the settings describe."""
        return cls(
            owner=owner_key(LOCAL_ISSUER, settings.local_owner),
            owner_name=settings.local_owner,
            stun_urls=settings.stun_urls,
            turn_urls=settings.turn_urls,
            turn_secret=settings.turn_secret.get_secret_value() if settings.turn_secret else "",
            turn_ttl_s=settings.turn_ttl_s,
        )

    def admit(self, hello: Hello) -> Admission:
        """Answer a hello. Fresh TURN credentials each time: they must be valid when the connection is made.

        A session named in the hello is kept. A session belongs to its owner: with one local owner, who is everybody,
        every session that is named is theirs. As soon as there are more, it must be looked up whose it is.
        """
        servers: tuple[IceServer, ...] = (IceServer(urls=self.stun_urls),) if self.stun_urls else ()
        expires_at = None
        if self.turn_urls:
            minted = mint(self.turn_secret, self.owner, now=self.clock(), ttl_s=self.turn_ttl_s)
            turn = IceServer(urls=self.turn_urls, username=minted.username, credential=minted.credential)
            servers = (*servers, turn)
            expires_at = minted.expires_at
        return Admission(self.owner, self.owner_name, hello.session or new_session_id(), servers, expires_at)
