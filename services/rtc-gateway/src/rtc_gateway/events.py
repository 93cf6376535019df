"""What the bus says of a session, as the page hears it. Pure."""

from bus.interface import Event
from contracts import streams
from contracts.channel import GatewayMessage, TurnCompletedEvent, TurnDeltaEvent, TurnPhaseEvent
from contracts.message import Message
from contracts.turns import TurnCompleted, TurnDelta, TurnPhase


def stream_of(subject: str) -> str | None:
    """The stream that keeps what the page is told of it; None for what is not kept, or is not for the page."""
    match subject.removeprefix("live.").split("."):
        case ["evt", "chat", _, _, "completed"]:
            return streams.CHAT
        case ["evt", "out", _, _, _]:
            return streams.OUT
        case _:
            return None


def to_page(event: Event) -> GatewayMessage | None:
    """The message for the page, of what came live or was read; None for subjects that it has no message for.

    Raises pydantic.ValidationError.
    """
    match event.subject.removeprefix("live.").split("."):
        case ["evt", "out", _, _, _]:
            phase = TurnPhase.from_json(event.data)
            return TurnPhaseEvent(
                turn_id=phase.turn_id,
                phase=phase.phase,
                attempt=phase.attempt,
                elapsed_ms=phase.elapsed_ms,
                waits_for=phase.waits_for,
                seq=event.sequence,
            )
        case ["evt", "chat", _, _, "completed"]:
            return TurnCompletedEvent(turn=TurnCompleted.from_json(event.data), seq=event.sequence)
        case ["evt", "prose", _, _, "delta"]:
            delta = TurnDelta.from_json(event.data)
            return TurnDeltaEvent(turn_id=delta.turn_id, attempt=delta.attempt, offset=delta.offset, text=delta.text)
        case _:
            return None


def turn_of(message: Message) -> str | None:
    """The turn that an event is about."""
    if isinstance(message, TurnCompletedEvent):
        return message.turn.turn_id
    return message.turn_id if isinstance(message, TurnPhaseEvent | TurnDeltaEvent) else None
