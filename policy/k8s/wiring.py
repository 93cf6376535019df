"""Whether what names something names what is there: selectors, ports, references, names."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from policy.k8s.objects import (
    NAME,
    WORKLOADS,
    Complaints,
    Node,
    Objects,
    Pod,
    matches,
    name_of,
    named,
    namespace_of,
    of_kind,
    pods,
    title,
)

API: Final = {
    "v1": {"ConfigMap", "Namespace", "Service", "ServiceAccount"},
    "apps/v1": {"Deployment", "StatefulSet", "DaemonSet"},
    "discovery.k8s.io/v1": {"EndpointSlice"},
    "networking.k8s.io/v1": {"Ingress", "NetworkPolicy"},
    "policy/v1": {"PodDisruptionBudget"},
    "rbac.authorization.k8s.io/v1": {"Role", "RoleBinding"},
}
"""Kinds that every cluster has, and that can be applied again when they have changed: no Job, whose template cannot be.
No Secret either: what is in a file is known to whoever has the file."""
GIVEN: Final = {"kube-root-ca.crt"}
"""ConfigMaps that Kubernetes itself puts into each namespace."""
UNGUARDED: Final = {"cluster-secrets", "todo-agent-turn/coturn"}
"""Without a disruption budget: what serves nobody, and a DaemonSet, which an eviction is not for."""
PART_OF: Final = "app.kubernetes.io/part-of"
AS_GOOD: Final = {
    "rtc-gateway": "one that is not ready may be full of people",
    "nats": "one that is not ready may be a third of what keeps the others writing",
    "postgres": "one that is not ready may be reading what it holds",
}
"""Those of whom no more may be taken away although they are not ready."""
_HASHED: Final = re.compile(r".+-[2456789bcdfghkmt]{10}")


def kinds_are_built_in(objects: Objects) -> Complaints:
    for found in objects:
        if found["kind"] not in API.get(found["apiVersion"], ()):
            yield f"{title(found)}: {found['apiVersion']} {found['kind']} is not for a bare cluster"


def names_are_stable(objects: Objects) -> Complaints:
    """Applying twice changes what is there. Only ConfigMaps have a name by content, so that a change makes new pods."""
    for what, count in Counter(title(found) for found in objects).items():
        if count > 1:
            yield f"{what}: is there {count} times"
    for found in objects:
        if "generateName" in found["metadata"]:
            yield f"{title(found)}: has a name that each apply makes anew"
        if bool(_HASHED.fullmatch(name_of(found))) != (found["kind"] == "ConfigMap"):
            yield f"{title(found)}: has a hash in its name, or as a ConfigMap has none"
    for workload in of_kind(objects, *WORKLOADS):
        for claim in workload["spec"].get("volumeClaimTemplates", ()):
            if (name_of(workload), name_of(claim)) not in {("nats", "data"), ("postgres", "data")}:
                yield f"{title(workload)}: claim {name_of(claim)} was not there before; what it held is not found again"


def objects_are_ours(objects: Objects) -> Complaints:
    """Nothing is pruned, so whoever takes something away looks for it by this label."""
    for found in objects:
        if found["metadata"].get("labels", {}).get(PART_OF) != "todo-agent":
            yield f"{title(found)}: has no label {PART_OF}: todo-agent"


def selectors_match(objects: Objects) -> Complaints:
    everybody = list(pods(objects))
    for pod in everybody:
        selector = pod.workload["spec"]["selector"]
        if selector != {"matchLabels": {NAME: pod.name}} or not matches(selector, pod.labels):
            yield f"{title(pod.workload)}: its selector and its pods' labels must be {NAME}: {pod.name}"
        for spread in pod.spec.get("topologySpreadConstraints", ()):
            if not matches(spread["labelSelector"], pod.labels):
                yield f"{title(pod.workload)}: spreads pods that are not its own"
    for service in of_kind(objects, "Service"):
        selector = service["spec"].get("selector")
        if selector is None:
            if named(objects, "EndpointSlice", name_of(service)) is None:
                yield f"{title(service)}: selects no pod and has no EndpointSlice"
        elif len(_selected(service, {"matchLabels": selector}, everybody)) != 1:
            yield f"{title(service)}: must select the pods of one workload"
    for budget in of_kind(objects, "PodDisruptionBudget"):
        if len(_selected(budget, budget["spec"]["selector"], everybody)) != 1:
            yield f"{title(budget)}: must select the pods of one workload"
    for part in of_kind(objects, "EndpointSlice"):
        whole = named(objects, "Service", part["metadata"]["labels"]["kubernetes.io/service-name"])
        ports = [port["name"] for port in whole["spec"]["ports"]] if whole else []
        if ports != [port["name"] for port in part["ports"]]:
            yield f"{title(part)}: is no part of a Service with the same ports"


def ports_are_there(objects: Objects) -> Complaints:
    everybody = list(pods(objects))
    for pod in everybody:
        names = Counter(port["name"] for port in pod.ports)
        numbers = Counter((port["containerPort"], port.get("protocol", "TCP")) for port in pod.ports)
        for port, count in (*names.items(), *numbers.items()):
            if count > 1:
                yield f"{title(pod.workload)}: port {port} twice"
        for container in pod.all_containers:
            own = {port["name"] for port in container.get("ports", ())}
            for name, probe in _probes(container):
                wanted = next((probe[kind]["port"] for kind in ("httpGet", "tcpSocket") if kind in probe), None)
                if wanted is not None and wanted not in own:
                    yield f"{title(pod.workload)}: {name} asks port {wanted}, which {container['name']} has not"
    for service in of_kind(objects, "Service"):
        for pod in _selected(service, {"matchLabels": service["spec"].get("selector") or {"": ""}}, everybody):
            served = {(port["name"], port.get("protocol", "TCP")) for port in pod.ports}
            for port in service["spec"]["ports"]:
                if (port.get("targetPort"), port.get("protocol", "TCP")) not in served:
                    yield f"{title(service)}: port {port['name']} is none of {pod.name}'s"


def services_are_there(objects: Objects) -> Complaints:
    """Those that a StatefulSet or an Ingress names."""
    for workload in of_kind(objects, "StatefulSet"):
        service = named(objects, "Service", workload["spec"]["serviceName"], namespace_of(workload))
        if service is None or service["spec"].get("clusterIP") != "None":
            yield f"{title(workload)}: its serviceName must be a Service without an address of its own"
        elif name_of(workload) == "nats" and service["spec"].get("publishNotReadyAddresses") is not True:
            yield f"{title(workload)}: its servers are ready when they have found each other, and find nobody"
    for ingress in of_kind(objects, "Ingress"):
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            backend = path["backend"]["service"]
            service = named(objects, "Service", backend["name"], namespace_of(ingress))
            ports = {one["name"] for one in service["spec"]["ports"]} if service else set()
            if backend["port"]["name"] not in ports:
                yield f"{title(ingress)}: {path['path']} leads to {backend}, which is not there"


def references_exist(objects: Objects) -> Complaints:
    """But for Secrets, which are nobody's objects: `secrets.are_known` is about them."""
    for pod in pods(objects):
        where = title(pod.workload)
        if named(objects, "ServiceAccount", pod.spec.get("serviceAccountName", ""), pod.namespace) is None:
            yield f"{where}: its ServiceAccount is not there"
        if pod.spec.get("serviceAccountName") != pod.name:
            yield f"{where}: its ServiceAccount must be its own, {pod.name}"
        for name in _config_maps(pod):
            if name not in GIVEN and named(objects, "ConfigMap", name, pod.namespace) is None:
                yield f"{where}: ConfigMap {name} is not there"
        volumes = [volume["name"] for volume in pod.spec.get("volumes", ())]
        volumes += [name_of(claim) for claim in pod.workload["spec"].get("volumeClaimTemplates", ())]
        mounted = {mount["name"] for one in pod.all_containers for mount in one.get("volumeMounts", ())}
        yield from (f"{where}: volume {name} is not there" for name in mounted - set(volumes))
        yield from (f"{where}: volume {name} is mounted nowhere" for name in set(volumes) - mounted)
    for binding in of_kind(objects, "RoleBinding"):
        wanted = [("Role", binding["roleRef"]["name"]), *((one["kind"], one["name"]) for one in binding["subjects"])]
        for kind, name in wanted:
            if named(objects, kind, name, namespace_of(binding)) is None:
                yield f"{title(binding)}: {kind} {name} is not there"


def disruptions_are_bounded(objects: Objects) -> Complaints:
    """One pod of each at a time, never none: a budget that allows none stops every upgrade of a node."""
    budgets = list(of_kind(objects, "PodDisruptionBudget"))
    for budget in budgets:
        if budget["spec"].get("maxUnavailable") != 1 or "minAvailable" in budget["spec"]:
            yield f"{title(budget)}: maxUnavailable must be 1"
        if name_of(budget) in AS_GOOD and budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
            yield f"{title(budget)}: {AS_GOOD[name_of(budget)]}"
    for pod in pods(objects):
        if pod.name in UNGUARDED or f"{pod.namespace}/{pod.name}" in UNGUARDED:
            continue
        if not any(pod in _selected(budget, budget["spec"]["selector"], [pod]) for budget in budgets):
            yield f"{title(pod.workload)}: has no PodDisruptionBudget"
        by_node = [one for one in pod.spec.get("topologySpreadConstraints", ()) if "hostname" in one["topologyKey"]]
        if not by_node and pod.name not in ("coturn", "postgres") and pod.workload["spec"]["replicas"] > 1:
            yield f"{title(pod.workload)}: its pods may all be on one node"


def updates_keep_serving(objects: Objects) -> Complaints:
    """The new pod is ready before the old one goes, and not every old ReplicaSet is kept."""
    for workload in of_kind(objects, *WORKLOADS):
        spec = workload["spec"]
        if not 1 <= spec.get("revisionHistoryLimit", 10) <= 5:
            yield f"{title(workload)}: revisionHistoryLimit must be 1 to 5"
        if workload["kind"] == "Deployment" and name_of(workload) not in UNGUARDED:
            rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
            if (rolling.get("maxSurge"), rolling.get("maxUnavailable")) != (1, 0):
                yield f"{title(workload)}: must have maxSurge 1 and maxUnavailable 0"
        way = (spec.get("strategy") or {}).get("type")
        if name_of(workload) == "cluster-secrets" and (spec.get("replicas"), way) != (1, "Recreate"):
            yield f"{title(workload)}: two at once would make two of each Secret"


def relays_are_reached(objects: Objects) -> Complaints:
    """One TURN server behind one address: what is relayed is known to that server alone. Or one for each node."""
    inside = any(pod.name == "cluster-secrets" for pod in pods(objects))
    for pod in pods(objects):
        if pod.name != "coturn" or pod.workload["kind"] == "DaemonSet":
            continue
        if pod.workload["spec"]["replicas"] != 1:
            yield f"{title(pod.workload)}: a page would come to one that does not know it"
        service = named(objects, "Service", "coturn")
        kind = service["spec"].get("type", "ClusterIP") if service else "none"
        if kind != ("ClusterIP" if inside else "LoadBalancer"):
            yield f"{title(pod.workload)}: no page reaches it by a Service of type {kind}"
    if not any(pod.name == "coturn" for pod in pods(objects)):
        yield "no pod is called coturn, and no page is relayed"


def _selected(selecting: Node, selector: Node, everybody: list[Pod]) -> list[Pod]:
    return [one for one in everybody if one.namespace == namespace_of(selecting) and matches(selector, one.labels)]


def _probes(container: Node) -> Iterator[tuple[str, Node]]:
    return (
        (name, container[name]) for name in ("startupProbe", "readinessProbe", "livenessProbe") if name in container
    )


def _config_maps(pod: Pod) -> Iterator[str]:
    for container in pod.all_containers:
        yield from (source["configMapRef"]["name"] for source in container.get("envFrom", ()))
    for volume in pod.spec.get("volumes", ()):
        if "configMap" in volume:
            yield volume["configMap"]["name"]
        for source in (volume.get("projected") or {}).get("sources", ()):
            if "configMap" in source:
                yield source["configMap"]["name"]
