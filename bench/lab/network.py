"""The network itself: five namespaces, the links between them, and the way that is set up at the moment.

client --lan-- router --+
                        +-- internet (a switch) -- turn --private-- server
               server --+
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bench.lab import namespace, rules
from bench.lab.namespace import Namespace
from bench.lab.rules import Door, Mapping, Way

IPV6_OFF: Final = ("ipv6.conf.all.disable_ipv6", "ipv6.conf.default.disable_ipv6")


@dataclass(frozen=True)
class Network:
    """The namespaces by role. `server` holds the whole stack."""

    client: Namespace
    router: Namespace
    internet: Namespace
    turn: Namespace
    server: Namespace

    def set_up(self, way: Way) -> None:
        """Make this the way from client to gateway; counters begin at zero."""
        self.router.nft(rules.of_router(way))
        self.server.nft(rules.of_server(way))
        self.server.ip("link", "set", "public", "down")
        if way.door is not Door.SHUT:
            self.server.ip("link", "set", "public", "up")
            if way.mapping is Mapping.NONE:  # the way back; it goes when the link goes down
                self.server.ip("route", "add", rules.CLIENT_NETWORK, "via", rules.NAT_OUTSIDE)

    def sent(self) -> dict[str, int]:
        """Packets of the client since then, by where they went: turn_udp, turn_tcp, turn_tls, elsewhere (UDP)."""
        return self.router.counters(rules.TABLE)

    def arrived(self) -> dict[str, int]:
        """UDP packets that reached the gateway's machine since then: from_turn, from_elsewhere."""
        return self.server.counters(rules.TABLE)


@contextmanager
def running_network() -> Iterator[Network]:
    """The network for the length of the block. Removes what killed runs left first. Raises LabError."""
    namespace.sweep()
    with ExitStack() as made:

        def add(role: str) -> Namespace:
            new = namespace.add(role)
            made.callback(namespace.remove, new)
            return new

        network = Network(*(add(role) for role in ("client", "router", "internet", "turn", "server")))
        _wire(network)
        network.turn.nft(rules.of_turn())
        network.set_up(Way())
        yield network


def _wire(network: Network) -> None:
    # IPv6 is TURN's machine's alone: that it lends and reaches no such address is to be its configuration's merit.
    for box in (network.client, network.router, network.internet, network.server):
        for name in IPV6_OFF:
            box.sysctl(name, "1")
    _link(network.client, "lan", network.router, "inside")
    network.internet.ip("link", "add", "switch", "type", "bridge")
    network.internet.ip("link", "set", "switch", "up")
    for box, link in ((network.router, "outside"), (network.turn, "public"), (network.server, "public")):
        port = f"to-{box.name.rpartition('-')[2]}"
        _link(box, link, network.internet, port)
        network.internet.ip("link", "set", port, "master", "switch")
    _link(network.turn, "private", network.server, "private")
    for box, link, address in (
        (network.client, "lan", f"{rules.CLIENT}/24"),
        (network.router, "inside", f"{rules.NAT_INSIDE}/24"),
        (network.router, "outside", f"{rules.NAT_OUTSIDE}/24"),
        (network.turn, "public", f"{rules.TURN_PUBLIC}/24"),
        (network.turn, "private", f"{rules.TURN_PRIVATE}/24"),
        (network.server, "public", f"{rules.GATEWAY_PUBLIC}/24"),
        (network.server, "private", f"{rules.GATEWAY_PRIVATE}/24"),
        (network.turn, "private", f"{rules.BYSTANDER}/24"),
        (network.turn, "private", f"{rules.TURN_IPV6}/64"),
    ):
        box.ip("address", "add", address, "dev", link, *(("nodad",) if ":" in address else ()))
    network.client.ip("route", "add", "default", "via", rules.NAT_INSIDE)
    network.turn.ip("route", "add", rules.CLIENT_NETWORK, "via", rules.NAT_OUTSIDE)
    network.router.sysctl("ipv4.ip_forward", "1")


def _link(one: Namespace, link: str, other: Namespace, end: str) -> None:
    one.ip("link", "add", link, "type", "veth", "peer", "name", end, "netns", other.name)
    one.ip("link", "set", link, "up")
    other.ip("link", "set", end, "up")
