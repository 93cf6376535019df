"""What a session needs of a WebRTC peer. Deliberately unaware of aiortc, of ICE, and of what the frames hold."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from contracts.message import Problem
from contracts.signaling import IceCandidate


class PeerError(Exception):
    """The peer cannot be had; `problem` is fit for a stranger."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class PeerClosedError(Exception):
    """The channel takes nothing any more."""


class CloseReason(StrEnum):
    """Why a peer is gone. Never holds what a stranger sent."""

    LOCAL = "local"  # we closed it
    REMOTE = "remote"  # the page closed its channel or its connection
    LOST = "lost"  # ICE consent expired, or DTLS ended
    NOT_CONNECTED = "not_connected"  # the watchdog: no open channel in time
    MISUSE = "misuse"  # more unread data than the transport allows, or packets that break it


@dataclass(frozen=True)
class PeerStats:
    """What is known of the path now. The candidate types and the protocol are those of the chosen pair, None before
    there is one; the round trip is SCTP's, smoothed, None before it was measured."""

    local_type: str | None = None
    remote_type: str | None = None
    protocol: str | None = None
    rtt_ms: float | None = None
    bytes_sent: int = 0
    bytes_received: int = 0
    bytes_buffered: int = 0  # handed over, not sent yet
    bytes_unacked: int = 0  # sent, and not acknowledged yet
    datagrams_dropped: int = 0  # empty, malformed, from elsewhere than the page, or too many

    @property
    def path(self) -> str | None:
        """`local type/remote type`, e.g. `host/relay`."""
        return None if self.local_type is None else f"{self.local_type}/{self.remote_type}"


@dataclass(frozen=True)
class PeerHandlers:
    """Called in the event loop, synchronously. `on_closed` is called exactly once, also if the peer never opened."""

    on_open: Callable[[], None]
    on_message: Callable[[str | bytes], None]
    on_closed: Callable[[CloseReason], None]


class Peer(Protocol):
    """One peer connection with the one data channel `agent.v1`."""

    async def accept(self, sdp: str) -> str:
        """Take the client's offer, return the answer with all our candidates. Raises PeerError."""

    async def add_candidate(self, candidate: IceCandidate) -> bool:
        """Take one trickled candidate; False if it is of a kind we have no use for. Raises PeerError."""

    def send(self, frame: str) -> None:
        """Hand over one frame. Raises PeerClosedError."""

    async def writable(self) -> None:
        """Wait until what is buffered leaves room for a frame. Raises PeerClosedError."""

    def close(self) -> None:
        """Send what was handed over, then close. Returns at once; may be called again."""

    def stats(self) -> PeerStats: ...


class Peers(Protocol):
    """Makes peers, and waits for the end of those that are closing."""

    def create(self, handlers: PeerHandlers) -> Peer: ...

    async def close(self) -> None:
        """Wait (bounded) until every closed peer has let go of its sockets."""
