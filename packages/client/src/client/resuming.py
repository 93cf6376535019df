"""What a client knows of its session: how to come back to it, and which of its events it has been told. Pure."""

from dataclasses import dataclass, field

from contracts.channel import GatewayMessage, SessionCurrent, TurnCompletedEvent, TurnPhaseEvent
from contracts.signaling import Seen


@dataclass(frozen=True)
class Resumption:
    """What the next connection needs to go on with a session. `seen` None: tell only what is new."""

    session: str
    token: str = field(repr=False)
    seen: Seen | None = None


def after(seen: Seen, message: GatewayMessage) -> Seen | None:
    """What has been told once `message` is; None if that was told before.

    Only events in their order count: an outcome with a `ref` answers a turn that was sent again, and may be of any age.
    """
    match message:
        case TurnCompletedEvent(ref=None, seq=int(seq)):
            return None if seq <= seen.chat else seen.model_copy(update={"chat": seq})
        case TurnPhaseEvent(seq=int(seq)):
            return None if seq <= seen.out else seen.model_copy(update={"out": seq})
        case SessionCurrent():
            return Seen(chat=max(seen.chat, message.seen.chat), out=max(seen.out, message.seen.out))
        case _:
            return seen
