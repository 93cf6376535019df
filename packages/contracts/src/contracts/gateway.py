"""What rtc-gateway answers to signaling: `rpc.rtc.v1.offer`, and `rpc.rtc.i.<instance>.<verb>` for one gateway."""

from pydantic import Field

from contracts.limits import SDP_MAX_CHARS
from contracts.message import Message
from contracts.signaling import IceCandidate
from contracts.tokens import InstanceId, OwnerKey, SessionId


class OpenPeer(Message):
    """`rpc.rtc.v1.offer`: whichever gateway has room answers."""

    session: SessionId
    owner: OwnerKey
    epoch: int = Field(default=1, ge=1, description="a gateway with an older one closes with `superseded`")
    attempt: int = Field(ge=1)
    time_zone: str = "UTC"
    last_seen: int | None = None
    sdp: str = Field(max_length=SDP_MAX_CHARS)


class PeerOpened(Message):
    """The answer, and the instance that further candidates go to."""

    instance: InstanceId
    sdp: str


class AddCandidate(Message):
    """`rpc.rtc.i.<instance>.candidate`. `candidate` None ends them."""

    session: SessionId
    attempt: int = Field(ge=1)
    candidate: IceCandidate | None = None


class ClosePeer(Message):
    """`rpc.rtc.i.<instance>.close`: the client said bye."""

    session: SessionId
    attempt: int = Field(ge=1)


class Done(Message):
    """The answer of a verb that has nothing to tell."""
