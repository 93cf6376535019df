"""What kustomize renders, as data: objects by kind, and the pods that they would become."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

Node = dict[str, Any]  # an object of Kubernetes' API, or a part of one
Objects = Sequence[Node]
Complaints = Iterator[str]

NAMESPACE: Final = "todo-agent"
NAME: Final = "app.kubernetes.io/name"
WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet")


def parsed(text: str) -> list[Node]:
    return [found for found in yaml.load_all(text, yaml.CSafeLoader) if found is not None]


def of_kind(objects: Objects, *kinds: str) -> Iterator[Node]:
    return (found for found in objects if found["kind"] in kinds)


def name_of(found: Node) -> str:
    name: str = found["metadata"]["name"]
    return name


def namespace_of(found: Node) -> str:
    namespace: str = found["metadata"].get("namespace", "")
    return namespace


def title(found: Node) -> str:
    return f"{found['kind']} {namespace_of(found)}/{name_of(found)}"


def named(objects: Objects, kind: str, name: str, namespace: str = NAMESPACE) -> Node | None:
    """The object of that name; ConfigMaps also by the name without the hash that kustomize adds."""
    for found in of_kind(objects, kind):
        if namespace_of(found) == namespace and name_of(found) == name:
            return found
    return None


@dataclass(frozen=True)
class Pod:
    """What a workload makes: `workload` is its object, `spec` the template's."""

    workload: Node
    labels: Mapping[str, str]
    spec: Node

    @property
    def name(self) -> str:
        return name_of(self.workload)

    @property
    def namespace(self) -> str:
        return namespace_of(self.workload)

    @property
    def containers(self) -> list[Node]:
        """Those that run at last."""
        return list(self.spec["containers"])

    @property
    def all_containers(self) -> list[Node]:
        return [*self.spec.get("initContainers", ()), *self.containers]

    @property
    def main(self) -> Node:
        """The container that is called as its workload, or the only one."""
        return next((one for one in self.containers if one["name"] == self.name), self.containers[0])

    @property
    def ports(self) -> list[Node]:
        return [port for one in self.containers for port in one.get("ports", ())]


def pods(objects: Objects, namespace: str | None = None) -> Iterator[Pod]:
    for workload in of_kind(objects, *WORKLOADS):
        if namespace in (None, namespace_of(workload)):
            template = workload["spec"]["template"]
            yield Pod(workload, template["metadata"].get("labels", {}), template["spec"])


def matches(selector: Node | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes these labels. An empty one takes all, none takes nobody."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Node, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"{expression['operator']!r} is no operator of a selector")


def environment(objects: Objects, pod: Pod, container: Node) -> dict[str, str]:
    """What the container finds in its environment. What only a cluster knows is its field's path: `<status.podIP>`."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        held = named(objects, "ConfigMap", source["configMapRef"]["name"], pod.namespace)
        found |= (held or {}).get("data") or {}
    for one in container.get("env", ()):
        given = one.get("value")
        found[one["name"]] = f"<{one['valueFrom']['fieldRef']['fieldPath']}>" if given is None else given
    return found
