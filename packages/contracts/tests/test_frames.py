"""Messages become frames and frames become messages, however they are cut and whatever is sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.frames import OPEN_MESSAGES_MAX, Assembler, FrameError, split
from contracts.limits import FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES
from contracts.message import ErrorCode

LIMIT = 4 * MESSAGE_IN_MAX_BYTES


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(1, 2000))
def test_every_message_survives_and_no_frame_is_too_long(text: str, times: int) -> None:
    payload = json.dumps({"type": "x", "text": text * times}, ensure_ascii=False).encode()
    assembler = Assembler(1024 * 1024)  # of the escaped text, six or twelve bytes a character
    frames = list(split(payload, message_id="m"))
    assert all(len(frame.encode()) <= FRAME_MAX_BYTES for frame in frames)
    whole = [message for frame in frames if (message := assembler.feed(frame)) is not None]
    assert [json.loads(message) for message in whole] == [json.loads(payload)]


def test_the_worst_text_to_escape_still_fits_its_frames() -> None:
    payload = json.dumps({"text": '"\\' * 20_000}).encode()
    assert all(len(frame.encode()) <= FRAME_MAX_BYTES for frame in split(payload, message_id="m" * 64))


def refusal(assembler: Assembler, frame: object) -> ErrorCode:
    with pytest.raises(FrameError) as caught:
        assembler.feed(frame)
    return caught.value.problem.code


def test_what_is_no_frame_is_refused_and_the_next_one_is_taken() -> None:
    assembler = Assembler(LIMIT)
    assert refusal(assembler, b"binary") is ErrorCode.INVALID
    assert refusal(assembler, "{") is ErrorCode.INVALID
    assert refusal(assembler, "[]") is ErrorCode.INVALID
    assert refusal(assembler, "[" * 5000) is ErrorCode.INVALID
    assert refusal(assembler, '"' + "a" * FRAME_MAX_BYTES + '"') is ErrorCode.TOO_LARGE
    assert assembler.feed('{"type":"ping","id":"1"}') is not None


def test_a_message_over_the_limit_is_refused_before_it_is_held() -> None:
    assembler = Assembler(20_000)
    frames = list(split(json.dumps({"text": "a" * 30_000}).encode(), message_id="m"))
    outcomes = [assembler.feed(frame) for frame in frames[:2]]
    assert outcomes == [None, None]
    assert refusal(assembler, frames[2]) is ErrorCode.TOO_LARGE


def test_a_lost_piece_is_noticed() -> None:
    assembler = Assembler(LIMIT)
    first, _, third, *_ = split(json.dumps({"text": "a" * 30_000}).encode(), message_id="m")
    assert assembler.feed(first) is None
    assert refusal(assembler, third) is ErrorCode.INVALID


def test_messages_that_were_abandoned_give_way_to_a_new_one() -> None:
    assembler = Assembler(LIMIT)

    def piece(message_id: str, part: int, *, last: bool, data: str) -> str:
        return json.dumps({"id": message_id, "part": part, "last": last, "data": data})

    for number in range(OPEN_MESSAGES_MAX):
        assert assembler.feed(piece(str(number), 0, last=False, data="{")) is None
    assert assembler.feed(piece("new", 0, last=False, data="[")) is None
    assert refusal(assembler, piece("0", 1, last=True, data="}")) is ErrorCode.INVALID, "the oldest was given up"
    assert assembler.feed(piece("new", 1, last=True, data="]")) == b"[]"
    for number in range(1, OPEN_MESSAGES_MAX):
        assert assembler.feed(piece(str(number), 1, last=True, data="}")) == b"{}", "and only that one"
