"""How a message becomes frames of the data channel, and frames become messages again. Pure, the same on both ends.

A message whose JSON fits in FRAME_MAX_BYTES is one frame: that JSON. A longer one is cut into frames of the form
`{"id": "...", "part": 0, "last": false, "data": "..."}`, where the `data` of all parts, joined, is the message's JSON
with everything beyond ASCII escaped. So a frame with `type` is a message and one with `part` is a piece.
"""

import json
from collections.abc import Iterator
from typing import Final

from pydantic import Field, ValidationError

from contracts.limits import FRAME_MAX_BYTES
from contracts.message import ErrorCode, Message, Problem, preview

PIECE_CHARS: Final = 8_000  # every one of them may need an escape: 16,000 bytes, and room for the rest of the frame
OPEN_MESSAGES_MAX: Final = 4


class Piece(Message):
    id: str = Field(min_length=1, max_length=64)
    part: int = Field(ge=0, le=10_000)
    last: bool
    data: str = Field(max_length=FRAME_MAX_BYTES)


class FrameError(Exception):
    """A frame that cannot be used; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def split(payload: bytes, *, message_id: str) -> Iterator[str]:
    """Cut one message's JSON into frames of at most FRAME_MAX_BYTES.

    `message_id` must differ between messages whose pieces can be under way at the same time.
    """
    if len(payload) <= FRAME_MAX_BYTES:
        yield payload.decode()
        return
    text = json.dumps(json.loads(payload), separators=(",", ":"), ensure_ascii=True)
    starts = range(0, len(text), PIECE_CHARS)
    for part, start in enumerate(starts):
        piece = Piece(id=message_id, part=part, last=part == len(starts) - 1, data=text[start : start + PIECE_CHARS])
        yield piece.model_dump_json()


class Assembler:
    """Puts frames together again. Bounded: `limit` bytes a message, OPEN_MESSAGES_MAX messages at once.

    One message more gives up the oldest unfinished one: its sender may never send the rest. If it does, the next piece
    of it is refused as out of order.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}

    def feed(self, frame: object) -> bytes | None:
        """Take one frame; return a whole message's JSON, or None while pieces are missing. Raises FrameError."""
        if not isinstance(frame, str):
            raise FrameError(Problem(code=ErrorCode.INVALID, detail="is a binary frame; send text"))
        data = frame.encode("utf-8", "surrogatepass")
        if len(data) > FRAME_MAX_BYTES:
            raise FrameError(
                Problem(
                    code=ErrorCode.TOO_LARGE,
                    detail=f"is a frame of {len(data)} bytes; at most {FRAME_MAX_BYTES} are allowed, send it in parts",
                )
            )
        try:
            parsed = json.loads(data)
        except (ValueError, RecursionError) as error:
            problem = Problem(
                code=ErrorCode.INVALID, detail="is not valid JSON; send one JSON object", value=preview(frame)
            )
            raise FrameError(problem) from error
        if not isinstance(parsed, dict):
            raise FrameError(
                Problem(code=ErrorCode.INVALID, detail="is not a JSON object; send one", value=preview(frame))
            )
        return data if "part" not in parsed or "type" in parsed else self._piece(parsed)

    def _piece(self, parsed: dict[str, object]) -> bytes | None:
        try:
            piece = Piece.model_validate(parsed)
        except ValidationError as error:
            raise FrameError(
                Problem(code=ErrorCode.INVALID, detail="is not a well-formed piece of a message")
            ) from error
        pieces = self._open.get(piece.id, [])
        if piece.part != len(pieces):
            self._forget(piece.id)
            raise FrameError(
                Problem(
                    code=ErrorCode.INVALID,
                    field="part",
                    value=str(piece.part),
                    detail=f"is out of order; part {len(pieces)} was due, send the message again",
                )
            )
        if piece.id not in self._open:
            if len(self._open) >= OPEN_MESSAGES_MAX:
                self._forget(next(iter(self._open)))
            self._open[piece.id] = pieces
            self._sizes[piece.id] = 0
        self._sizes[piece.id] += len(piece.data)
        if self._sizes[piece.id] > self._limit:
            self._forget(piece.id)
            raise FrameError(
                Problem(code=ErrorCode.TOO_LARGE, detail=f"is part of a message of over {self._limit} bytes")
            )
        pieces.append(piece.data)
        if not piece.last:
            return None
        self._forget(piece.id)
        return "".join(pieces).encode("utf-8", "surrogatepass")

    def _forget(self, message_id: str) -> None:
        self._open.pop(message_id, None)
        self._sizes.pop(message_id, None)
