"""Subjects are built of validated tokens only; trees of requests and of events are disjoint."""

import re
import time

import pytest

from contracts import permissions, streams, subjects
from contracts.gateway import AddCandidate, ClosePeer, OpenPeer
from contracts.limits import PARTITIONS
from contracts.message import Message
from contracts.store import ApplyRequest, CancelRequest, TakeOverRequest
from contracts.tokens import (
    ROW_ID_PATTERN,
    InvalidTokenError,
    checked,
    item_id_for,
    list_id_for,
    operation_id_for,
    owner_key,
    uuid7,
)
from contracts.turns import RunOperations


@pytest.mark.parametrize("bad", ["", "a.b", "*", ">", "a b", "a\n", "é", "a" * 65])
def test_a_token_that_could_widen_a_subject_is_refused(bad: str) -> None:
    for build in (subjects.turn_started, subjects.turn_completed):
        with pytest.raises(InvalidTokenError):
            build(bad, "t")
    with pytest.raises(InvalidTokenError):
        subjects.todo_changed(bad)
    with pytest.raises(InvalidTokenError):
        subjects.rtc_candidate(bad)


def matches(pattern: str, subject: str) -> bool:
    regex = "".join(
        {"*": r"[^.]+", ">": r".+"}.get(token, re.escape(token)) + r"\." for token in pattern.split(".")
    ).removesuffix(r"\.")
    return re.fullmatch(regex, subject) is not None


def test_no_stream_captures_a_request() -> None:
    requests = [
        subjects.TODO_APPLY,
        subjects.OPS_RUN,
        subjects.RTC_OFFER,
        subjects.rtc_close("i"),
        subjects.AUTH_VERIFY,
    ]
    captured = [subject for stream in streams.STREAMS for subject in stream.subjects]
    assert not [(request, subject) for request in requests for subject in captured if matches(subject, request)]


def test_what_streams_store_is_what_the_functions_build() -> None:
    built = [subjects.turn_started("s", "t"), subjects.turn_completed("s", "t"), subjects.turn_phase("s", "t", "plan")]
    captured = [subject for stream in streams.STREAMS for subject in stream.subjects]
    for subject in built:
        assert sum(matches(pattern, subject) for pattern in captured) == 1, subject


def test_each_service_may_publish_what_it_builds() -> None:
    allowed = {
        permissions.RTC_GATEWAY: [subjects.turn_started("s", "t"), subjects.cancel_turn("t"), subjects.OPS_RUN],
        permissions.AGENT: [subjects.turn_completed("s", "t"), subjects.turn_phase("s", "t", "plan")],
        permissions.TODO_STORE: [subjects.todo_changed("o")],
        permissions.SIGNALING: [subjects.RTC_OFFER, subjects.rtc_candidate("i"), subjects.rtc_close("i")],
    }
    for user, wanted in allowed.items():
        for subject in wanted:
            assert any(matches(pattern, subject) for pattern in user.publish), (user.user, subject)


def test_only_the_agent_may_change_the_store_and_only_the_store_may_tell_of_changes() -> None:
    writers = [user.user for user in permissions.USERS if subjects.TODO_APPLY in user.publish]
    assert writers == ["agent"]
    tellers = [u.user for u in permissions.USERS if any(matches(p, subjects.todo_changed("o")) for p in u.publish)]
    assert tellers == ["todo-store"]


def test_there_is_a_consumer_for_each_partition() -> None:
    assert len({consumer.filter_subject for consumer in streams.CONSUMERS}) == PARTITIONS
    assert all(consumer.max_ack_pending == 1 for consumer in streams.CONSUMERS)


def test_templates_hold_no_identifier() -> None:
    for subject in (
        subjects.turn_started("secret", "secret"),
        subjects.turn_phase("secret", "secret", "plan"),
        subjects.todo_changed("secret"),
        subjects.rtc_close("secret"),
        subjects.turn_delta("secret", "secret"),
        subjects.session_entered("secret"),
        subjects.session_record("secret"),
        "something.secret",
    ):
        assert "secret" not in subjects.template(subject)


def test_an_owners_key_separates_issuer_and_subject() -> None:
    assert owner_key("ab", "c") != owner_key("a", "bc")
    assert re.fullmatch(r"[a-z2-7]{26}", owner_key("local", "me"))


def test_turn_ids_are_uuid7_of_now() -> None:
    value = uuid7()
    assert value[14] == "7"
    assert value[19] in "89ab"
    assert abs(int(value.replace("-", "")[:12], 16) - time.time() * 1000) < 5000


@pytest.mark.parametrize(
    ("request_type", "key"),
    [
        (ApplyRequest, {"operation_id", "attempt"}),
        (TakeOverRequest, {"operation_id"}),
        (CancelRequest, {"operation_id"}),
        (RunOperations, {"operation_id"}),
        (OpenPeer, {"session", "attempt"}),
        (AddCandidate, {"session", "attempt"}),
        (ClosePeer, {"session", "attempt"}),
    ],
)
def test_a_request_that_changes_something_carries_its_key(request_type: type[Message], key: set[str]) -> None:
    assert key <= set(request_type.model_fields)
    # A key that could be left out would be no key; an attempt has its first.
    assert all(request_type.model_fields[name].is_required() for name in key - {"attempt"})


@pytest.mark.parametrize("key", ["retry-1", "a key with spaces", "ключ", "x" * 200, "", "\ud800"])
def test_an_idempotency_key_stands_for_the_same_ids_each_time(key: str) -> None:
    mine, theirs = owner_key("local", "me"), owner_key("local", "her")
    made = {list_id_for(mine, key), item_id_for(mine, key), item_id_for(theirs, key), item_id_for(mine, key + "2")}
    assert len(made) == 4
    assert all(re.match(ROW_ID_PATTERN, row_id) for row_id in made)
    assert item_id_for(mine, key) == item_id_for(mine, key)
    assert checked("operation", operation_id_for(key)) == operation_id_for(key) != operation_id_for(key + "2")
