"""What a cluster lets through, computed as networking.k8s.io/v1 says: a connection needs the sender's egress and the
receiver's ingress, and where no policy of a direction selects a pod, everything goes in that direction.
"""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from policy.k8s.objects import NAMESPACE, Node, Objects, matches, namespace_of, of_kind, pods

NAME_OF_NAMESPACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class End:
    """Who may be at one end: a pod, where it has a namespace; else an address."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    address: str = ""

    @property
    def is_pod(self) -> bool:
        return bool(self.namespace)


@dataclass(frozen=True)
class Port:
    number: int
    protocol: str = "TCP"

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


def ends(objects: Objects) -> Iterator[End]:
    """Our pods, but for those on the nodes' own network, of which no policy knows."""
    for pod in pods(objects, NAMESPACE):
        if not pod.spec.get("hostNetwork"):
            yield End(pod.name, pod.namespace, pod.labels)


class Policies:
    """Those of an installation, asked from one end of a connection: `direction` is ingress or egress."""

    def __init__(self, objects: Objects) -> None:
        self._policies = tuple(of_kind(objects, "NetworkPolicy"))

    def allow(self, direction: str, held: End, other: End) -> Callable[[Port], bool]:
        """At which ports the policies of `held` let through what it sends to `other`, or gets from there."""
        policies = [policy for policy in self._policies if _selects(policy, direction, held)]
        if not held.is_pod or not policies:
            return lambda _: True
        rules = [
            rule
            for policy in policies
            for rule in policy["spec"].get(direction) or ()
            if _peer_fits(policy, rule, direction, other)
        ]
        return lambda port: any(_port_fits(rule, port) for rule in rules)


def _selects(policy: Node, direction: str, held: End) -> bool:
    spec = policy["spec"]
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
    if direction.capitalize() not in types or namespace_of(policy) != held.namespace:
        return False
    return matches(spec.get("podSelector") or {}, held.labels)


def _peer_fits(policy: Node, rule: Node, direction: str, other: End) -> bool:
    peers = rule.get("from" if direction == "ingress" else "to")
    return not peers or any(_is(peer, other, namespace_of(policy)) for peer in peers)


def _is(peer: Node, other: End, own_namespace: str) -> bool:
    block = peer.get("ipBlock")
    if block is not None:
        return bool(other.address) and _is_in(other.address, block)
    if not other.is_pod:
        return False
    within = (
        matches(peer["namespaceSelector"] or {}, {NAME_OF_NAMESPACE: other.namespace})
        if "namespaceSelector" in peer
        else other.namespace == own_namespace
    )
    return within and ("podSelector" not in peer or matches(peer["podSelector"] or {}, other.labels))


def _is_in(address: str, block: Node) -> bool:
    of = ipaddress.ip_address(address)
    return of in ipaddress.ip_network(block["cidr"]) and all(
        of not in ipaddress.ip_network(one) for one in block.get("except") or ()
    )


def _port_fits(rule: Node, port: Port) -> bool:
    ports = rule.get("ports")
    return not ports or any(_is_port(one, port) for one in ports)


def _is_port(wanted: Node, port: Port) -> bool:
    if wanted.get("protocol", "TCP") != port.protocol:
        return False
    first = wanted.get("port")
    if first is None:
        return True
    if not isinstance(first, int):
        raise TypeError(f"policies name ports by number here, not as {first!r}")
    return first <= port.number <= int(wanted.get("endPort", first))
