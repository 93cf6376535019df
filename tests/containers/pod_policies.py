"""The network policies that select a pod, as a firewall in its own network namespace: nftables, table `policies`."""

from collections.abc import Iterator, Sequence

from policy.k8s.objects import Node, Objects, Pod, matches, of_kind

Addresses = Sequence[tuple[Pod, str]]


def rules(objects: Objects, pod: Pod, addresses: Addresses, resolver: str) -> str:
    """For `nft -f`. `resolver` is who stands for the pods of kube-system; what is refused is counted as `refused`."""
    lines = []
    for direction, hook, side in (("Ingress", "input", "saddr"), ("Egress", "output", "daddr")):
        selecting = [
            policy["spec"]
            for policy in of_kind(objects, "NetworkPolicy")
            if direction in policy["spec"]["policyTypes"] and matches(policy["spec"]["podSelector"], pod.labels)
        ]
        allowed = [
            f"{peer}{_ports(ports)} accept"
            for spec in selecting
            for rule in spec.get(direction.lower()) or ()
            for ports in rule.get("ports") or [{}]
            for peer in _peers(rule.get("from" if direction == "Ingress" else "to"), side, addresses, resolver)
        ]
        lines += [
            f"chain {hook} {{ type filter hook {hook} priority 0; policy {'drop' if selecting else 'accept'};",
            f'meta {"iifname" if hook == "input" else "oifname"} "lo" accept',
            "ct state established,related accept",
            *allowed,
            # The kernel's own, of neighbours and groups.
            "meta l4proto != { tcp, udp } drop",
            "counter name refused",
            "}",
        ]
    return "table inet policies { counter refused { }\n" + "\n".join(lines) + "\n}\n"


def _peers(peers: Sequence[Node] | None, side: str, addresses: Addresses, resolver: str) -> Iterator[str]:
    if not peers:
        yield ""
        return
    for peer in peers:
        if "ipBlock" in peer:
            yield f"ip {side} {peer['ipBlock']['cidr']} "
        elif "namespaceSelector" in peer:
            # Of other namespaces there is nobody here but the resolver.
            if "kube-system" in peer["namespaceSelector"]["matchLabels"].values():
                yield f"ip {side} {resolver} "
        else:
            yield from (f"ip {side} {at} " for other, at in addresses if matches(peer["podSelector"], other.labels))


def _ports(port: Node) -> str:
    protocol = port.get("protocol", "TCP").lower()
    if not port:
        return ""
    if "port" not in port:
        return f"meta l4proto {protocol}"
    return f"{protocol} dport {port['port']}-{port.get('endPort', port['port'])}"
