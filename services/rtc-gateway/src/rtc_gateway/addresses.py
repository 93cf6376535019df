"""Which of this machine's addresses and UDP ports peers may use, and the address that pages are told instead.

Pure, but for `addresses_of_this_machine` and `address_towards`, which ask the kernel. Errors are ValueErrors whose text
stands behind the setting's name, so they say what was wrong and what to write.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import ifaddr

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Rule = IPNetwork | str
"""An entry of the allow-list: a network (an address is one of a single address), or the name of an interface."""

PORT_MAX: Final = 65_535
_INTERFACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]{0,14}", re.ASCII)
_PORTS: Final = re.compile(r"([0-9]{1,5})-([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True)
class LocalAddress:
    """An address of this machine and the interface that has it."""

    interface: str
    ip: IPAddress

    def __str__(self) -> str:
        return f"{self.interface} {self.ip}"


@dataclass(frozen=True)
class PortRange:
    """The UDP ports from `low` to `high`, both included."""

    low: int
    high: int

    def __len__(self) -> int:
        return self.high - self.low + 1

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"

    def beginning_at(self, offset: int) -> Iterator[int]:
        """Every port once, from the one `offset` places behind `low` on, and round."""
        first = self.low + offset % len(self)
        return chain(range(first, self.high + 1), range(self.low, first))


def rule_of(text: str) -> Rule:
    """One entry of the allow-list: `10.0.0.5`, `10.0.0.0/8`, `fd00::/8` or `eth0`."""
    if _INTERFACE.fullmatch(text):
        return text
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        detail = "is no address, no network and no interface's name; write 10.0.0.5, 10.0.0.0/8 or eth0"
        if "/" in text and "host bits" in str(error):
            detail = f"names one address of a network; write {ipaddress.ip_network(text, strict=False)}"
        raise ValueError(f"{text!r} {detail}") from error


def port_range_of(text: str) -> PortRange:
    """`40000-40100`."""
    match = _PORTS.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no range of ports; write LOW-HIGH, as in 40000-40100")
    low, high = int(match[1]), int(match[2])
    if not 0 < low <= high <= PORT_MAX:
        raise ValueError(f"{text!r} is no range of ports; it must lie within 1-{PORT_MAX}, the lower end first")
    return PortRange(low, high)


def announced_of(text: str) -> ipaddress.IPv4Address:
    """An IPv4 address that pages can send to."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is no IP address; write the public IPv4 address, as in 203.0.113.7") from error
    if isinstance(address, ipaddress.IPv6Address):
        raise ValueError(f"{text!r} is IPv6, which needs no translation; only an IPv4 address can be announced")
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        raise ValueError(f"{text!r} is no one machine's address; write the public IPv4 address, as in 203.0.113.7")
    return address


def usable_addresses(rules: Sequence[Rule], present: Sequence[LocalAddress]) -> tuple[IPAddress, ...]:
    """Those of the addresses present that the rules allow, each once. No rules: all but loopback, or where there is
    nothing else, IPv4's loopback. Loopback serves beside others only where a rule names it."""
    if rules:
        return tuple(dict.fromkeys(local.ip for local in present if any(_allows(rule, local) for rule in rules)))
    beyond = tuple(dict.fromkeys(local.ip for local in present if not local.ip.is_loopback))
    return beyond or tuple(local.ip for local in present if local.ip == ipaddress.IPv4Address("127.0.0.1"))


def check_rules(rules: Sequence[Rule]) -> None:
    """Raise ValueError where they leave no address of those that this machine has now."""
    present = addresses_of_this_machine()
    if not usable_addresses(rules, present):
        raise ValueError(
            f"leaves no address of this machine's; name one of {_shown(present)}, its network or interface"
        )


def check_announced(announced: ipaddress.IPv4Address, rules: Sequence[Rule]) -> None:
    """Raise ValueError where no usable address is one that `announced` could stand for."""
    usable = usable_addresses(rules, addresses_of_this_machine())
    if not any(ip.version == 4 for ip in usable):
        known = ", ".join(str(ip) for ip in usable)
        raise ValueError(f"{announced} stands for no address of ours: ICE_ADDRESSES leaves no IPv4 one, but {known}")


def _shown(present: Sequence[LocalAddress]) -> str:
    return ", ".join(str(local) for local in present)


def addresses_of_this_machine() -> list[LocalAddress]:
    """Without IPv6 link-local ones: a candidate cannot say which link."""
    found: list[LocalAddress] = []
    for adapter in ifaddr.get_adapters():
        interface = adapter.name.partition(":")[0]  # eth0:1 is a label for a further address of eth0
        for entry in adapter.ips:
            ip = ipaddress.ip_address(entry.ip if isinstance(entry.ip, str) else entry.ip[0])
            if ip.version == 4 or not ip.is_link_local:
                found.append(LocalAddress(interface, ip))
    return found


def address_towards(destination: ipaddress.IPv4Address) -> IPAddress | None:
    """The local address from which the kernel would send to `destination`; None where there is no route. Sends
    nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((str(destination), 9))
        except OSError:
            return None
        return ipaddress.ip_address(asking.getsockname()[0])


def _allows(rule: Rule, local: LocalAddress) -> bool:
    if isinstance(rule, str):
        return local.interface == rule
    return local.ip in rule
