"""The declared edges of k8s/edges.yaml, and whether the policies of an installation are these and no others."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import yaml
from policy.k8s.objects import NAME, NAMESPACE, Complaints, Node, Objects, named, of_kind, pods
from policy.k8s.reachability import End, Policies, Port, ends
from policy.k8s.rendering import K8S

ANYBODY: Final = "anybody"
UNNAMED: Final = End("a pod of ours without a name", NAMESPACE)
STRANGERS: Final = (
    # Whoever was put into our namespace, or has one of its own.
    UNNAMED,
    End("a pod of another namespace", "elsewhere", {NAME: "signaling"}),
    End("another pod of kube-system", "kube-system", {NAME: "agent"}),
    # The cloud's metadata, a router, the internet.
    End("169.254.169.254", address="169.254.169.254"),
    End("10.0.0.1", address="10.0.0.1"),
)
"""Those who are in no edge, unless it is anybody's."""


@dataclass(frozen=True)
class Edge:
    sender: str
    receiver: str
    ports: tuple[tuple[int, int, str], ...]

    def allows(self, port: Port) -> bool:
        return any(low <= port.number <= high and port.protocol == protocol for low, high, protocol in self.ports)


def declared() -> Node:
    found: Node = yaml.safe_load((K8S / "edges.yaml").read_text(encoding="utf-8"))
    return found


def equal_the_policies(objects: Objects) -> Complaints:
    """For each of our pods, everybody else and each port: what is declared is let out and in, and nothing else.

    Each side by itself, so that one that is too wide shows although the other is not.
    """
    present = {end.name: end for end in ends(objects)}
    beside = dict(_outside(objects))
    edges = tuple(_edges(objects, {**present, **beside}))
    ports = sorted({port for edge in edges for port in _telling(edge)} | _held_ports(objects), key=str)
    policies = Policies(objects)
    yield from _unsaid(objects)
    for held in (*present.values(), UNNAMED):
        for other in (*present.values(), *beside.values(), *STRANGERS, *_neighbours(objects)):
            for direction, what in (("egress", "reach"), ("ingress", "be reached by")):
                wanted = [edge for edge in edges if _is_side(edge, direction, held, other)]
                allowed = policies.allow(direction, held, other)
                for port in ports:
                    declared_so, found = any(edge.allows(port) for edge in wanted), allowed(port)
                    if declared_so != found:
                        how = "can, which is not declared" if found else "cannot, which is declared"
                        yield f"{held.name} {how}: {what} {other.name} at {port}"


def _unsaid(objects: Objects) -> Complaints:
    for name, seen in declared()["outside"].items():
        wanted = {"with", "from"} <= set(seen) and any(of_kind(objects, seen["with"]))
        if wanted and _network(objects, seen["from"]) is None:
            yield f"{name}: {seen['from']} is not there, though there is a {seen['with']}"


def select_somebody(objects: Objects) -> Complaints:
    """A policy that selects nobody is a name that was mistyped."""
    present = tuple(ends(objects))
    for policy in of_kind(objects, "NetworkPolicy"):
        labels = policy["spec"].get("podSelector") or {}
        wanted = labels.get("matchLabels", {}).get(NAME)
        values = next((one["values"] for one in labels.get("matchExpressions", ())), [wanted] if wanted else [])
        for name in values:
            if not any(end.labels.get(NAME) == name for end in present):
                yield f"NetworkPolicy {policy['metadata']['name']} selects {name}, which is no pod"


def _is_side(edge: Edge, direction: str, held: End, other: End) -> bool:
    """An edge opens the side of each end that is named; `anybody`, where it is a pod of ours, has its own to open."""
    own, its = (edge.sender, edge.receiver) if direction == "egress" else (edge.receiver, edge.sender)
    return _names(own, held) and (its == ANYBODY or _names(its, other))


def _names(name: str, end: End) -> bool:
    return name == end.name


def _edges(objects: Objects, present: Mapping[str, End]) -> Iterator[Edge]:
    for edge in declared()["edges"]:
        sender, receiver = edge["from"], edge["to"]
        if sender in present and receiver in present:
            texts = edge.get("ports") or own_ports(objects, declared()["outside"][receiver]["from"])
            yield Edge(sender, receiver, tuple(range_of(text) for text in texts))


def range_of(text: str) -> tuple[int, int, str]:
    numbers, _, protocol = text.partition("/")
    low, _, high = numbers.partition("-")
    return int(low), int(high or low), protocol


def _telling(edge: Edge) -> Iterator[Port]:
    """The ports at which a policy that is a little too wide or too narrow shows."""
    for low, high, protocol in edge.ports:
        for number in (low - 1, low, high, high + 1):
            if 0 < number < 65536:
                yield from (Port(number, kind) for kind in {protocol, "TCP", "UDP"})


def _held_ports(objects: Objects) -> set[Port]:
    """And every port that some container listens on."""
    return {Port(port["containerPort"], port.get("protocol", "TCP")) for pod in pods(objects) for port in pod.ports}


def _outside(objects: Objects) -> Iterator[tuple[str, End]]:
    for name, seen in declared()["outside"].items():
        if "with" in seen and not any(of_kind(objects, seen["with"])):
            continue
        if "namespace" in seen:
            yield name, End(name, seen["namespace"], seen.get("labels", {}))
            continue
        network = _network(objects, seen["from"]) if "from" in seen else ipaddress.IPv4Network(seen["address"])
        if network is not None:
            yield name, End(name, address=str(network[-1]))


def _neighbours(objects: Objects) -> Iterator[End]:
    """The addresses right before and behind those that an installation names."""
    for seen in declared()["outside"].values():
        network = _network(objects, seen["from"]) if "from" in seen else None
        for address in () if network is None else (network[0] - 1, network[-1] + 1):
            yield End(f"its neighbour {address}", address=str(address))


def _network(objects: Objects, place: str) -> ipaddress.IPv4Network | None:
    """The one address of an EndpointSlice, or the network of a policy; None where there is no such object."""
    kind, _, name = place.partition("/")
    found = named(objects, kind, name)
    if found is None:
        return None
    if kind == "EndpointSlice":
        return ipaddress.IPv4Network(found["endpoints"][0]["addresses"][0])
    return ipaddress.IPv4Network(found["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"])


def own_ports(objects: Objects, place: str) -> list[str]:
    kind, _, name = place.partition("/")
    found = named(objects, kind, name) or {"ports": []}
    return [f"{port['port']}/{port.get('protocol', 'TCP')}" for port in found["ports"]]
