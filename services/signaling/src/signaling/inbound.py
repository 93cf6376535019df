"""A frame of the WebSocket, as a typed message or as what is wrong with it. Pure."""

from pydantic import ValidationError

from contracts.limits import SIGNALING_FRAME_MAX_BYTES
from contracts.message import ErrorCode, Problem, problem_of
from contracts.signaling import FROM_CLIENT, Bye, Candidate, Hello, Offer

ClientMessage = Hello | Offer | Candidate | Bye


def parse(frame: str | bytes) -> ClientMessage | Problem:
    """Read one frame; never raises for what a stranger can send."""
    if isinstance(frame, bytes):
        return Problem(code=ErrorCode.INVALID, detail="is a binary frame; send text")
    size = len(frame.encode("utf-8", "surrogatepass"))
    if size > SIGNALING_FRAME_MAX_BYTES:
        return Problem(
            code=ErrorCode.TOO_LARGE,
            detail=f"is a frame of {size} bytes; at most {SIGNALING_FRAME_MAX_BYTES} are allowed",
        )
    try:
        return FROM_CLIENT.validate_json(frame)
    except ValidationError as error:
        return problem_of(error)
