"""What the boxes between client and gateway do with packets, as nftables rules. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TABLE: Final = "lab"
CLIENT_NETWORK: Final = "10.99.1.0/24"
CLIENT: Final = "10.99.1.2"
NAT_INSIDE: Final = "10.99.1.1"
NAT_OUTSIDE: Final = "198.51.100.1"
TURN_PUBLIC: Final = "198.51.100.10"
TURN_PRIVATE: Final = "172.30.0.10"
GATEWAY_PUBLIC: Final = "198.51.100.20"
GATEWAY_PRIVATE: Final = "172.30.0.5"
GATEWAY_NETWORK: Final = "172.30.0.5-172.30.0.9"
BYSTANDER: Final = "172.30.0.20"
"""Something else in the private network, which no client has any business with."""
TURN_IPV6: Final = "fd00:30::10"

STUN_PORT: Final = 3478
TLS_PORT: Final = 5349
PUBLISHED_TLS_PORT: Final = 443


class Mapping(StrEnum):
    """How the client's router maps its address (RFC 4787)."""

    NONE = "none"  # the client has an address of its own
    ENDPOINT_INDEPENDENT = "endpoint_independent"  # "cone": one port for one socket, whoever it talks to
    ENDPOINT_DEPENDENT = "endpoint_dependent"  # "symmetric": another port for each it talks to


class Passes(StrEnum):
    """What the client's firewall lets out."""

    ALL = "all"
    TCP = "tcp"
    HTTPS = "https"  # TCP to port 443


class Door(StrEnum):
    """How the gateway can be reached from outside."""

    OPEN = "open"
    STATEFUL = "stateful"  # whoever it has sent something to
    TURN = "turn"  # TURN is on the same machine, and of UDP only its port is open
    SHUT = "shut"  # its public link is down: TURN elsewhere is the only way


@dataclass(frozen=True)
class Way:
    """One situation between a client and a gateway. `loss_percent` of all packets are lost, in each direction."""

    mapping: Mapping = Mapping.ENDPOINT_DEPENDENT
    passes: Passes = Passes.ALL
    door: Door = Door.SHUT
    loss_percent: int = 0
    to_turn: bool = True
    """Whether packets get to TURN; without an answer where they do not."""


def of_router(way: Way) -> str:
    """For the client's router, between the links `inside` and `outside`."""
    blocked = {
        Passes.ALL: (),
        Passes.TCP: ("meta l4proto udp drop",),
        Passes.HTTPS: ("ct state established return", f"tcp dport {PUBLISHED_TLS_PORT} return", "drop"),
    }[way.passes]
    # `masquerade` keeps the port where it is free, which with one client is always.
    mapped = {
        Mapping.NONE: (),
        Mapping.ENDPOINT_INDEPENDENT: ('oifname "outside" masquerade',),
        Mapping.ENDPOINT_DEPENDENT: ('oifname "outside" masquerade fully-random',),
    }[way.mapping]
    # A router answers nobody who was not asked, and lets nobody in. That also keeps such packets from taking a mapping.
    stranger = 'iifname "outside" ct state new drop'
    lost = (f"numgen random mod 100 < {way.loss_percent} drop",) if way.loss_percent else ()
    silent = () if way.to_turn else (f"ip daddr {TURN_PUBLIC} drop",)
    outwards = 'iifname "inside"'
    return _replaced(
        *("counter turn_udp { }", "counter turn_tcp { }", "counter turn_tls { }", "counter elsewhere { }"),
        _chain("lost", *lost),
        _chain("blocked", *silent, *blocked),
        _chain(
            "forward",
            "type filter hook forward priority filter; policy accept;",
            "jump lost",
            "jump blocked",
            *(() if way.mapping is Mapping.NONE else (stranger,)),
            f"{outwards} ip daddr {TURN_PUBLIC} udp dport {STUN_PORT} counter name turn_udp",
            f"{outwards} ip daddr {TURN_PUBLIC} tcp dport {STUN_PORT} counter name turn_tcp",
            f"{outwards} ip daddr {TURN_PUBLIC} tcp dport {PUBLISHED_TLS_PORT} counter name turn_tls",
            f"{outwards} ip daddr != {TURN_PUBLIC} meta l4proto udp counter name elsewhere",
        ),
        _chain("input", "type filter hook input priority filter; policy accept;", stranger),
        _chain("postrouting", "type nat hook postrouting priority srcnat; policy accept;", *mapped),
    )


def of_turn() -> str:
    """For TURN's machine: its ports are published at another address, as a container's are."""
    published = f'iifname "public" ip daddr {TURN_PUBLIC}'
    return _replaced(
        _chain(
            "prerouting",
            "type nat hook prerouting priority dstnat; policy accept;",
            f"{published} udp dport {STUN_PORT} dnat ip to {TURN_PRIVATE}",
            f"{published} tcp dport {STUN_PORT} dnat ip to {TURN_PRIVATE}",
            f"{published} tcp dport {{ {PUBLISHED_TLS_PORT}, {TLS_PORT} }} dnat ip to {TURN_PRIVATE}:{TLS_PORT}",
        )
    )


def of_server(way: Way) -> str:
    """For the machine of the gateway, between the links `public` and `private`."""
    guarded = {
        Door.STATEFUL: ('iifname "public" ct state new drop',),
        Door.TURN: (f'iifname "public" udp dport != {STUN_PORT} drop',),
    }.get(way.door, ())
    return _replaced(
        *("counter from_turn { }", "counter from_elsewhere { }"),
        _chain(
            "input",
            "type filter hook input priority filter; policy accept;",
            *guarded,
            f'iifname "private" ip saddr {TURN_PRIVATE} meta l4proto udp counter name from_turn',
            f'iifname != "lo" ip saddr != {TURN_PRIVATE} meta l4proto udp counter name from_elsewhere',
        ),
    )


def _chain(name: str, *lines: str) -> str:
    return "\n".join((f"chain {name} {{", *(f"    {line}" for line in lines), "}"))


def _replaced(*body: str) -> str:
    """The table with this body in place of the one that is there, in one transaction."""
    text = "\n".join(body)
    return f"table inet {TABLE} {{ }}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{text}\n}}\n"
