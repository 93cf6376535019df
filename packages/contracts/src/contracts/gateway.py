"""Between signaling and rtc-gateway: `rpc.rtc.v1.offer`, `rpc.rtc.i.<instance>.<verb>` for one gateway, and back
`rpc.auth.v1.verify`; and between gateways, which of them has a session."""

from pydantic import AwareDatetime, Field

from contracts.limits import SDP_MAX_CHARS, TOKEN_MAX_CHARS
from contracts.message import Message
from contracts.signaling import IceCandidate, Seen
from contracts.tokens import InstanceId, OwnerKey, SessionId


class OpenPeer(Message):
    """`rpc.rtc.v1.offer`: whichever gateway has room answers."""

    session: SessionId
    owner: OwnerKey
    epoch: int = Field(default=1, ge=1, description="a gateway with an older one closes with `superseded`")
    attempt: int = Field(ge=1)
    time_zone: str = "UTC"
    resumed: bool = Field(default=False, description="false: nothing was told of this session before")
    last_seen: Seen | None = Field(default=None, description="of a resumed session; None: tell from now on")
    token_expires_at: AwareDatetime | None = Field(default=None, description="None: this entry does not expire")
    sdp: str = Field(max_length=SDP_MAX_CHARS)


class PeerOpened(Message):
    """The answer, and the instance that further candidates go to."""

    instance: InstanceId
    sdp: str


class AddCandidate(Message):
    """`rpc.rtc.i.<instance>.candidate`. `candidate` None ends them."""

    session: SessionId
    epoch: int = Field(default=1, ge=1)
    attempt: int = Field(ge=1)
    candidate: IceCandidate | None = None


class ClosePeer(Message):
    """`rpc.rtc.i.<instance>.close`: the client said bye."""

    session: SessionId
    epoch: int = Field(default=1, ge=1)
    attempt: int = Field(ge=1)


class Done(Message):
    """The answer of a verb that has nothing to tell."""


class SessionEntered(Message):
    """`ctl.session.<session>.entered`: a channel is open; whoever holds an older one lets go of it.

    Older is what has a lower epoch, or of the same epoch a lower attempt.
    """

    session: SessionId
    epoch: int = Field(ge=1)
    attempt: int = Field(ge=1)


class VerifyToken(Message):
    """`rpc.auth.v1.verify`: a page renews its token on a living channel; signaling alone has the keys."""

    token: str = Field(max_length=TOKEN_MAX_CHARS, repr=False)


class TokenVerified(Message):
    """Whose token it is, and until when."""

    owner: OwnerKey
    expires_at: AwareDatetime
