"""Whose address a request comes from: the peer's, or behind proxies of ours the one they saw. Pure."""

import ipaddress
from collections.abc import Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNKNOWN: Final = "unknown"
HOPS_MAX: Final = 16
_IPV6_HOST_BITS: Final = 64


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """What one client is counted by: an IPv4 address, or the /64 of an IPv6 one, of which a client has all.

    `peer` is the connection's other end. `forwarded` holds the request's X-Forwarded-For headers; they count as far as
    they were written by proxies in `trusted`: whoever connects can write anything to the left of that.
    """
    address = _parsed(peer or "")
    if address is None:
        return UNKNOWN
    hops = [hop.strip() for header in forwarded for hop in header.split(",")][-HOPS_MAX:]
    while hops and _is_in(address, trusted):
        before = _parsed(hops.pop())
        if before is None:
            break
        address = before
    return _counted(address)


def _parsed(text: str) -> Address | None:
    # Some proxies add the port.
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _counted(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, _IPV6_HOST_BITS), strict=False))
