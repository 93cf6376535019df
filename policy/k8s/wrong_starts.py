"""Pods that would not start, would not be found, or would not be held."""

from policy.k8s.changing import Wrong, box, config, of, pod, without
from policy.k8s.objects import Node

TRUE: Node = {"exec": {"command": ["true"]}}


def mounts(objects: list[Node], name: str, kind: str = "Deployment") -> list[Node]:
    found: list[Node] = box(objects, name, kind)["volumeMounts"]
    return found


def mounted(objects: list[Node], name: str, volume: str, kind: str = "Deployment") -> Node:
    return next(one for one in mounts(objects, name, kind) if one["name"] == volume)


def begins(objects: list[Node], name: str, kind: str = "Deployment") -> Node:
    """The pod's init container."""
    first: Node = pod(objects, name, kind)["initContainers"][0]
    return first


WRONG: Wrong = {
    "probes ask what is there": [
        *[("local", lambda o, name=name, kind=kind, probe=probe: box(o, name, kind).update({probe: TRUE}))
          for name, kind in (("agent", "Deployment"), ("page", "Deployment"), ("coturn", "Deployment"),
                             ("nats", "StatefulSet"), ("postgres", "StatefulSet"))
          for probe in ("startupProbe", "readinessProbe", "livenessProbe")],
        ("local", lambda o: box(o, "nats", "StatefulSet")["livenessProbe"]["httpGet"].update(path="/healthz")),
        ("local", lambda o: box(o, "nats", "StatefulSet")["startupProbe"]["httpGet"].update(path="/healthz")),
        ("local", lambda o: box(o, "nats", "StatefulSet")["startupProbe"].update(failureThreshold=150)),
        ("local", lambda o: box(o, "postgres", "StatefulSet")["readinessProbe"]["exec"].update(
            command=["pg_isready", "-q"])),
    ],
    "what comes before is there": [
        ("local", lambda o: pod(o, "todo-store").pop("initContainers")),
        ("local", lambda o: pod(o, "agent").pop("initContainers")),
        ("local", lambda o: pod(o, "coturn").pop("initContainers")),
        ("production", lambda o: pod(o, "nats", "StatefulSet").pop("initContainers")),
        ("local", lambda o: begins(o, "todo-store").update(args=[])),
        ("local", lambda o: begins(o, "cluster-secrets").update(args=["nats"])),
        ("production", lambda o: begins(o, "agent").update(args=["topology"])),
        ("production", lambda o: of(o, "StatefulSet", "nats")["spec"].update(replicas=5)),
        ("production", lambda o: begins(o, "nats", "StatefulSet")["args"].__setitem__(-1, "nats-0.nats:6222")),
    ],
    "those who are asked are there": [
        ("local", lambda o: config(o, "services").update(NATS_URL="nats://bus:4222")),
        ("local", lambda o: config(o, "services").update(NATS_URL="nats://nats:4333")),
        ("local", lambda o: config(o, "services").pop("NATS_URL")),
        ("local", lambda o: config(o, "agent-settings").update(MODEL_URL="http://lm-studio:1234")),
        ("local", lambda o: config(o, "agent-settings").update(MODEL_URL="http://model-server:80")),
        ("local", lambda o: config(o, "page-settings").update(SIGNALING="signaling:8080")),
        ("local", lambda o: config(o, "page-settings").update(
            MCP_BRIDGE="mcp.todo-agent.svc:8080")),
        ("local", lambda o: begins(o, "cluster-secrets")["env"][0].update(value="database")),
        ("local", lambda o: begins(o, "agent")["env"][1].update(value="nats://bus:4222")),
    ],
    "volumes are where programs look": [
        ("local", lambda o: mounted(o, "nats", "data", "StatefulSet").update(mountPath="/var/lib/nats")),
        ("local", lambda o: mounted(o, "nats", "data", "StatefulSet").update(readOnly=True)),
        ("local", lambda o: mounted(o, "postgres", "data", "StatefulSet").update(mountPath="/var/lib/postgresql/data")),
        ("local", lambda o: mounted(o, "postgres", "data", "StatefulSet").update(name="tmp")),
        ("local", lambda o: mounts(o, "agent").remove(mounted(o, "agent", "tmp"))),
        ("local", lambda o: mounted(o, "page", "tmp").update(readOnly=True)),
        ("local", lambda o: mounts(o, "agent").append({**mounted(o, "agent", "tmp"), "mountPath": "/run/secrets"})),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(fsGroup=1000)),
        ("local", lambda o: pod(o, "agent")["securityContext"].pop("fsGroup")),
        ("local", lambda o: pod(o, "postgres", "StatefulSet")["securityContext"].pop("fsGroup")),
        ("local", lambda o: mounted(o, "coturn", "certificate").update(mountPath="/etc/coturn/tls")),
        ("local", lambda o: mounted(o, "coturn", "certificate").update(mountPath="/run/tls")),
        ("local", lambda o: mounted(o, "coturn", "configuration").update(mountPath="/etc/turn")),
        ("local", lambda o: box(o, "nats", "StatefulSet")["args"].__setitem__(1, "/etc/nats/server.conf")),
        ("production, a database of its own authority", lambda o: mounted(o, "todo-store", "database-ca").update(
            mountPath="/run/ca")),
        ("local", lambda o: next(one for one in pod(o, "nats", "StatefulSet")["volumes"]
                                 if one["name"] == "configuration")["emptyDir"].pop("medium")),
    ],
    "relays are reached": [
        ("production", lambda o: of(o, "Service", "coturn")["spec"].pop("type")),
        ("production", lambda o: of(o, "Deployment", "coturn")["spec"].update(replicas=2)),
        ("production", lambda o: without(o, "Service", "coturn")),
        ("local", lambda o: without(o, "Deployment", "coturn")),
        ("local", lambda o: of(o, "Service", "coturn")["spec"].update(type="NodePort")),
    ],
    "pods are restricted": [
        ("local", lambda o: box(o, "agent")["readinessProbe"]["httpGet"].update(host="169.254.169.254")),
        ("local", lambda o: box(o, "agent").update(livenessProbe={"tcpSocket": {"host": "10.0.0.1", "port": 22}})),
        ("local", lambda o: box(o, "agent").update(
            lifecycle={"postStart": {"httpGet": {"host": "10.0.0.1", "port": 80}}})),
        ("local", lambda o: box(o, "agent")["securityContext"].update(appArmorProfile={"type": "Unconfined"})),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(appArmorProfile={"type": "Unconfined"})),
        ("local", lambda o: of(o, "Deployment", "agent")["spec"]["template"]["metadata"].update(
            annotations={"container.apparmor.security.beta.kubernetes.io/agent": "unconfined"})),
        ("local", lambda o: pod(o, "agent")["securityContext"].update(seLinuxOptions={"type": "spc_t"})),
        ("local", lambda o: box(o, "agent")["securityContext"].update(seLinuxOptions={"user": "root"})),
    ],
    "images are pinned": [
        *[("local", lambda o, image=image: box(o, "nats", "StatefulSet").update(image=image))
          for image in ("docker.io/library/nats:2", "docker.io/library/nats:alpine", "nats:2.14.5-alpine3.22",
                        "docker.io/library/nats", "library/nats:2.14.5")],
    ],
    "objects are ours": [
        ("local", lambda o: of(o, "Role", "cluster-secrets")["metadata"].pop("labels")),
        ("production", lambda o: of(o, "NetworkPolicy", "ingress")["metadata"]["labels"].update(
            {"app.kubernetes.io/part-of": "another"})),
    ],
    "services are there": [
        ("local", lambda o: of(o, "Service", "nats-servers")["spec"].pop("publishNotReadyAddresses")),
    ],
    "stopping takes its time": [
        ("production", lambda o: box(o, "nats", "StatefulSet")["lifecycle"]["preStop"]["exec"].update(
            command=["nats-server", "--signal", "ldm=/run/nats.pid"])),
        ("production", lambda o: box(o, "nats", "StatefulSet")["args"].remove("--pid")),
        ("local", lambda o: box(o, "coturn").pop("lifecycle")),
    ],
    "disruptions are bounded": [
        *[("local", lambda o, name=name: of(o, "PodDisruptionBudget", name)["spec"].update(
            unhealthyPodEvictionPolicy="AlwaysAllow")) for name in ("rtc-gateway", "nats", "postgres")],
    ],
    "updates keep serving": [
        ("local", lambda o: of(o, "Deployment", "cluster-secrets")["spec"].update(replicas=2)),
        ("local", lambda o: of(o, "Deployment", "cluster-secrets")["spec"].pop("strategy")),
        ("local", lambda o: of(o, "Deployment", "cluster-secrets")["spec"].update(strategy={"type": "RollingUpdate"})),
    ],
}  # fmt: skip
