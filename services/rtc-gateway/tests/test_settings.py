"""The settings come from the environment, and a wrong one is refused."""

import ipaddress

import pytest
from pydantic import ValidationError

from contracts.message import problem_of
from rtc_gateway import addresses
from rtc_gateway.addresses import LocalAddress, PortRange
from rtc_gateway.settings import Settings

VARIABLES = ("ICE_ADDRESSES", "ICE_PORTS", "ANNOUNCED_ADDRESS", "SESSIONS_MAX")


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_addresses_networks_and_interfaces_stand_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICE_ADDRESSES", "127.0.0.1, fd00::/8,lo")
    assert Settings().aiortc().addresses == (
        ipaddress.IPv4Network("127.0.0.1/32"),
        ipaddress.IPv6Network("fd00::/8"),
        "lo",
    )


def test_ports_and_the_announced_address_reach_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICE_PORTS", "40000-40499")
    monkeypatch.setenv("ANNOUNCED_ADDRESS", "203.0.113.7")
    adapter = Settings().aiortc()
    assert adapter.ports == PortRange(40000, 40499)
    assert adapter.announced == ipaddress.IPv4Address("203.0.113.7")


@pytest.mark.parametrize("value", [None, ""])
def test_by_default_all_addresses_and_any_port_serve(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    for name in VARIABLES[:3]:
        if value is not None:
            monkeypatch.setenv(name, value)
    adapter = Settings().aiortc()
    assert (adapter.addresses, adapter.ports, adapter.announced) == ((), None, None)


@pytest.mark.parametrize(
    ("variables", "field", "told"),
    [
        ({"ICE_ADDRESSES": "10.0.0"}, "ice_addresses", "is no address, no network and no interface's name"),
        ({"ICE_ADDRESSES": "192.0.2.128/25"}, "ice_addresses", "leaves no address of this machine's; name one of lo"),
        ({"ICE_ADDRESSES": "no-such-if"}, "ice_addresses", "leaves no address of this machine's"),
        ({"ICE_PORTS": "40000"}, "ice_ports", "write LOW-HIGH"),
        ({"ANNOUNCED_ADDRESS": "gw.example.org"}, "announced_address", "is no IP address"),
        ({"ICE_PORTS": "40000-40100"}, "sessions_max", "500 is more than ICE_PORTS 40000-40100 has ports"),
    ],
)
def test_what_cannot_serve_is_refused_at_the_start_by_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], field: str, told: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    problem = problem_of(refused.value)
    assert problem.field == field
    assert told in problem.detail


def test_an_announced_address_without_ipv4_behind_it_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    present = [LocalAddress("eth0", ipaddress.ip_address("fd00::2"))]
    monkeypatch.setattr(addresses, "addresses_of_this_machine", lambda: present)
    monkeypatch.setenv("ANNOUNCED_ADDRESS", "203.0.113.7")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert problem_of(refused.value).field == "announced_address"


def test_as_many_sessions_as_ports_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICE_PORTS", "40000-40100")
    monkeypatch.setenv("SESSIONS_MAX", "101")
    assert Settings().sessions_max == 101
