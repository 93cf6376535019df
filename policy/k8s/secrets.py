"""Secrets are objects that are in no file of ours: who mounts which, who makes them, and that none is elsewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from policy.k8s.objects import Complaints, Node, Objects, Pod, of_kind, pods, title
from policy.k8s.rendering import K8S
from policy.k8s.services import SETTINGS
from pydantic import SecretStr

from provision.cluster.making import SOURCES, derived
from provision.secrets import Database

OPTIONAL: Final = {"turn-tls"}
"""Pods start without."""
WHERE: Final[Mapping[str, tuple[str, set[str]]]] = {
    "nats": ("nats", {"configure"}),
    "coturn": ("coturn", {"configure"}),
    "turn-tls": ("coturn", {"coturn"}),
    "postgres": ("postgres", {"postgres"}),
    "topology": ("agent", {"topology"}),
    "signaling": ("signaling", {"signaling"}),
    "rtc-gateway": ("rtc-gateway", {"rtc-gateway"}),
    "agent": ("agent", {"agent"}),
    "todo-store": ("todo-store", {"migrate", "todo-store"}),
    "mcp-bridge": ("mcp-bridge", {"mcp-bridge"}),
}
"""Which containers of which workload find a Secret, and no others do."""
_LOGIN: Final = re.compile(r"://[^/@\s]*:[^/@\s]*@")
_SECRET_NAME: Final = re.compile(r"PASSWORD|SECRET|TOKEN|API_KEY|CREDENTIAL", re.IGNORECASE)
_OF_A_PLACE: Final = {"SECRETS_DIR", "POSTGRES_PASSWORD_FILE"}


def made_in_the_cluster() -> dict[str, tuple[str, ...]]:
    """The keys of each Secret that `provision.cluster secrets` makes."""
    sources = {name: dict.fromkeys(keys, "x") for name, keys in SOURCES.items()}
    return dict(SOURCES) | {name: tuple(values) for name, values in derived(sources, Database()).items()}


def made_elsewhere() -> dict[str, tuple[str, ...]]:
    """The keys of each Secret that production is to be given, as its examples say."""
    folder = K8S / "overlays" / "production" / "secrets"
    return {
        path.name.partition(".")[0]: tuple(line.partition("=")[0] for line in path.read_text("utf-8").splitlines())
        for path in sorted(folder.glob("*.env.example"))
    }


def known(objects: Objects) -> dict[str, tuple[str, ...]]:
    local = any(pod.name == "cluster-secrets" for pod in pods(objects))
    return made_in_the_cluster() if local else made_elsewhere()


def are_known(objects: Objects) -> Complaints:
    """Each Secret that is mounted is one that somebody makes, and the other way round."""
    there = set(known(objects))
    mounted = {secret for pod in pods(objects) for _, secret, _ in _mounts(pod)}
    yield from (f"Secret {name} is mounted, and nobody makes it" for name in mounted - there - OPTIONAL)
    yield from (f"Secret {name} is made, and mounted nowhere" for name in there - mounted)
    for role in of_kind(objects, "Role"):
        names = {name for rule in role["rules"] for name in rule.get("resourceNames", ())}
        if names != there:
            yield f"{title(role)}: may read {sorted(names)}, made are {sorted(there)}"
    for pod in pods(objects):
        for volume in pod.spec.get("volumes", ()):
            if "secret" in volume and bool(volume["secret"].get("optional")) != (
                volume["secret"]["secretName"] in OPTIONAL
            ):
                yield f"{title(pod.workload)}: {volume['name']} must be there before the pod starts, or is optional"


def are_for_their_own(objects: Objects) -> Complaints:
    """One Secret for each service, which its own containers find at SECRETS_DIR, and read by nobody but its user."""
    for pod in pods(objects):
        where = title(pod.workload)
        for container, secret, mount in _mounts(pod):
            workload, containers = WHERE.get(secret, ("", set()))
            if pod.name != workload or container["name"] not in containers:
                yield f"{where}: {container['name']} finds Secret {secret}, which is not its own"
            elif secret not in OPTIONAL and mount["mountPath"] != "/run/secrets":
                yield f"{where}: {container['name']} has Secret {secret} at {mount['mountPath']}"
            if not mount.get("readOnly"):
                yield f"{where}: {container['name']} could write Secret {secret}"
        for volume in pod.spec.get("volumes", ()):
            if "secret" in volume and volume["secret"].get("defaultMode") != 0o440:
                yield f"{where}: volume {volume['name']} must have defaultMode 0440"


def are_nowhere_else(objects: Objects) -> Complaints:
    """In no environment, and in no ConfigMap."""
    settings = {
        name.upper()
        for service in SETTINGS.values()
        for name, field in service.model_fields.items()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    }
    for pod in pods(objects):
        for container in pod.all_containers:
            for source in (
                *container.get("envFrom", ()),
                *(one.get("valueFrom") or {} for one in container.get("env", ())),
            ):
                if "secretRef" in source or "secretKeyRef" in source:
                    yield f"{title(pod.workload)}: {container['name']} has a Secret in its environment"
    for where, name, value in _words(objects):
        if (name in settings or _SECRET_NAME.search(name)) and name not in _OF_A_PLACE:
            yield f"{where}: {name} is a secret's name"
        if _LOGIN.search(value):
            yield f"{where}: {name} holds a URL with a password"


def _words(objects: Objects) -> Iterator[tuple[str, str, str]]:
    for found in of_kind(objects, "ConfigMap"):
        yield from ((title(found), name, value) for name, value in (found.get("data") or {}).items())
    for pod in pods(objects):
        for container in pod.all_containers:
            for one in container.get("env", ()):
                yield title(pod.workload), one["name"], one.get("value", "")
            for word in (*container.get("command", ()), *container.get("args", ())):
                yield title(pod.workload), "an argument", word


def _mounts(pod: Pod) -> Iterator[tuple[Node, str, Node]]:
    """Container, Secret, mount."""
    secrets = {
        volume["name"]: volume["secret"]["secretName"] for volume in pod.spec.get("volumes", ()) if "secret" in volume
    }
    for container in pod.all_containers:
        for mount in container.get("volumeMounts", ()):
            if mount["name"] in secrets:
                yield container, secrets[mount["name"]], mount
