"""Whether each rule of the policies is one that a declared edge asks for, word by word.

`edges` asks for what goes through, at the ports and addresses that it can think of; here nothing is left between them:
a peer, a protocol and a range of ports that no edge has is complained about, and an edge that no rule has.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from policy.k8s.edges import ANYBODY, declared, own_ports, range_of
from policy.k8s.objects import NAME, NAMESPACE, Complaints, Node, Objects, matches, named, namespace_of, of_kind, title
from policy.k8s.reachability import NAME_OF_NAMESPACE, ends

WIDEST: Final = 16
"""Bits of a network that an installation names itself: a wider one is no place of anybody's."""
PROTOCOLS: Final = ("TCP", "UDP")
LAST_PORT: Final = 65535


@dataclass(frozen=True, order=True)
class Opening:
    """One peer, in words that are the same for the same peer, and the ports that are open from or to it."""

    peer: str
    protocol: str
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.peer} at {self.low}-{self.high}/{self.protocol}"


def are_those_of_the_edges(objects: Objects) -> Complaints:
    policies = list(of_kind(objects, "NetworkPolicy"))
    for policy in policies:
        if namespace_of(policy) != NAMESPACE:
            yield f"{title(policy)}: is not where the pods are that edges are about"
    yield from _too_wide(objects)
    for end in ends(objects):
        selecting = [policy for policy in policies if matches(policy["spec"].get("podSelector") or {}, end.labels)]
        for direction in ("egress", "ingress"):
            wanted = set(_wanted(objects, direction, end.name))
            found = {one for policy in selecting for one in _found(policy, direction)}
            yield from (f"{end.name}, {direction}: no edge asks for {one}" for one in sorted(found - wanted))
            yield from (f"{end.name}, {direction}: no policy has {one}" for one in sorted(wanted - found))


def _too_wide(objects: Objects) -> Complaints:
    for name, seen in declared()["outside"].items():
        for network in _networks(objects, seen.get("from", "")):
            if network.version == 4 and network.prefixlen < WIDEST:
                yield f"{name}: {network} is more than a place of its own"


def _wanted(objects: Objects, direction: str, name: str) -> Iterator[Opening]:
    own, its = ("from", "to") if direction == "egress" else ("to", "from")
    present, outside = {end.name for end in ends(objects)}, declared()["outside"]
    for edge in declared()["edges"]:
        if edge[own] != name:
            continue
        if edge[its] in present:
            peers = [_pods(NAMESPACE, {NAME: edge[its]})]
        elif edge[its] in outside:
            peers = list(_peers_outside(objects, edge[its], outside[edge[its]]))
        else:
            continue
        texts = edge.get("ports") or own_ports(objects, outside[edge[its]]["from"])
        for low, high, protocol in map(range_of, texts):
            yield from (Opening(peer, protocol, low, high) for peer in peers)


def _peers_outside(objects: Objects, name: str, seen: Node) -> Iterator[str]:
    if "with" in seen and not any(of_kind(objects, seen["with"])):
        return
    if name == ANYBODY:
        yield ANYBODY
    elif "namespace" in seen:
        yield _pods(seen["namespace"], seen.get("labels", {}))
    else:
        yield from (f"the network {network}" for network in _networks(objects, seen["from"]))


def _networks(objects: Objects, place: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The addresses of an EndpointSlice, or the networks of a policy; none where there is no such object."""
    kind, _, name = place.partition("/")
    found = named(objects, kind, name)
    if found is None:
        return
    if kind == "EndpointSlice":
        yield from (ipaddress.ip_network(one) for part in found["endpoints"] for one in part["addresses"])
        return
    for rule in found["spec"].get("egress") or ():
        blocks = (peer["ipBlock"] for peer in rule.get("to") or () if "ipBlock" in peer)
        yield from (ipaddress.ip_network(block["cidr"]) for block in blocks)


def _found(policy: Node, direction: str) -> Iterator[Opening]:
    for rule in policy["spec"].get(direction) or ():
        peers = [_peer(one) for one in rule.get("to" if direction == "egress" else "from") or ()] or [ANYBODY]
        ports = [_ports(one) for one in rule.get("ports") or ()]
        for protocol, low, high in ports or [(protocol, 1, LAST_PORT) for protocol in (*PROTOCOLS, "SCTP")]:
            yield from (Opening(peer, protocol, low, high) for peer in peers)


def _peer(peer: Node) -> str:
    if set(peer) == {"ipBlock"} and set(peer["ipBlock"]) == {"cidr"}:
        return f"the network {peer['ipBlock']['cidr']}"
    around, within = peer.get("namespaceSelector"), peer.get("podSelector")
    namespace = NAMESPACE
    if around is not None:
        if set(around) != {"matchLabels"} or set(around["matchLabels"]) != {NAME_OF_NAMESPACE}:
            return f"whoever {peer} is"
        namespace = around["matchLabels"][NAME_OF_NAMESPACE]
    if within is not None and set(within) != {"matchLabels"}:
        return f"whoever {peer} is"
    return _pods(namespace, (within or {}).get("matchLabels") or {})


def _pods(namespace: str, labels: Mapping[str, str]) -> str:
    return f"pods of {namespace} with {sorted(labels.items())}"


def _ports(port: Node) -> tuple[str, int, int]:
    """Protocol and range. A name is nobody's number, and so declared by nobody."""
    first = port.get("port")
    if not isinstance(first, int):
        return port.get("protocol", "TCP"), 1 if first is None else -1, LAST_PORT
    return port.get("protocol", "TCP"), first, port.get("endPort", first)
