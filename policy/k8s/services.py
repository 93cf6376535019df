"""Whether what is deployed is what the services are: settings, ports, routes, arguments and times, by the code."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

from policy.k8s.objects import Complaints, Node, Objects, Pod, environment, of_kind, pods, title
from policy.k8s.rendering import ROOT
from pydantic import ValidationError

from agent.settings import Settings as AgentSettings
from mcp_bridge import http as mcp_bridge_http
from mcp_bridge.command_line import options
from mcp_bridge.settings import Settings as McpBridgeSettings
from provision.cluster import servers
from rtc_gateway.settings import Settings as RtcGatewaySettings
from runtime.process import DRAIN_TIMEOUT_S
from runtime.settings import ServiceSettings
from signaling import app as signaling_app
from signaling.settings import Settings as SignalingSettings
from todo_store.settings import Settings as TodoStoreSettings

SETTINGS: Final[Mapping[str, type[ServiceSettings]]] = {
    "signaling": SignalingSettings,
    "rtc-gateway": RtcGatewaySettings,
    "agent": AgentSettings,
    "todo-store": TodoStoreSettings,
    "mcp-bridge": McpBridgeSettings,
}
STEPS: Final[Mapping[tuple[str, str], set[str]]] = {
    ("agent", "topology"): {"SECRETS_DIR", "NATS_URL"},
    ("nats", "configure"): {"SECRETS_DIR", "POD_NAME"},
    ("coturn", "configure"): {"SECRETS_DIR", "TURN_IP", "TURN_REALM", "GATEWAY_NETWORK", "TURN_METRICS"},
    ("coturn", "coturn"): {"TURN_IP"},
    ("cluster-secrets", "make"): {"POSTGRES_HOST", "POSTGRES_DB", "POSTGRES_PORT"},
    ("cluster-secrets", "made"): set(),
    ("page", "page"): {"SIGNALING", "MCP_BRIDGE"},
    ("nats", "nats"): set(),
    ("nats", "exporter"): set(),
    ("postgres", "postgres"): {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"},
}
"""What those read that have no settings of ours."""
DRIVERS: Final = "PGSSLROOTCERT"
"""What the store's driver reads of the environment."""
OTEL: Final = re.compile(r"OTEL_[A-Z_]+")
SERVED: Final[Mapping[str, set[tuple[int, str]]]] = {
    "nats": {
        (int(place.rpartition(":")[2]), "TCP") for place in (servers.CLIENTS, servers.MEMBERS, servers.MONITORING)
    },
    "postgres": {(5432, "TCP")},
    "cluster-secrets": set(),
}
METRICS: Final[Mapping[str, int]] = {"nats": 7777, "coturn": 9641}
LAME_DUCK_S: Final = 32
"""nats_server: `lame_duck_duration` and what stands before it."""
_REGISTRY: Final = r"[a-z0-9-]+(?:(?:\.[a-z0-9-]+)+(?::\d+)?|(?<=localhost))"
_OURS: Final = re.compile(rf"{_REGISTRY}(?:/[a-z0-9._-]+)+:[A-Za-z0-9][A-Za-z0-9._-]*(?:@sha256:[0-9a-f]{{64}})?")
_PINNED: Final = re.compile(rf"{_REGISTRY}(?:/[a-z0-9._-]+)+:\d+\.\d+[A-Za-z0-9._-]*(?:@sha256:[0-9a-f]{{64}})?")
"""With the registry, since some runtimes know no other names; others' images with more than the first number."""


def settings_are_usable(objects: Objects) -> Complaints:
    """Each service starts with its ConfigMaps and Secrets, and every name among them is one that it reads."""
    from policy.k8s.secrets import known  # noqa: PLC0415 - it asks which settings are secret

    for pod in pods(objects):
        for container in pod.all_containers:
            where, given = f"{title(pod.workload)}: {container['name']}", environment(objects, pod, container)
            settings = SETTINGS.get(pod.name) if (pod.name, container["name"]) not in STEPS else None
            if settings is None:
                wanted = STEPS[pod.name, container["name"]]
                yield from (f"{where}: {name} is nothing that it reads" for name in set(given) - wanted)
                continue
            read = {field.upper() for field in settings.model_fields} | {"SECRETS_DIR"}
            read |= {DRIVERS} if pod.name == "todo-store" else set()
            for name in set(given) - read:
                if not OTEL.fullmatch(name):
                    yield f"{where}: {name} is no setting of {pod.name}"
            yield from (
                f"{where}: {why}" for why in _unusable(settings, pod, container, given, known(objects)[pod.name])
            )


def _unusable(
    settings: type[ServiceSettings], pod: Pod, container: Node, given: Mapping[str, str], keys: tuple[str, ...]
) -> Iterator[str]:
    with TemporaryDirectory() as folder:
        for key in keys:
            if key == "auth_secret" and given.get("AUTH_JWKS_URL"):
                continue  # one of the two is given
            value = "postgresql+asyncpg://todo_store:p@database:5432/todo" if key == "database_url" else "x" * 43
            Path(folder, key).write_text(value, encoding="utf-8")
        known = {name: "pod" if value.startswith("<") else value for name, value in given.items()}
        with patch.dict(os.environ, {**known, "SECRETS_DIR": folder}, clear=True):
            try:
                loaded = settings(**_by_argument(pod, container))
            except ValidationError as error:
                yield f"would not start: {error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}"
                return
    if loaded.nats_password.get_secret_value() == "" or given.get("SECRETS_DIR") != "/run/secrets":
        yield "does not find its password of the bus"
    if loaded.http_host != "0.0.0.0":  # noqa: S104 - compared, not listened on
        yield f"listens on {loaded.http_host}, where no probe reaches it"


def _by_argument(pod: Pod, container: Node) -> dict[str, Any]:  # Any: as pydantic takes keywords
    """What the command line says in place of the environment."""
    if pod.name != "mcp-bridge":
        return {}
    at = options(container.get("args", ())).http
    return {} if at is None else {"http_host": at.host, "http_port": at.port}


def ports_are_the_services_own(objects: Objects) -> Complaints:
    for pod in pods(objects):
        found = {(port["containerPort"], port.get("protocol", "TCP")) for port in pod.ports}
        given = environment(objects, pod, pod.main)
        if pod.name in SETTINGS:
            at = options(pod.main.get("args", ())).http if pod.name == "mcp-bridge" else None
            wanted = {(int(given["HTTP_PORT"] if at is None else at.port), "TCP")}
            if "METRICS_PORT" in given:
                wanted.add((int(given["METRICS_PORT"]), "TCP"))
        else:
            wanted = _served(pod.name)
            metrics = (METRICS.get(pod.name, 0), "TCP")
            wanted = wanted | ({metrics} & found)
        if found != wanted:
            yield f"{title(pod.workload)}: has the ports {sorted(found)}, it serves {sorted(wanted)}"


def _served(name: str) -> set[tuple[int, str]]:
    if name == "coturn":
        told = (ROOT / "deploy" / "coturn" / "turnserver.conf").read_text("utf-8")
        plain, tls = (int(_found(rf"^{kind}listening-port=(\d+)", told)) for kind in ("", "tls-"))
        return {(plain, "TCP"), (plain, "UDP"), (tls, "TCP")}
    if name == "page":
        told = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text("utf-8")
        return {(int(_found(r"listen (\d+) default_server;", told)), "TCP")}
    return SERVED[name]


def ways_in_are_the_services_own(objects: Objects) -> Complaints:
    """An Ingress leads to what the services serve, as the page's nginx does, and to no probe."""
    wanted = {
        signaling_app.PATH: "signaling",
        mcp_bridge_http.PATH: "mcp-bridge",
        mcp_bridge_http.METADATA_PATH: "mcp-bridge",
        "/": "page",
    }
    for ingress in of_kind(objects, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            found = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
            if found != wanted:
                yield f"{title(ingress)}: leads to {found}, served are {wanted}"
            hosts = environment(objects, *_main(objects, "signaling")).get("ALLOWED_HOSTS", "").split(",")
            if rule.get("host") not in hosts:
                yield f"{title(ingress)}: {rule.get('host')} is not in signaling's ALLOWED_HOSTS"
        covered = {host for one in ingress["spec"].get("tls", ()) for host in one["hosts"]}
        if covered != {rule.get("host") for rule in ingress["spec"]["rules"]}:
            yield f"{title(ingress)}: not every host is served with TLS"


def _main(objects: Objects, name: str) -> tuple[Pod, Node]:
    pod = next(one for one in pods(objects) if one.name == name)
    return pod, pod.main


def stopping_takes_its_time(objects: Objects) -> Complaints:
    """A grace that is longer than all that is to happen in it."""
    for pod in pods(objects):
        grace = pod.spec.get("terminationGracePeriodSeconds", 30)
        command = ((pod.main.get("lifecycle") or {}).get("preStop") or {}).get("exec", {}).get("command", [])
        before = float(command[1]) if command[:1] == ["sleep"] else 0.0
        given = environment(objects, pod, pod.main)
        needed = before
        if pod.name in SETTINGS:
            needed += DRAIN_TIMEOUT_S
            if float(given.get("DRAIN_S", 0)) + 5 > DRAIN_TIMEOUT_S:
                yield f"{title(pod.workload)}: DRAIN_S {given['DRAIN_S']} is cut short after {DRAIN_TIMEOUT_S:g} s"
            if pod.name == "rtc-gateway":
                needed += float(given.get("DRAIN_S", 0))
        if command[:1] == ["nats-server"]:
            needed += LAME_DUCK_S
        if grace <= needed and pod.name != "cluster-secrets":
            yield f"{title(pod.workload)}: is killed after {grace} s, and needs {needed:g} s to stop"
        told_late = ("signaling", "mcp-bridge", "page", "rtc-gateway", "coturn")
        if pod.name in told_late and pod.workload["kind"] == "Deployment" and not before:
            yield f"{title(pod.workload)}: stops before everybody knows that it does; give it a preStop"
        if pod.name == "nats" and pod.workload["spec"]["replicas"] > 1:
            words = pod.main["args"]
            told = ["nats-server", "--signal", f"ldm={words[words.index('--pid') + 1] if '--pid' in words else '?'}"]
            if command != told:
                yield f"{title(pod.workload)}: drops its clients instead of sending them to the others; preStop: {told}"


def images_are_pinned(objects: Objects) -> Complaints:
    tags = set()
    for pod in pods(objects):
        for container in pod.all_containers:
            image = container["image"]
            if not (_OURS if "/todo-agent/" in image else _PINNED).fullmatch(image) or image.endswith(":latest"):
                yield f"{title(pod.workload)}: {image} names no one version"
            if container.get("imagePullPolicy") != "IfNotPresent":
                yield f"{title(pod.workload)}: {container['name']}: imagePullPolicy must be IfNotPresent"
            if "/todo-agent/" in image:
                tags.add(image.rpartition(":")[2])
    if len(tags) > 1:
        yield f"images of ours have several versions: {sorted(tags)}"


def open_only_with_tokens(objects: Objects) -> Complaints:
    """Whoever reaches a service that asks for no token is its owner: then nothing may lead in from outside."""
    from policy.k8s.secrets import known  # noqa: PLC0415

    doors = [pod for pod in pods(objects) if pod.name in ("signaling", "mcp-bridge")]
    asked = all(
        "auth_secret" in known(objects)[pod.name] or environment(objects, pod, pod.main).get("AUTH_JWKS_URL")
        for pod in doors
    )
    if asked:
        return
    yield from (f"{title(found)}: leads in, and nobody is asked for a token" for found in of_kind(objects, "Ingress"))
    for service in of_kind(objects, "Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"{title(service)}: leads in, and nobody is asked for a token"


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ValueError(f"{pattern} is not there any more")
    return match[1]
