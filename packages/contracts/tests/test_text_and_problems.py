"""What people may write, and what they are told when they may not."""

from datetime import datetime

import pytest
from pydantic import ValidationError

from contracts.channel import FROM_PAGE
from contracts.message import ErrorCode, preview, problem_of
from contracts.operations import CreateItem, UpdateItem


def item(title: str) -> CreateItem:
    return CreateItem(item_id="i1", list_id="l1", title=title)


def test_titles_are_stored_in_nfc_without_white_space_around_them() -> None:
    assert item("  cafe\u0301 ").title == "caf\u00e9"


def test_a_title_may_have_500_characters_and_not_501() -> None:
    assert len(item("a" * 500).title) == 500
    with pytest.raises(ValidationError) as caught:
        item("a" * 501)
    problem = problem_of(caught.value)
    assert (problem.code, problem.field) == (ErrorCode.INVALID, "title")
    assert "501" in problem.detail
    assert "500" in problem.detail


@pytest.mark.parametrize("bad", ["a\x00b", "a\x1bb", "a\nb", "a\ud800b", "a\x7fb"])
def test_a_control_character_is_refused_with_its_code_and_place(bad: str) -> None:
    with pytest.raises(ValidationError) as caught:
        item(bad)
    assert f"U+{ord(bad[1]):04X} at position 1" in problem_of(caught.value).detail


def test_a_request_may_have_line_breaks_and_8192_bytes_and_no_more() -> None:
    start = {"type": "turn.start", "id": "1", "turn_id": "t"}
    assert FROM_PAGE.validate_python(start | {"text": "add milk\nand eggs"})
    assert FROM_PAGE.validate_python(start | {"text": "é" * 4096})
    with pytest.raises(ValidationError) as caught:
        FROM_PAGE.validate_python(start | {"text": "é" * 4097})
    assert "8194 bytes" in problem_of(caught.value).detail


def test_an_unknown_type_is_named_and_the_known_ones_are_not_listed() -> None:
    with pytest.raises(ValidationError) as caught:
        FROM_PAGE.validate_json('{"type":"turn.begin","id":"1"}')
    problem = problem_of(caught.value)
    assert (problem.code, problem.field, problem.value) == (ErrorCode.UNKNOWN_TYPE, "type", "turn.begin")


def test_a_previewed_value_is_short_and_printable() -> None:
    assert preview("\x00" * 100) == ("\\x00" * 15) + "..."
    assert len(preview("a" * 1000)) == 63


def test_an_update_that_changes_nothing_or_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValidationError, match="changes nothing"):
        UpdateItem(item_id="i1")
    with pytest.raises(ValidationError, match="both due and clear_due"):
        UpdateItem.model_validate({"item_id": "i1", "due": "2026-11-22", "clear_due": True})


def test_unknown_fields_of_a_newer_sender_are_ignored() -> None:
    assert CreateItem.model_validate({"item_id": "i1", "list_id": "l1", "title": "x", "colour": "red"}).title == "x"


@pytest.mark.parametrize("due", ["2026-11-22", "2026-11-22T00:00:00+02:00", "2026-11-22T08:30:00Z"])
def test_a_due_date_stays_the_day_or_the_moment_that_it_was(due: str) -> None:
    made = CreateItem.model_validate({"item_id": "i1", "list_id": "l1", "title": "x", "due": due})
    assert CreateItem.from_json(made.to_json()) == made
    assert isinstance(made.due, datetime) == ("T" in due)


def test_a_moment_without_an_offset_is_refused() -> None:
    with pytest.raises(ValidationError):
        CreateItem.model_validate({"item_id": "i1", "list_id": "l1", "title": "x", "due": "2026-11-22T08:30:00"})
