"""Whether pods start as they should: what is done before, what probes ask, whom they ask for the bus and the model."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from policy.k8s.objects import NAMESPACE, Complaints, Node, Objects, Pod, environment, named, namespace_of, pods, title
from policy.k8s.rendering import ROOT
from policy.k8s.services import SETTINGS
from starlette.routing import Route

from runtime.http import application

BEFORE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "agent": {"topology": ("topology",)},
    "todo-store": {"migrate": ("migrate",)},
    "nats": {"configure": ("nats",)},
    "coturn": {"configure": ("coturn",)},
    "cluster-secrets": {"make": ("secrets",)},
}
"""The init containers of each pod, and the words that their arguments begin with."""
SERVER, ENABLED = "/healthz?js-server-only=true", "/healthz?js-enabled-only=true"
NATS: Final = {"startupProbe": SERVER, "readinessProbe": SERVER, "livenessProbe": ENABLED}
"""None asks for each stream's own health: without it a server would be ended because another is away."""
COMMANDS: Final[Mapping[str, list[str]]] = {
    "postgres": ["pg_isready", "-q", "-h", "127.0.0.1", "-U", "postgres", "-d", "todo"],
    "coturn": ["sh", "-c", 'timeout 3 turnutils_stunclient -p 3478 "$TURN_IP"'],
}
LEAST_START_S: Final[Mapping[str, int]] = {**dict.fromkeys(SETTINGS, 90), "nats": 900, "postgres": 600}
"""The bus and the schema are waited for; servers read what they hold after a crash."""
ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(SETTINGS, ("NATS_URL",)),
    "agent": ("NATS_URL", "MODEL_URL"),
    "page": ("SIGNALING", "MCP_BRIDGE"),
}
WHOLE: Final = f".{NAMESPACE}.svc"
DATABASE_PORT: Final = 5432


def probes_ask_what_is_there(objects: Objects) -> Complaints:
    """Liveness asks for nothing that others could take away; none asks for the model server."""
    for pod in pods(objects):
        if pod.name == "cluster-secrets":
            continue
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = pod.main.get(name)
            if probe is None:
                yield f"{title(pod.workload)}: has no {name}"
                continue
            yield from (f"{title(pod.workload)}: {name} {why}" for why in _amiss(pod, name, probe))
        start = pod.main.get("startupProbe", {})
        if start.get("periodSeconds", 10) * start.get("failureThreshold", 3) < LEAST_START_S.get(pod.name, 0):
            yield f"{title(pod.workload)}: may be ended before it had {LEAST_START_S[pod.name]} s to start"


def _amiss(pod: Pod, name: str, probe: Node) -> Iterator[str]:
    if probe.get("timeoutSeconds", 1) > probe.get("periodSeconds", 10) + 5:
        yield "may wait longer than it is until the next"
    if pod.name in COMMANDS:
        if (probe.get("exec") or {}).get("command") != COMMANDS[pod.name]:
            yield f"must run {COMMANDS[pod.name]}"
        return
    asked = (probe.get("httpGet") or {}).get("path", "")
    if pod.name in SETTINGS:
        wanted = "/readyz" if name == "readinessProbe" else "/healthz"
        routes = {route.path for route in application(_ready, None).routes if isinstance(route, Route)}
        if asked != wanted or asked not in routes:
            yield f"must ask {wanted}, but asks {asked or 'nothing'}"
    if pod.name == "page" and f"location = {asked} " not in (ROOT / "deploy/nginx/site.conf").read_text("utf-8"):
        yield f"asks {asked or 'nothing'}, which nginx has not"
    if pod.name == "nats" and asked != NATS[name]:
        yield f"must ask {NATS[name]}, but asks {asked or 'nothing'}"


async def _ready() -> str | None:
    return None


def what_comes_before_is_there(objects: Objects) -> Complaints:
    """Migrations, streams, configurations; each stream on as many servers as there are."""
    for pod in pods(objects):
        wanted, found = BEFORE.get(pod.name, {}), pod.spec.get("initContainers", [])
        if [one["name"] for one in found] != list(wanted):
            yield f"{title(pod.workload)}: must have the init containers {list(wanted)}"
            continue
        for one in found:
            words = wanted[one["name"]]
            if tuple(one.get("args", ())[: len(words)]) != words:
                yield f"{title(pod.workload)}: {one['name']} must begin with {words}"
    servers = named(objects, "StatefulSet", "nats")
    agent = next((pod for pod in pods(objects) if pod.name == "agent"), None)
    if servers is None or agent is None:
        return
    count = servers["spec"]["replicas"]
    wanted_words = ["topology"] if count == 1 else ["topology", "--replicas", str(count)]
    if [one.get("args") for one in agent.spec.get("initContainers", ())] != [wanted_words]:
        yield f"{title(agent.workload)}: must declare the streams by {wanted_words}"
    (configure, *_) = servers["spec"]["template"]["spec"].get("initContainers") or [{}]
    members = "".join(configure.get("args", ())[-1:])
    every = [f"nats-{number}.{servers['spec']['serviceName']}:6222" for number in range(count)]
    if count > 1 and members.split(",") != every:
        yield f"{title(servers)}: its members must be {every}"


def those_who_are_asked_are_there(objects: Objects) -> Complaints:
    """Every URL leads to a Service of ours that has this port."""
    for pod in pods(objects):
        for container in pod.all_containers:
            given = environment(objects, pod, container)
            where = f"{title(pod.workload)}: {container['name']}"
            if container is pod.main:
                yield from (f"{where}: has no {name}" for name in ASKED.get(pod.name, ()) if not given.get(name))
            for name in {"NATS_URL", "MODEL_URL", "SIGNALING", "MCP_BRIDGE"} & given.keys():
                value = given[name]
                split = urlsplit(value if "://" in value else f"//{value}")
                yield from (f"{where}: {name} {why}" for why in _absent(objects, split.hostname or "", split.port))
                if pod.name == "page" and not (split.hostname or "").endswith(WHOLE):
                    yield f"{where}: {name} must end in {WHOLE}, to which nginx' image adds the domain"
            if "POSTGRES_HOST" in given:
                yield from (f"{where}: {why}" for why in _absent(objects, given["POSTGRES_HOST"], DATABASE_PORT))


def _absent(objects: Objects, host: str, port: int | None) -> Iterator[str]:
    service = named(objects, "Service", host.removesuffix(WHOLE))
    if service is None or namespace_of(service) != NAMESPACE:
        yield f"names {host}, which is no Service"
    elif port not in {one["port"] for one in service["spec"]["ports"]}:
        yield f"names port {port}, which Service {host} has not"
