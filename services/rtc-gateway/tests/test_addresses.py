"""Which addresses and ports peers may use."""

import ipaddress
from itertools import islice

import pytest

from rtc_gateway import addresses
from rtc_gateway.addresses import (
    LocalAddress,
    PortRange,
    address_towards,
    addresses_of_this_machine,
    announced_of,
    check_announced,
    check_rules,
    port_range_of,
    rule_of,
    usable_addresses,
)

PRESENT = [
    LocalAddress(interface, ipaddress.ip_address(ip))
    for interface, ip in (
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("eth0", "10.1.2.3"),
        ("eth0", "fd00::2"),
        ("docker0", "172.17.0.1"),
    )
]


def usable(*rules: str) -> list[str]:
    return [str(ip) for ip in usable_addresses([rule_of(rule) for rule in rules], PRESENT)]


def test_without_rules_all_serve_but_loopback() -> None:
    assert usable() == ["10.1.2.3", "fd00::2", "172.17.0.1"]


def test_loopback_serves_where_there_is_nothing_else() -> None:
    assert [str(ip) for ip in usable_addresses([], PRESENT[:2])] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        (["10.1.2.3"], ["10.1.2.3"]),
        (["10.0.0.0/8"], ["10.1.2.3"]),
        (["fd00::/8"], ["fd00::2"]),
        (["eth0"], ["10.1.2.3", "fd00::2"]),
        (["172.16.0.0/12", "eth0"], ["10.1.2.3", "fd00::2", "172.17.0.1"]),
        (["127.0.0.1"], ["127.0.0.1"]),
        (["lo"], ["127.0.0.1", "::1"]),
        (["eth0", "10.0.0.0/8"], ["10.1.2.3", "fd00::2"]),
        (["192.0.2.0/24"], []),
        (["eth"], []),
    ],
)
def test_rules_take_addresses_networks_and_interfaces(rules: list[str], left: list[str]) -> None:
    assert usable(*rules) == left


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0", "write 10.0.0.5"),
        ("10.0.0.300", "write 10.0.0.5"),
        ("10.0.0.0/33", "write 10.0.0.5"),
        ("10.0.0.5/8", "write 10.0.0.0/8"),
        ("fd00::xyz", "write 10.0.0.5"),
        ("eth0;rm", "write 10.0.0.5"),
        ("averyveryverylongname", "write 10.0.0.5"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        rule_of(text)
    assert text in str(refused.value)


def test_a_range_has_both_its_ends() -> None:
    assert port_range_of("40000-40003") == PortRange(40000, 40003)
    assert len(port_range_of("40000-40000")) == 1


@pytest.mark.parametrize("text", ["", "40000", "40000-", "40003-40000", "0-10", "65000-65536", "1-2-3", "a-b", "1 - 2"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no range of ports"):
        port_range_of(text)


def test_every_port_of_a_range_is_tried_once_from_wherever_it_begins() -> None:
    ports = PortRange(7, 10)
    assert list(ports.beginning_at(0)) == [7, 8, 9, 10]
    assert list(ports.beginning_at(2)) == [9, 10, 7, 8]
    assert list(islice(ports.beginning_at(4), 2)) == [7, 8]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("example.org", "is no IP address"),
        ("2001:db8::1", "is IPv6"),
        ("0.0.0.0", "no one machine's"),  # noqa: S104 - refused
        ("224.0.0.1", "no one machine's"),
        ("255.255.255.255", "no one machine's"),
    ],
)
def test_what_cannot_be_announced_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        announced_of(text)


def test_rules_that_leave_nothing_name_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "addresses_of_this_machine", lambda: PRESENT)
    with pytest.raises(ValueError, match=r"leaves no address.*one of lo 127\.0\.0\.1, lo ::1, eth0"):
        check_rules([rule_of("192.0.2.128/25")])
    check_rules([rule_of("127.0.0.1")])


def test_an_announced_address_stands_for_an_ipv4_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "addresses_of_this_machine", lambda: PRESENT)
    announced = ipaddress.IPv4Address("203.0.113.7")
    check_announced(announced, [rule_of("lo")])
    with pytest.raises(ValueError, match="leaves no IPv4 one, but ::1, fd00::2"):
        check_announced(announced, [rule_of("::/0")])


def test_this_machine_has_loopback_and_reaches_itself_by_it() -> None:
    loopback = ipaddress.IPv4Address("127.0.0.1")
    assert loopback in {local.ip for local in addresses_of_this_machine() if local.interface == "lo"}
    assert not any(local.ip.is_link_local for local in addresses_of_this_machine() if local.ip.version == 6)
    assert address_towards(loopback) == loopback
