"""What a conversation tells its edge to do, in order."""

from dataclasses import dataclass
from enum import IntEnum

from contracts.gateway import AddCandidate, ClosePeer, OpenPeer
from contracts.signaling import Answer, Hello, Ready, SignalingDraining, SignalingError
from contracts.tokens import InstanceId

ServerMessage = Ready | Answer | SignalingError | SignalingDraining


class CloseCode(IntEnum):
    """Of RFC 6455 section 7.4.1 and the IANA registry."""

    NORMAL = 1000
    GOING_AWAY = 1001
    POLICY = 1008
    INTERNAL = 1011
    TRY_LATER = 1013


@dataclass(frozen=True)
class Send:
    """To the client."""

    message: ServerMessage


@dataclass(frozen=True)
class Admit:
    """Find out whether the client may enter; the answer comes back by `admitted` or `refused`."""

    hello: Hello


@dataclass(frozen=True)
class RequestPeer:
    """Ask whichever gateway has room; its answer comes back by `peer_opened` or `peer_refused`."""

    message: OpenPeer


@dataclass(frozen=True)
class Forward:
    """To the gateway that answered, after everything forwarded before; a failure comes back by `forward_failed`."""

    instance: InstanceId
    message: AddCandidate


@dataclass(frozen=True)
class HangUp:
    """Close a peer, after everything forwarded to it."""

    instance: InstanceId
    message: ClosePeer


@dataclass(frozen=True)
class Close:
    """Close the socket, once what is on its way to gateways has arrived. Nothing follows."""

    code: CloseCode
    reason: str


Action = Send | Admit | RequestPeer | Forward | HangUp | Close
Actions = tuple[Action, ...]
