"""Who reaches whom: networks, published ports, and in which order containers start."""

from itertools import combinations

from policy.compose import declared
from policy.compose.project import Complaints, Node, networks_of, services


def is_on_its_networks(project: Node) -> Complaints:
    """Each on exactly those that are declared, and those of which there should be no way out have none."""
    for network, meant in declared.NETWORKS.items():
        there = {name for name, service in services(project) if network in networks_of(service)}
        for name in sorted(there - meant):
            yield f"{name}: is on the network {network}, which is not declared"
        for name in sorted(meant - there):
            yield f"{name}: is not on the network {network}"
    for network, options in project["networks"].items():
        if network not in declared.NETWORKS:
            yield f"network {network}: is not declared"
        if bool(options.get("internal")) != (network in declared.INTERNAL):
            yield f"network {network}: internal must be {str(network in declared.INTERNAL).lower()}"
        ranges = (options.get("ipam") or {}).get("config") or []
        if any(one.get("ip_range") and not one.get("gateway") for one in ranges):
            yield f"network {network}: names no gateway, so the machine itself gets an address of that range"
        if options.get("external") or (options.get("driver") or "bridge") != "bridge":
            yield f"network {network}: must be a bridge of this project"


def stays_apart(project: Node) -> Complaints:
    """Pairs that have no business with each other share no network, and nobody is linked past them."""
    for one, other in combinations(project["services"], 2):
        shared = networks_of(project["services"][one]) & networks_of(project["services"][other])
        if shared and ((one, other) in declared.APART or (other, one) in declared.APART):
            yield f"{one} and {other}: share the network {', '.join(sorted(shared))}"
    for name, service in services(project):
        if service.get("links") or service.get("external_links"):
            yield f"{name}: links are a way past the networks"
        if not networks_of(service) and service.get("network_mode") != "none":
            yield f"{name}: has no network of its own, so it would get one with everybody"
        hosts = sorted(host.replace("=", ":").split(":")[0] for host in service.get("extra_hosts") or ())
        if hosts != declared.HOST_ADDRESSES.get(name, []):
            yield f"{name}: extra_hosts {hosts} are not declared"


def publishes(project: Node, addresses: dict[str, str]) -> Complaints:
    """Exactly the declared ports, each on its address, and no range. `addresses`: what the variables stand for."""
    meant = {(name, addresses.get(at, at), *ports) for name, at, *ports in declared.PUBLISHED}
    found: set[tuple[object, ...]] = set()
    for name, service in services(project):
        for port in service.get("ports") or ():
            if "-" in str(port["published"]):
                yield f"{name}: publishes the range {port['published']}, a process of Docker's for each"
                continue
            found.add((name, port.get("host_ip", ""), int(port["published"]), port["target"], port["protocol"]))
    for one in sorted(found - meant, key=str):
        yield f"{one[0]}: publishes {one[1] or 'every address'}:{one[2]} for {one[3]}/{one[4]}, which is not declared"
    for one in sorted(meant - found, key=str):
        if one[0] in project["services"]:
            yield f"{one[0]}: does not publish {one[1]}:{one[2]} for {one[3]}/{one[4]}"


def publishes_on_loopback_alone(project: Node) -> Complaints:
    """As long as nobody asks for anything else, nobody but this machine is let in."""
    for name, service in services(project):
        for port in service.get("ports") or ():
            if not str(port.get("host_ip", "")).startswith("127."):
                yield f"{name}: publishes {port['published']} on {port.get('host_ip') or 'every address'}"


def starts_after(project: Node) -> Complaints:
    """By condition: a step when it has ended well, a server when it is healthy; and after all that it stands on."""
    for name, service in services(project):
        for other, dependency in (service.get("depends_on") or {}).items():
            step = other in declared.ONE_SHOTS
            wanted = "service_completed_successfully" if step else "service_healthy"
            reads = other == "secrets" and name != "postgres"
            if bool(dependency.get("restart")) != reads:
                yield f"{name}: is {'not ' if reads else ''}started again with {other}"
            if dependency["condition"] != wanted:
                yield f"{name}: waits for {other} by {dependency['condition']}, not {wanted}"
            if not dependency.get("required", True):
                yield f"{name}: does not need {other} to be there"
        before = _before(project, name)
        for other in sorted(_stands_on(name, service) - before):
            yield f"{name}: does not start after {other}"


def _before(project: Node, name: str) -> set[str]:
    found: set[str] = set()
    waiting = list(project["services"][name].get("depends_on") or ())
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += list(project["services"].get(other, {}).get("depends_on") or ())
    return found


def _stands_on(name: str, service: Node) -> set[str]:
    on = networks_of(service)
    needed: set[str] = set()
    if name in declared.SECRETS:
        needed.add("secrets")
    if name not in declared.OURS:
        return needed
    if "bus" in on:
        needed.add("nats")
        if name not in declared.ONE_SHOTS:
            needed.add("topology")
    if "data" in on:
        needed |= {"postgres"} if name in declared.ONE_SHOTS else {"postgres", "migrate"}
    if name == "page":
        needed |= {"signaling", "mcp-bridge"}
    return needed
