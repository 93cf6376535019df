"""Bounds by address and by owner, and whose address a request has."""

import ipaddress
from dataclasses import replace

import pytest

from contracts.message import ErrorCode
from contracts.tokens import owner_key
from signaling.client_address import UNKNOWN, client_address
from signaling.crowd import Bounds, Crowd, Rate

ADA, EVE = owner_key("local", "ada"), owner_key("local", "eve")
BOUNDS = Bounds(
    sockets_per_address=2,
    sockets_per_owner=2,
    hellos_per_address=Rate(3, 1.0),
    refusals_per_address=Rate(2, 0.1),
    hellos_per_owner=Rate(100, 1.0),
    known_max=3,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_has_a_number_of_sockets_which_come_free_again():
    crowd = Crowd(BOUNDS, Clock())
    with crowd.holding("1.2.3.4"):
        assert not crowd.full_for("1.2.3.4")
        with crowd.holding("1.2.3.4"):
            assert crowd.full_for("1.2.3.4")
            assert not crowd.full_for("1.2.3.5")
        assert not crowd.full_for("1.2.3.4")
    assert not crowd.sockets_of_address


def test_whoever_has_not_been_let_in_takes_no_place_of_those_who_have():
    bounds = replace(BOUNDS, sockets_per_address=4, waiting_per_address=1, waiting_max=2)
    crowd = Crowd(bounds, Clock())
    with crowd.holding("a") as first:
        assert crowd.full_for("a")
        assert first.enter(ADA) is None
        assert not crowd.full_for("a")
        with crowd.holding("b"), crowd.holding("c"):
            assert crowd.full_for("d")
        assert not crowd.full_for("d")
    assert not crowd.waiting_of_address


def test_an_owner_has_a_number_of_sockets_from_wherever_they_come():
    crowd = Crowd(BOUNDS, Clock())
    with crowd.holding("a") as first, crowd.holding("b") as second, crowd.holding("c") as third:
        assert first.enter(ADA) is None
        assert second.enter(ADA) is None
        problem = third.enter(ADA)
        assert problem is not None
        assert (problem.code, problem.final) == (ErrorCode.LIMIT, False)
        assert third.enter(EVE) is None
    assert not crowd.sockets_of_owner


def test_whoever_was_one_too_many_takes_no_place_with_them():
    crowd = Crowd(BOUNDS, Clock())
    with crowd.holding("a") as first, crowd.holding("a") as second:
        assert first.enter(ADA) is None
        assert second.enter(ADA) is None
        with crowd.holding("a") as third:
            assert third.enter(ADA) is not None
        assert crowd.sockets_of_owner[ADA] == 2


def test_hellos_come_at_a_rate_for_each_address():
    clock = Clock()
    crowd = Crowd(BOUNDS, clock)
    with crowd.holding("a") as place, crowd.holding("b") as other:
        assert [place.hello() for _ in range(3)] == [None] * 3
        problem = place.hello()
        assert problem is not None
        assert (problem.code, problem.final) == (ErrorCode.RATE, False)
        assert other.hello() is None
        clock.now = 1.0
        assert place.hello() is None


def test_after_some_refused_tokens_an_address_is_not_even_looked_at_for_a_while():
    clock = Clock()
    crowd = Crowd(BOUNDS, clock)
    with crowd.holding("a") as place, crowd.holding("b") as other:
        for _ in range(2):
            assert place.hello() is None
            place.refused()
        problem = place.hello()
        assert problem is not None
        assert problem.code is ErrorCode.RATE
        assert "refused" in problem.detail
        assert other.hello() is None
        clock.now = 10.0
        assert place.hello() is None


def test_new_hellos_of_an_owner_come_at_a_rate():
    crowd = Crowd(Bounds(hellos_per_owner=Rate(1, 0.1)), Clock())
    with crowd.holding("a") as first, crowd.holding("b") as second:
        assert first.enter(ADA) is None
        problem = second.enter(ADA)
        assert problem is not None
        assert problem.code is ErrorCode.RATE
        assert second.enter(EVE) is None


def test_what_is_remembered_is_bounded_and_the_longest_unseen_is_forgotten():
    crowd = Crowd(BOUNDS, Clock())
    for _ in range(3):
        with crowd.holding("a") as place:
            place.hello()
    for number in range(1000):
        with crowd.holding("a") as place:
            assert place.hello() is not None, "whoever keeps coming is remembered"
        with crowd.holding(f"address-{number}") as other:
            assert other.hello() is None
            other.refused()
    assert len(crowd.hellos_of_address) == BOUNDS.known_max
    assert len(crowd.refusals_of_address) <= BOUNDS.known_max
    assert not crowd.sockets_of_address


def test_without_bounds_nobody_is_counted():
    crowd = Crowd(None, Clock())
    with crowd.holding("a") as place:
        for _ in range(1000):
            place.refused()
            assert place.hello() is None
            assert place.enter(ADA) is None
        assert not crowd.full_for("a")


TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("1.2.3.4", [], "1.2.3.4"),
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, 9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6", "9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9:4711"], "9.9.9.9"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::/64"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("::ffff:1.2.3.4", [], "1.2.3.4"),
        ("::ffff:10.0.0.1", ["::ffff:9.9.9.9"], "9.9.9.9"),
        ("2001:db8:1:2:aaaa::1", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        (None, ["9.9.9.9"], UNKNOWN),
        ("testclient", [], UNKNOWN),
        ("10.0.0.1", [",".join(["10.0.0.2"] * 10_000)], "10.0.0.2"),
    ],
)
def test_the_address_of_a_client(peer, forwarded, address):
    assert client_address(peer, forwarded, TRUSTED) == address
