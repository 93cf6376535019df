"""How the suite makes something wrong in an installation, to see that it is complained about."""

from collections.abc import Callable
from typing import Any

from policy.k8s.objects import Node, named, of_kind

Change = Callable[[list[Node]], object]
Wrong = dict[str, list[tuple[str, Change]]]
"""By rule: a variant, and what is changed in it."""


def of(objects: list[Node], kind: str, name: str, namespace: str = "todo-agent") -> Node:
    found = named(objects, kind, name, namespace)
    if found is None:
        raise LookupError(f"{kind} {namespace}/{name} is not there to be changed")
    return found


def pod(objects: list[Node], name: str, kind: str = "Deployment") -> Node:
    spec: Node = of(objects, kind, name)["spec"]["template"]["spec"]
    return spec


def box(objects: list[Node], name: str, kind: str = "Deployment") -> Node:
    """The workload's main container."""
    return next(one for one in pod(objects, name, kind)["containers"] if one["name"] == name)


def rules_of(objects: list[Node], name: str, direction: str = "egress") -> list[Node]:
    rules: list[Node] = of(objects, "NetworkPolicy", name)["spec"][direction]
    return rules


def ingress(objects: list[Node]) -> Node:
    spec: Node = of(objects, "Ingress", "todo-agent")["spec"]
    return spec


def config(objects: list[Node], name: str) -> dict[str, str]:
    data: dict[str, str] = next(
        one for one in of_kind(objects, "ConfigMap") if one["metadata"]["name"].startswith(f"{name}-")
    )["data"]
    return data


def copied(found: Node, **metadata: Any) -> Node:
    return {**found, "metadata": {**found["metadata"], **metadata}}


def added(kind: str, version: str, name: str, **parts: Any) -> Node:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "todo-agent"}, **parts}


def without(objects: list[Node], kind: str, name: str) -> None:
    objects.remove(of(objects, kind, name))
