"""The Pod Security Standards' profile `restricted`, which the namespace's labels ask for, and what goes beyond it.

https://kubernetes.io/docs/concepts/security/pod-security-standards: the controls of `baseline` and of `restricted`.
"""

import re
from collections.abc import Iterator
from typing import Final

from policy.k8s.objects import Complaints, Node, Objects, Pod, name_of, namespace_of, of_kind, pods, title

VOLUMES: Final = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
LABEL: Final = "pod-security.kubernetes.io/"
ROOTED: Final = {"todo-agent-turn"}
"""Where pods are on the nodes' own network, which `baseline` forbids; that is all that is let off there."""
TOKENS: Final = {"cluster-secrets"}
"""Whose init container speaks to the API server."""
CPU_UNLIMITED: Final = "a limit of CPU makes it late when it is needed most"
_PINNED: Final = re.compile(r"v1\.\d+")


def namespaces_ask_for_restricted(objects: Objects) -> Complaints:
    for namespace in of_kind(objects, "Namespace"):
        labels = namespace["metadata"].get("labels", {})
        level = "privileged" if name_of(namespace) in ROOTED else "restricted"
        for mode in ("enforce",) if level == "privileged" else ("enforce", "audit", "warn"):
            if labels.get(LABEL + mode) != level:
                yield f"{title(namespace)}: {mode} must be {level}"
            if not _PINNED.fullmatch(labels.get(f"{LABEL}{mode}-version", "")):
                yield f"{title(namespace)}: {mode}-version must be one version, so that an upgrade changes nothing"
    known = {name_of(found) for found in of_kind(objects, "Namespace")}
    for found in objects:
        if found["kind"] != "Namespace" and namespace_of(found) not in known:
            yield f"{title(found)}: its namespace is not among the objects, and has no labels of ours"


def pods_are_restricted(objects: Objects) -> Complaints:
    for pod in pods(objects):
        where = title(pod.workload)
        for part in (_of_the_pod(pod), *(_of_a_container(pod, one) for one in pod.all_containers)):
            yield from (f"{where}: {complaint}" for complaint in part)


def _of_the_pod(pod: Pod) -> Iterator[str]:
    spec, context = pod.spec, pod.spec.get("securityContext") or {}
    for shared in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(shared) and not (shared == "hostNetwork" and pod.namespace in ROOTED):
            yield f"{shared} is the node's own"
    for volume in spec.get("volumes", ()):
        for kind in set(volume) - {"name"} - VOLUMES:
            yield f"volume {volume['name']} is a {kind}"
    if context.get("sysctls") or context.get("windowsOptions") or spec.get("ephemeralContainers"):
        yield "it has sysctls, Windows' options or ephemeral containers"
    if (context.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "its seccompProfile must be RuntimeDefault"
    annotations = pod.workload["spec"]["template"]["metadata"].get("annotations") or {}
    if _unguarded(context) or any("apparmor" in key for key in annotations):
        yield "its AppArmor profile and SELinux options must be the runtime's own"
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot must be true"
    for kind in ("runAsUser", "runAsGroup"):
        if not context.get(kind):
            yield f"{kind} must be a number, and not root's"


def _of_a_container(pod: Pod, container: Node) -> Iterator[str]:
    context, name = container.get("securityContext") or {}, container["name"]
    capabilities = context.get("capabilities") or {}
    if context.get("privileged"):
        yield f"{name}: privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation must be false"
    if capabilities.get("drop") != ["ALL"]:
        yield f"{name}: capabilities.drop must be [ALL]"
    if set(capabilities.get("add") or ()) - {"NET_BIND_SERVICE"}:
        yield f"{name}: adds capabilities {capabilities['add']}"
    if context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
        yield f"{name}: runs as root"
    unconfined = (context.get("seccompProfile") or {}).get("type") == "Unconfined"
    if unconfined or _unguarded(context) or context.get("procMount") not in (None, "Default"):
        yield f"{name}: takes a guard of the pod's away"
    hooks = {key: container.get(key) for key in ("startupProbe", "readinessProbe", "livenessProbe")}
    for key, hook in (hooks | (container.get("lifecycle") or {})).items():
        if any("host" in (hook or {}).get(kind, ()) for kind in ("httpGet", "tcpSocket")):
            yield f"{name}: {key} asks another host"
    for port in container.get("ports", ()):
        if port.get("hostPort") and pod.namespace not in ROOTED:
            yield f"{name}: hostPort {port['hostPort']} is the node's own"


def _unguarded(context: Node) -> bool:
    return bool(context.get("seLinuxOptions")) or (context.get("appArmorProfile") or {}).get("type") == "Unconfined"


def containers_are_held(objects: Objects) -> Complaints:
    """Beyond the profile: a root that cannot be written, bounded space, memory as promised, no token, no links."""
    for pod in pods(objects):
        parts = (_left_open(pod), *(_unheld(pod, one) for one in pod.all_containers))
        yield from (f"{title(pod.workload)}: {complaint}" for part in parts for complaint in part)
    for account in of_kind(objects, "ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{title(account)}: automountServiceAccountToken must be false"


def _left_open(pod: Pod) -> Iterator[str]:
    for name in ("automountServiceAccountToken", "enableServiceLinks"):
        if pod.spec.get(name) is not False:
            yield f"{name} must be false"
    for volume in pod.spec.get("volumes", ()):
        if "emptyDir" in volume and not (volume["emptyDir"] or {}).get("sizeLimit"):
            yield f"emptyDir {volume['name']} has no sizeLimit"
    if _tokens(pod) and pod.name not in TOKENS:
        yield f"volumes {_tokens(pod)} bring a token of the service account"


def _unheld(pod: Pod, container: Node) -> Iterator[str]:
    name, resources = container["name"], container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    if (container.get("securityContext") or {}).get("readOnlyRootFilesystem") is not True:
        yield f"{name}: readOnlyRootFilesystem must be true"
    if not requests.get("cpu") or not requests.get("memory") or requests["memory"] != limits.get("memory"):
        yield f"{name}: requests cpu and memory, and as much memory as its limit"
    if "cpu" in limits:
        yield f"{name}: {CPU_UNLIMITED}"
    for mount in container.get("volumeMounts", ()):
        if mount["name"] in _tokens(pod) and container in pod.containers:
            yield f"{name}: runs on with a token of the service account"


def rights_are_few(objects: Objects) -> Complaints:
    """Nobody may do anything in the cluster but make Secrets of the namespace, and read and add to those by name."""
    for found in of_kind(objects, "ClusterRole", "ClusterRoleBinding"):
        yield f"{title(found)}: none of ours needs rights in the whole cluster"
    for role in of_kind(objects, "Role"):
        for rule in role["rules"]:
            if (rule["apiGroups"], rule["resources"]) != ([""], ["secrets"]):
                yield f"{title(role)}: is about {rule['resources']}"
            elif set(rule["verbs"]) - {"create", "get", "patch"} or (
                set(rule["verbs"]) != {"create"} and not rule.get("resourceNames")
            ):
                yield f"{title(role)}: may {rule['verbs']} {rule.get('resourceNames', 'every Secret')}"
    for binding in of_kind(objects, "RoleBinding"):
        own = [("ServiceAccount", name_of(binding), namespace_of(binding))]
        if [(one["kind"], one["name"], one.get("namespace")) for one in binding["subjects"]] != own:
            yield f"{title(binding)}: gives rights to {binding['subjects']}"


def _tokens(pod: Pod) -> set[str]:
    """The volumes with a token of the service account."""
    return {
        volume["name"]
        for volume in pod.spec.get("volumes", ())
        for source in (volume.get("projected") or {}).get("sources", ())
        if "serviceAccountToken" in source
    }
