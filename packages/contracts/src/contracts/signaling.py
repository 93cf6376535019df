"""The WebSocket `/ai/ws`: typed JSON, one message a frame."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from contracts.limits import CANDIDATE_MAX_CHARS, SDP_MAX_CHARS, TOKEN_MAX_CHARS
from contracts.message import Message, Problem
from contracts.tokens import SessionId

AttemptId = Annotated[int, Field(ge=1, le=1_000_000, description="numbers the offers of one socket")]


class Seen(Message):
    """The last events of a session that have arrived, one number for each stream they are kept in.

    Numbers grow within a session and have gaps. Only events in their order count, not an outcome with a `ref`.
    """

    chat: int = Field(default=0, ge=0, description="the seq of the last turn.completed")
    out: int = Field(default=0, ge=0, description="the seq of the last turn.phase")


class Hello(Message):
    """Client to server, first. Tokens travel here, never in the address."""

    type: Literal["hello"] = "hello"
    version: int
    token: str | None = Field(default=None, max_length=TOKEN_MAX_CHARS, repr=False)
    time_zone: str = Field(default="UTC", max_length=64)
    session: SessionId | None = Field(default=None, description="the session to resume")
    resume_token: str | None = Field(default=None, max_length=128, repr=False)
    last_seen: Seen | None = Field(
        default=None, description="of the session to resume: what is behind is told again; null: from now on"
    )


class IceServer(Message):
    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


class Limits(Message):
    """What the server will accept, so that a client can refuse early and say why."""

    frame_bytes: int
    message_bytes: int
    request_bytes: int
    title_chars: int


class Ready(Message):
    """Server to client: you may connect."""

    type: Literal["ready"] = "ready"
    version: int
    session: SessionId
    owner_name: str
    owner: str | None = Field(
        default=None, description="an opaque mark of the owner, who may share a name with another or change it"
    )
    ice_servers: tuple[IceServer, ...] = ()
    expires_at: AwareDatetime | None = Field(default=None, description="of the ICE credentials")
    token_expires_at: AwareDatetime | None = Field(
        default=None, description="of the access token: the channel closes then, unless token.renew came before"
    )
    resume_token: str | None = Field(
        default=None, repr=False, description="for the next hello; the one before it stays good until this one is used"
    )
    resumed: bool = Field(default=False, description="false: a session of its own, whatever the hello named")
    limits: Limits


class Offer(Message):
    """Client to server, at once, without waiting for candidates."""

    type: Literal["offer"] = "offer"
    attempt: AttemptId
    sdp: str = Field(min_length=1, max_length=SDP_MAX_CHARS)


class Answer(Message):
    """Server to client. aiortc gathers before it answers, so all its candidates stand in the SDP."""

    type: Literal["answer"] = "answer"
    attempt: AttemptId
    sdp: str


class IceCandidate(Message):
    """RTCIceCandidateInit of the W3C, in our spelling."""

    candidate: str = Field(max_length=CANDIDATE_MAX_CHARS)
    sdp_mid: str | None = Field(default=None, max_length=32)
    sdp_m_line_index: int | None = Field(default=None, ge=0, le=16)


class Candidate(Message):
    """Both ways. `candidate: null` says that there are no more."""

    type: Literal["candidate"] = "candidate"
    attempt: AttemptId
    candidate: IceCandidate | None = None


class SignalingError(Problem):
    """Server to client. With `final` the socket closes and a client does not try again."""

    type: Literal["error"] = "error"
    attempt: int | None = None


class SignalingDraining(Message):
    """Server to client: this server is going; open a new socket."""

    type: Literal["draining"] = "draining"
    retry_after_ms: int = Field(ge=0)


class Bye(Message):
    """Both ways: the session ends, its peer connection too."""

    type: Literal["bye"] = "bye"


FromClient = Annotated[Hello | Offer | Candidate | Bye, Field(discriminator="type")]
FromServer = Annotated[
    Ready | Answer | Candidate | SignalingError | SignalingDraining | Bye, Field(discriminator="type")
]
FROM_CLIENT: TypeAdapter[Hello | Offer | Candidate | Bye] = TypeAdapter(FromClient)
FROM_SERVER: TypeAdapter[Ready | Answer | Candidate | SignalingError | SignalingDraining | Bye] = TypeAdapter(
    FromServer
)
