"""What is made of a server's lists and of what calls come to."""

from typing import Any

import pytest

from agent.faults import ModelFault
from agent.model_health import TOLD_COUNTS_S, Health, ModelHealth
from agent.model_listing import Listing, listing_of
from contracts.model_status import ModelState

READY, LOADING = ModelState.READY, ModelState.LOADING
NOT_LOADED, UNREACHABLE = ModelState.NOT_LOADED, ModelState.UNREACHABLE
LISTED = Listing("qwen")
LOADED = Listing("qwen", loaded=True)
ON_DISK = Listing("qwen", loaded=False)


def state(health: ModelHealth) -> ModelState | None:
    found = health.health()
    return None if found is None else found.state


def seen(listing: Listing | None) -> ModelHealth:
    health = ModelHealth()
    health.looked(listing, 0.0)
    return health


def called(health: ModelHealth, fault: ModelFault | None, now: float = 1.0) -> ModelHealth:
    health.asked()
    health.answered(fault, now)
    return health


def rows(*names: str, **more: str) -> list[dict[str, Any]]:
    return [{"id": name, **more} for name in names]


@pytest.mark.parametrize(
    ("listed", "own", "wanted", "expected"),
    [
        (rows("qwen", "other"), [], None, Listing("qwen")),
        (rows("text-embedding-nomic", "qwen"), [], None, Listing("qwen")),
        (rows("text-embedding-nomic"), [], None, Listing(None)),
        ([], [], None, Listing(None)),
        ([], [], "qwen", Listing(None)),
        (rows("other"), [], "qwen", Listing(None)),
        (rows("other", "qwen"), [], "qwen", Listing("qwen")),
        (rows("qwen"), rows("qwen", state="loaded"), None, Listing("qwen", loaded=True)),
        (rows("qwen"), rows("qwen", state="not-loaded"), None, Listing("qwen", loaded=False)),
        (rows("qwen"), rows("qwen", state="loading"), None, Listing("qwen", loaded=False, loading=True)),
        (rows("qwen"), rows("other", state="loaded"), None, Listing("qwen")),
        (rows("qwen"), [{"id": "qwen", "state": 7}], None, Listing("qwen")),
        ([{"id": 7}, {}, {"id": "qwen"}], [], None, Listing("qwen")),
        (rows("x" * 999), [], None, Listing("x" * 200)),
        (rows("qwen", owned_by="todo-agent stand-in"), [], None, Listing("qwen", stand_in=True)),
        (rows("stand-in-for-qwen2.5", owned_by="organization_owner"), [], None, Listing("stand-in-for-qwen2.5")),
    ],
)
def test_a_list_says_which_model_would_be_asked(
    listed: list[dict[str, Any]], own: list[dict[str, Any]], wanted: str | None, expected: Listing
) -> None:
    assert listing_of(listed, own, wanted) == expected


def test_nothing_is_said_before_anything_is_known() -> None:
    health = ModelHealth()
    assert health.health() is None
    health.asked()
    assert health.health() is None


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        (None, Health(UNREACHABLE)),
        (Listing(None), Health(NOT_LOADED)),
        (LISTED, Health(READY, "qwen")),
        (LOADED, Health(READY, "qwen")),
        (ON_DISK, Health(READY, "qwen")),  # the first request loads it
        (Listing("qwen", loaded=False, loading=True), Health(LOADING, "qwen")),
        (Listing("s", stand_in=True), Health(READY, "s", stand_in=True)),
    ],
)
def test_a_look_alone(listing: Listing | None, expected: Health) -> None:
    assert seen(listing).health() == expected


def test_a_model_on_the_disk_is_loading_while_it_is_asked_for_the_first_time() -> None:
    health = seen(ON_DISK)
    health.asked()
    assert state(health) is LOADING
    health.answered(None, 1.0)
    assert state(health) is READY
    health.asked()
    assert state(health) is READY  # it has answered, and is in memory though the last list is older


def test_a_call_that_is_given_up_says_nothing() -> None:
    health = seen(ON_DISK)
    health.asked()
    health.let_go()
    assert state(health) is READY


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ModelFault.UNREACHABLE, UNREACHABLE),
        (ModelFault.BAD_ENDPOINT, UNREACHABLE),
        (ModelFault.LOADING, LOADING),
        (ModelFault.NOT_LOADED, NOT_LOADED),
        (ModelFault.TIMEOUT, READY),
        (ModelFault.DROPPED, READY),
        (ModelFault.EMPTY, READY),
        (ModelFault.BAD_PLAN, READY),
    ],
)
def test_a_fault_counts_at_once_where_it_says_something(fault: ModelFault, expected: ModelState) -> None:
    assert state(called(seen(LISTED), fault)) is expected


@pytest.mark.parametrize("fault", [ModelFault.LOADING, ModelFault.NOT_LOADED])
def test_what_a_call_was_told_stands_against_a_list_for_a_bounded_time(fault: ModelFault) -> None:
    health = called(seen(LISTED), fault, now=1.0)
    told = state(health)
    health.looked(LISTED, 1.0 + TOLD_COUNTS_S - 1)
    assert state(health) is told
    health.looked(LISTED, 1.0 + TOLD_COUNTS_S)
    assert state(health) is READY


@pytest.mark.parametrize("fault", [ModelFault.LOADING, ModelFault.NOT_LOADED])
def test_a_list_that_shows_the_model_in_memory_ends_what_a_call_was_told(fault: ModelFault) -> None:
    health = called(seen(ON_DISK), fault)
    health.looked(ON_DISK, 2.0)
    assert state(health) is not READY
    health.looked(LOADED, 3.0)
    assert state(health) is READY


def test_a_server_that_answers_again_is_reachable_and_one_that_does_not_is_not() -> None:
    health = called(seen(LISTED), ModelFault.UNREACHABLE)
    health.looked(LISTED, 2.0)
    assert state(health) is READY
    called(health, ModelFault.LOADING, 3.0)
    health.looked(None, 4.0)
    assert state(health) is UNREACHABLE
    health.looked(LISTED, 5.0)
    assert state(health) is READY


def test_another_model_that_answers_for_the_wanted_one_counts_until_the_list_changes() -> None:
    health = called(seen(Listing(None)), None)
    assert state(health) is READY
    health.looked(Listing(None), 100.0)
    assert state(health) is READY
    health.looked(LISTED, 101.0)
    health.looked(Listing(None), 102.0)
    assert state(health) is NOT_LOADED
