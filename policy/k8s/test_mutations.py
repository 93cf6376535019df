"""Each rule sees what it is for: an installation in which one thing is wrong is complained about."""

from collections.abc import Callable
from typing import Any

import pytest
from policy.k8s.objects import Node, named, namespace_of, of_kind
from policy.k8s.rendering import objects_of
from policy.k8s.rules import RULES, complaints

Change = Callable[[list[Node]], object]


def of(objects: list[Node], kind: str, name: str, namespace: str = "todo-agent") -> Node:
    found = named(objects, kind, name, namespace)
    assert found is not None
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


WRONG: dict[str, list[tuple[str, Change]]] = {
    "kinds are built in": [
        ("local", lambda o: o.append(added("ScaledObject", "keda.sh/v1alpha1", "agent"))),
        ("local", lambda o: o.append(added("Job", "batch/v1", "migrate"))),
        ("local", lambda o: o.append(added("Secret", "v1", "agent"))),
    ],
    "names are stable": [
        ("local", lambda o: o.append(of(o, "Service", "page"))),
        ("local", lambda o: of(o, "Service", "page")["metadata"].update(generateName="page-")),
        ("local", lambda o: of(o, "StatefulSet", "nats")["metadata"].update(name="nats-4mfckt58gm")),
        ("local", lambda o: next(of_kind(o, "ConfigMap"))["metadata"].update(name="settings")),
        ("local", lambda o: of(o, "StatefulSet", "nats")["spec"]["volumeClaimTemplates"][0].update(
            metadata={"name": "d"})),
    ],
    "selectors match": [
        ("local", lambda o: of(o, "Service", "page")["spec"].update(selector={"app.kubernetes.io/name": "pages"})),
        ("local", lambda o: of(o, "Deployment", "page")["spec"]["selector"]["matchLabels"].update({"a": "b"})),
        ("local", lambda o: of(o, "PodDisruptionBudget", "page")["spec"]["selector"].update(matchLabels={"a": "b"})),
        ("local", lambda o: of(o, "PodDisruptionBudget", "page")["spec"].update(selector={})),
        ("local", lambda o: pod(o, "page")["topologySpreadConstraints"][0].update(
            labelSelector={"matchLabels": {"a": "b"}})),
        ("local", lambda o: without(o, "EndpointSlice", "model-server")),
        ("local", lambda o: of(o, "EndpointSlice", "model-server")["ports"][0].update(name="other")),
    ],
    "ports are there": [
        ("local", lambda o: of(o, "Service", "signaling")["spec"]["ports"][0].update(targetPort="web")),
        ("local", lambda o: of(o, "Service", "coturn")["spec"]["ports"][0].update(protocol="TCP")),
        ("local", lambda o: box(o, "agent")["readinessProbe"]["httpGet"].update(port="metrics")),
        ("local", lambda o: box(o, "coturn")["ports"].append({"name": "again", "containerPort": 5349})),
    ],
    "services are there": [
        ("local", lambda o: of(o, "StatefulSet", "nats")["spec"].update(serviceName="nats")),
        ("production", lambda o: without(o, "Service", "mcp-bridge")),
    ],
    "references exist": [
        ("local", lambda o: without(o, "ServiceAccount", "agent")),
        ("local", lambda o: pod(o, "agent").update(serviceAccountName="todo-store")),
        ("local", lambda o: o.remove(next(of_kind(o, "ConfigMap")))),
        ("local", lambda o: pod(o, "agent")["volumes"].pop()),
        ("local", lambda o: pod(o, "agent")["volumes"].append({"name": "more", "emptyDir": {"sizeLimit": "1Mi"}})),
        ("local", lambda o: without(o, "Role", "cluster-secrets")),
    ],
    "disruptions are bounded": [
        ("local", lambda o: without(o, "PodDisruptionBudget", "nats")),
        ("local", lambda o: of(o, "PodDisruptionBudget", "nats")["spec"].update(maxUnavailable=0)),
        ("production", lambda o: pod(o, "agent").pop("topologySpreadConstraints")),
        ("production", lambda o: pod(o, "nats", "StatefulSet").pop("topologySpreadConstraints")),
    ],
    "updates keep serving": [
        ("local", lambda o: of(o, "Deployment", "page")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
        ("local", lambda o: of(o, "Deployment", "page")["spec"].pop("strategy")),
        ("local", lambda o: of(o, "Deployment", "page")["spec"].pop("revisionHistoryLimit")),
    ],
    "namespaces ask for restricted": [
        ("local", lambda o: next(of_kind(o, "Namespace"))["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/enforce": "baseline"})),
        ("local", lambda o: next(of_kind(o, "Namespace"))["metadata"]["labels"].update(
            {"pod-security.kubernetes.io/warn-version": "latest"})),
        ("local", lambda o: of(o, "Service", "page")["metadata"].update(namespace="default")),
    ],
    "pods are restricted": [
        ("local", lambda o: pod(o, "agent").update(hostNetwork=True)),
        ("local", lambda o: pod(o, "agent").update(hostPID=True)),
        ("local", lambda o: pod(o, "agent")["volumes"].append({"name": "node", "hostPath": {"path": "/"}})),
        ("local", lambda o: pod(o, "agent")["securityContext"].pop("seccompProfile")),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(runAsNonRoot=False)),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(runAsUser=0)),
        ("local", lambda o: box(o, "agent")["securityContext"].pop("allowPrivilegeEscalation")),
        ("local", lambda o: box(o, "agent")["securityContext"].update(privileged=True)),
        ("local", lambda o: box(o, "agent")["securityContext"].update(runAsUser=0)),
        ("local", lambda o: box(o, "agent")["securityContext"].pop("capabilities")),
        ("local", lambda o: box(o, "coturn")["securityContext"]["capabilities"].update(add=["NET_ADMIN"])),
        ("local", lambda o: box(o, "agent")["securityContext"].update(seccompProfile={"type": "Unconfined"})),
        ("local", lambda o: pod(o, "agent")["initContainers"][0].pop("securityContext")),
        ("local", lambda o: box(o, "coturn")["ports"][0].update(hostPort=3478)),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(sysctls=[{"name": "a", "value": "b"}])),
        ("production, TURN on nodes", lambda o: of(o, "DaemonSet", "coturn", "todo-agent-turn")["spec"]["template"][
            "spec"].update(hostPID=True)),
    ],
    "containers are held": [
        ("local", lambda o: pod(o, "agent").update(automountServiceAccountToken=True)),
        ("local", lambda o: pod(o, "agent").pop("enableServiceLinks")),
        ("local", lambda o: of(o, "ServiceAccount", "agent").pop("automountServiceAccountToken")),
        ("local", lambda o: box(o, "agent")["securityContext"].pop("readOnlyRootFilesystem")),
        ("local", lambda o: box(o, "agent")["resources"]["limits"].update(cpu="1")),
        ("local", lambda o: box(o, "agent")["resources"].pop("limits")),
        ("local", lambda o: box(o, "agent")["resources"]["requests"].pop("cpu")),
        ("local", lambda o: pod(o, "agent")["volumes"].append({"name": "more", "emptyDir": {}})),
        ("local", lambda o: pod(o, "agent")["volumes"].append(pod(o, "cluster-secrets")["volumes"][0])),
        ("local", lambda o: pod(o, "cluster-secrets")["containers"][0].update(
            volumeMounts=pod(o, "cluster-secrets")["initContainers"][0]["volumeMounts"])),
    ],
    "rights are few": [
        ("local", lambda o: o.append(added("ClusterRole", "rbac.authorization.k8s.io/v1", "all", rules=[]))),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][1].pop("resourceNames")),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][0].update(verbs=["*"])),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][0].update(resources=["pods"])),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][0].update(verbs=["create", "patch"])),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][1]["verbs"].append("delete")),
        ("local", lambda o: of(o, "RoleBinding", "cluster-secrets")["subjects"][0].update(name="agent")),
        ("local", lambda o: of(o, "RoleBinding", "cluster-secrets")["subjects"][0].update(namespace="kube-system")),
    ],
    "secrets are known": [
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(secretName="agents")),
        ("local", lambda o: of(o, "Role", "cluster-secrets")["rules"][1]["resourceNames"].pop()),
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(optional=True)),
        ("production", lambda o: without(o, "Deployment", "mcp-bridge")),
    ],
    "secrets are for their own": [
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(secretName="todo-store")),
        ("local", lambda o: pod(o, "agent")["initContainers"][0]["volumeMounts"].append(
            box(o, "agent")["volumeMounts"][0])),
        ("local", lambda o: box(o, "agent")["volumeMounts"][0].update(mountPath="/secrets")),
        ("local", lambda o: box(o, "agent")["volumeMounts"][0].pop("readOnly")),
        ("local", lambda o: pod(o, "agent")["volumes"][0]["secret"].update(defaultMode=0o444)),
    ],
    "secrets are nowhere else": [
        ("local", lambda o: config(o, "signaling-settings").update(AUTH_SECRET="x" * 40)),
        ("local", lambda o: config(o, "services").update(DATABASE_URL="postgresql+asyncpg://database/todo")),
        ("local", lambda o: config(o, "services").update(NATS_URL="nats://agent:word@nats:4222")),
        ("local", lambda o: box(o, "agent")["env"].append({"name": "NATS_PASSWORD", "value": "word"})),
        ("local", lambda o: box(o, "agent")["envFrom"].append({"secretRef": {"name": "agent"}})),
        ("local", lambda o: box(o, "agent")["env"].append(
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "agent", "key": "nats_password"}}})),
    ],
    "settings are usable": [
        ("local", lambda o: config(o, "agent-settings").update(MODEL_ADDRESS="http://model-server:1234")),
        ("local", lambda o: config(o, "rtc-gateway-settings").update(DRAIN_S="60")),
        ("local", lambda o: config(o, "signaling-settings").pop("PUBLISHED_ON")),
        ("local", lambda o: config(o, "signaling-settings").update(TURN_URLS="")),
        ("local", lambda o: config(o, "services").update(HTTP_HOST="127.0.0.1")),
        ("local", lambda o: config(o, "services").pop("SECRETS_DIR")),
        ("local", lambda o: config(o, "page-settings").update(UPSTREAM="signaling:8080")),
        ("production", lambda o: config(o, "signaling-settings").update(TRUSTED_PROXIES="everybody")),
    ],
    "ports are the services' own": [
        ("local", lambda o: box(o, "agent")["ports"][0].update(containerPort=8000)),
        ("local", lambda o: config(o, "services").update(HTTP_PORT="8081")),
        ("local", lambda o: box(o, "mcp-bridge").update(args=["--http", "0.0.0.0:9090"])),
        ("local", lambda o: box(o, "page")["ports"][0].update(containerPort=80)),
        ("local", lambda o: box(o, "coturn")["ports"].pop()),
        ("local", lambda o: box(o, "nats", "StatefulSet")["ports"].pop()),
        ("production", lambda o: config(o, "services").pop("METRICS_PORT")),
    ],
    "probes ask what is there": [
        ("local", lambda o: box(o, "agent")["livenessProbe"]["httpGet"].update(path="/readyz")),
        ("local", lambda o: box(o, "agent")["readinessProbe"]["httpGet"].update(path="/health")),
        ("local", lambda o: box(o, "agent").pop("readinessProbe")),
        ("local", lambda o: box(o, "page")["readinessProbe"]["httpGet"].update(path="/ready")),
        ("local", lambda o: box(o, "nats", "StatefulSet")["livenessProbe"]["httpGet"].update(path="/varz")),
        ("local", lambda o: box(o, "todo-store")["startupProbe"].update(failureThreshold=10)),
        ("local", lambda o: box(o, "agent")["readinessProbe"].update(timeoutSeconds=30)),
    ],
    "ways in are the services' own": [
        ("production", lambda o: ingress(o)["rules"][0]["http"]["paths"].append(
            {"path": "/readyz", "backend": {"service": {"name": "signaling", "port": {"name": "http"}}}})),
        ("production", lambda o: ingress(o)["rules"][0]["http"]["paths"].pop(0)),
        ("production", lambda o: ingress(o).pop("tls")),
        ("production", lambda o: config(o, "signaling-settings").update(ALLOWED_HOSTS="lists.example")),
    ],
    "stopping takes its time": [
        ("local", lambda o: pod(o, "rtc-gateway").update(terminationGracePeriodSeconds=50)),
        ("local", lambda o: pod(o, "agent").update(terminationGracePeriodSeconds=30)),
        ("local", lambda o: box(o, "signaling").pop("lifecycle")),
        ("local", lambda o: config(o, "rtc-gateway-settings").update(DRAIN_S="39")),
        ("production", lambda o: pod(o, "nats", "StatefulSet").update(terminationGracePeriodSeconds=30)),
        ("production", lambda o: box(o, "nats", "StatefulSet").pop("lifecycle")),
    ],
    "images are pinned": [
        ("local", lambda o: box(o, "agent").update(image="localhost/todo-agent/agent")),
        ("local", lambda o: box(o, "agent").update(image="localhost/todo-agent/agent:latest")),
        ("local", lambda o: box(o, "agent").update(image="localhost/todo-agent/agent:other")),
        ("local", lambda o: box(o, "agent").update(imagePullPolicy="Always")),
    ],
    "open only with tokens": [
        ("local", lambda o: of(o, "Service", "coturn")["spec"].update(type="LoadBalancer")),
        ("local", lambda o: o.append(added("Ingress", "networking.k8s.io/v1", "page", spec={"rules": []}))),
    ],
    "edges equal the policies": [
        ("local", lambda o: without(o, "NetworkPolicy", "default-deny")),
        ("local", lambda o: without(o, "NetworkPolicy", "dns")),
        ("local", lambda o: without(o, "NetworkPolicy", "postgres")),
        ("local", lambda o: rules_of(o, "agent").append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]})),
        ("local", lambda o: rules_of(o, "agent")[0]["to"][0]["ipBlock"].update(cidr="192.0.2.0/31")),
        ("local", lambda o: rules_of(o, "agent")[0]["ports"][0].update(port=11434)),
        ("local", lambda o: rules_of(o, "coturn").append({"to": [{"podSelector": {}}]})),
        ("local", lambda o: rules_of(o, "coturn", "ingress").pop()),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0].pop("ports")),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].pop(0)),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append({"namespaceSelector": {}})),
        ("local", lambda o: rules_of(o, "rtc-gateway")[0]["ports"][0].pop("endPort")),
        ("local", lambda o: rules_of(o, "rtc-gateway")[0]["ports"][0].update(endPort=65535)),
        ("local", lambda o: rules_of(o, "rtc-gateway", "ingress")[0].pop("from")),
        ("local", lambda o: rules_of(o, "dns")[0]["to"][0].pop("podSelector")),
        ("local", lambda o: of(o, "NetworkPolicy", "dns")["spec"].update(podSelector={})),
        ("local", lambda o: of(o, "NetworkPolicy", "signaling")["spec"].update(policyTypes=["Ingress"])),
        ("local", lambda o: o.append(copied(of(o, "Deployment", "agent"), name="another"))),
        ("production", lambda o: without(o, "NetworkPolicy", "ingress")),
        ("production", lambda o: rules_of(o, "todo-store-database")[0].pop("ports")),
        ("production, TURN on nodes", lambda o: without(o, "NetworkPolicy", "turn-nodes")),
    ],
    "rules are those of the edges": [
        *[("local", lambda o, cidr=cidr: rules_of(o, "agent").append({
            "to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": 443}]}))
          for cidr in ("0.0.0.0/0", "::/0", "8.0.0.0/8", "169.254.169.254/32")],
        *[("local", lambda o, port=port: rules_of(o, "agent").append({
            "to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}], "ports": [port]}))
          for port in ({"protocol": "TCP", "port": 80}, {"protocol": "TCP", "port": 60, "endPort": 1000},
                       {"protocol": "SCTP", "port": 1234}, {"protocol": "TCP", "port": "http"})],
        ("local", lambda o: rules_of(o, "agent").append({
            "to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 8443}]})),
        ("local", lambda o: rules_of(o, "agent").append({"ports": [{"protocol": "TCP", "port": 8443}]})),
        ("local", lambda o: rules_of(o, "agent").append({})),
        *[("local", lambda o, port=port: rules_of(o, "coturn").append({"ports": [{"protocol": "UDP", "port": port}]}))
          for port in (5000, 123, 53)],
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "somebody"}}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"podSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].append(
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.0.0.0/9"]}})),
        ("local", lambda o: rules_of(o, "nats", "ingress")[0]["from"].pop()),
        ("local", lambda o: of(o, "NetworkPolicy", "dns")["spec"].update(podSelector={})),
        ("local", lambda o: of(o, "NetworkPolicy", "dns")["metadata"].update(namespace="kube-system")),
        ("local", lambda o: without(o, "NetworkPolicy", "postgres")),
        ("production, tokens of a provider", lambda o: rules_of(o, "identity-provider")[0]["to"][0]["ipBlock"].update(
            cidr="0.0.0.0/0")),
        ("production", lambda o: rules_of(o, "todo-store-database")[0]["ports"].append(
            {"protocol": "TCP", "port": 443})),
    ],
    "policies select somebody": [
        ("local", lambda o: of(o, "NetworkPolicy", "agent")["spec"]["podSelector"].update(
            matchLabels={"app.kubernetes.io/name": "agents"})),
        ("production", lambda o: of(o, "NetworkPolicy", "ingress")["spec"]["podSelector"]["matchExpressions"][0][
            "values"].append("web")),
    ],
}  # fmt: skip


CASES = [(rule, number) for rule, wrong in WRONG.items() for number in range(len(wrong))]


@pytest.mark.parametrize(("rule", "number"), CASES)
def test_what_is_wrong_is_complained_about(rule: str, number: int) -> None:
    variant, change = WRONG[rule][number]
    objects = objects_of(variant)
    change(objects)
    assert complaints(rule, objects)


def test_every_rule_has_something_that_it_is_tried_on() -> None:
    assert set(WRONG) == set(RULES)


def test_an_object_without_a_namespace_is_found_to_have_none() -> None:
    assert namespace_of(next(of_kind(objects_of("local"), "Namespace"))) == ""
