"""The pods of a rendered overlay on a container engine, as a kubelet would run them: one network namespace each, init
containers first, users, groups, roots that cannot be written, volumes, ConfigMaps, Secrets; and its network policies in
force. Services are names of their pods, so ports are not translated.

There is no API server: who makes Secrets is asked for their values in memory. Nothing is scheduled, and probes are
asked until they are answered, and no more.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from bench.lab.namespace import Namespace
from policy.k8s.objects import NAMESPACE, Node, Objects, Pod, environment, matches, of_kind, pods
from tests.containers import images, pod_policies, pod_volumes
from tests.containers.engine import Engine, EngineError
from tests.containers.machine import CACHE

from provision.cluster import making
from provision.secrets import Database

NETWORK: Final = "todo-agent-pods"
SUBNET: Final = "10.98.78"
NODE: Final = f"{SUBNET}.1"
"""The node, as pods see it: its resolver is the cluster's, and probes come from it."""
FIRST: Final = 10
PAUSE: Final = "localhost/todo-agent/provision:dev"
"""What keeps a pod's network while its containers come and go."""
RETRIES: Final = 60
PATIENCE_S: Final = 120.0
SKIPPED: Final = {"cluster-secrets"}
FIRST_PODS: Final = ("postgres", "nats", "todo-store")
"""Here one is started after the other, and whoever waits for another would hold it up."""


class OfContainer(Namespace):
    """The network namespace of a container's first process."""

    @property
    def path(self) -> Path:
        return Path(f"/proc/{self.name}/ns/net")


@dataclass
class RunningPod:
    """One, with its address and the folder of its volumes."""

    pod: Pod
    address: str
    folder: Path
    network: Namespace

    @property
    def main(self) -> str:
        return f"k8s-{self.pod.name}-{self.pod.main['name']}"


@dataclass
class Cluster:
    """The objects of one overlay, running. `images_of` says which image stands for a name."""

    engine: Engine
    objects: Objects
    environ: Mapping[str, str]
    """In place of what a ConfigMap says: what only kube-proxy could make true."""
    hosts: Mapping[str, str]
    """Names and addresses of those who are outside."""
    running: dict[str, RunningPod] = field(default_factory=dict)
    secrets: pod_volumes.InMemory = field(default_factory=pod_volumes.InMemory)

    def start(self) -> None:
        """Start every pod, and wait until all are ready. Raises EngineError."""
        making.complete(self.secrets, Database())
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "resolv.conf").write_text(f"nameserver {NODE}\n")
        wanted = [pod for pod in pods(self.objects, NAMESPACE) if pod.name not in SKIPPED]
        for number, pod in enumerate(wanted):
            self._sandbox(pod, f"{SUBNET}.{FIRST + number}")
        addresses = [(held.pod, held.address) for held in self.running.values()]
        for held in self.running.values():
            held.network.nft(pod_policies.rules(self.objects, held.pod, addresses, NODE))
        for held in sorted(self.running.values(), key=_turn):
            for container in held.pod.spec.get("initContainers", ()):
                self._until_done(held, container)
            for container in held.pod.containers:
                self._run(held, container, "--detach", "--restart", "always")
        for held in self.running.values():
            self._until_ready(held)

    @property
    def folder(self) -> Path:
        return CACHE / "pods"

    @property
    def _resolver(self) -> str:
        """The cluster's alone: podman adds the machine's own."""
        return f"--volume={self.folder / 'resolv.conf'}:/etc/resolv.conf:ro"

    def stop(self, name: str) -> tuple[int, float]:
        """As the kubelet does: preStop, SIGTERM, and SIGKILL after the grace. Exit status and seconds."""
        held, began = self.running[name], time.monotonic()
        command = ((held.pod.main.get("lifecycle") or {}).get("preStop") or {}).get("exec", {}).get("command")
        if command:
            self.engine.run("exec", held.main, *command)
        left = held.pod.spec["terminationGracePeriodSeconds"] - (time.monotonic() - began)
        self.engine.run("stop", "--time", str(int(left)), held.main)
        took = time.monotonic() - began
        status = int(self.engine.run("inspect", "--format", "{{.State.ExitCode}}", held.main))
        return status, took

    def again(self, name: str) -> None:
        """Start what was stopped, and wait until it is ready."""
        self.engine.run("start", self.running[name].main)
        self._until_ready(self.running[name])

    def keep_logs(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, held in self.running.items():
            with contextlib.suppress(EngineError):
                (directory / f"{name}.log").write_text(self.engine.logs(held.main))

    def _sandbox(self, pod: Pod, address: str) -> None:
        """The namespace that the pod's containers share, which is there before them and outlives their restarts."""
        names = [f"--network-alias={name}" for name in self._names(pod)]
        hosts = [f"--add-host={name}:{at}" for name, at in self.hosts.items()]
        given = ("--detach", f"--network={NETWORK}", f"--ip={address}", *names, *hosts, self._resolver)
        box = f"k8s-{pod.name}"
        self.engine.run("run", *given, f"--name={box}", "--entrypoint=sleep", _image(PAUSE), "infinity")
        pid = self.engine.run("inspect", "--format", "{{.State.Pid}}", box).strip()
        folder = self.folder / pod.name
        folder.mkdir(parents=True)
        self.running[pod.name] = RunningPod(pod, address, folder, OfContainer(pid))
        for volume in pod.spec.get("volumes", ()):
            pod_volumes.fill(folder / volume["name"], volume, pod, self.objects, self.secrets)
        for claim in pod.workload["spec"].get("volumeClaimTemplates", ()):
            pod_volumes.empty(folder / claim["metadata"]["name"], pod)

    def _names(self, pod: Pod) -> Iterator[str]:
        for service in of_kind(self.objects, "Service"):
            if matches({"matchLabels": service["spec"].get("selector") or {"": ""}}, pod.labels):
                name = service["metadata"]["name"]
                yield from (name, f"{name}.{NAMESPACE}.svc.cluster.local", f"{pod.name}-0.{name}")

    def _until_done(self, held: RunningPod, container: Node) -> None:
        """An init container that fails is started again."""
        for left in reversed(range(RETRIES)):
            try:
                self._run(held, container, "--rm")
            except EngineError:
                if not left:
                    raise
                time.sleep(1)
            else:
                return

    def _run(self, held: RunningPod, container: Node, *how: str) -> None:
        pod, context = held.pod, container["securityContext"]
        spec = pod.spec["securityContext"]
        given = environment(self.objects, pod, container)
        known = {"<status.podIP>": held.address, "<metadata.name>": f"{pod.name}-0"}
        values = {name: known.get(value, value) for name, value in given.items()}
        values |= {name: value for name, value in self.environ.items() if name in values}
        argv = ["run", *how, f"--name=k8s-{pod.name}-{container['name']}", f"--network=container:k8s-{pod.name}"]
        argv.append(self._resolver)
        argv += [f"--user={spec['runAsUser']}:{spec['runAsGroup']}", "--read-only"]
        if self.engine.is_podman:
            argv.append("--read-only-tmpfs=false")
        memory = container["resources"]["limits"]["memory"].removesuffix("i").lower()
        argv += ["--security-opt=no-new-privileges", f"--memory={memory}"]
        argv += [f"--cap-drop={name}" for name in context["capabilities"]["drop"]]
        argv += [f"--cap-add={name}" for name in context["capabilities"].get("add", ())]
        if "fsGroup" in spec:
            argv.append(f"--group-add={spec['fsGroup']}")
        argv += [f"--env={name}={value}" for name, value in values.items()]
        for mount in container.get("volumeMounts", ()):
            end = ":ro" if mount.get("readOnly") else ""
            argv.append(f"--volume={held.folder / mount['name']}:{mount['mountPath']}{end}")
        command, words = list(container.get("command", ())), container.get("args", ())
        if command:
            argv.append(f"--entrypoint={command.pop(0)}")
        known_words = [word.replace("$(POD_NAME)", values.get("POD_NAME", "")) for word in (*command, *words)]
        self.engine.run(*argv, _image(container["image"]), *known_words)

    def _until_ready(self, held: RunningPod) -> None:
        until, said = time.monotonic() + PATIENCE_S, ""
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            while (said := self._asked(held, held.pod.main[name])) != "":
                if time.monotonic() > until:
                    raise EngineError(f"{held.main}: {name}: {said}\n{self.engine.logs(held.main)[-2000:]}")
                time.sleep(0.2)

    def _asked(self, held: RunningPod, probe: Node) -> str:
        """Empty where the probe is content; from the pod's own namespace, as no policy is about the kubelet."""
        if "exec" in probe:
            try:
                wait = probe.get("timeoutSeconds", 1) + 5
                self.engine.run("exec", held.main, *probe["exec"]["command"], timeout=wait)
            except EngineError as error:
                return str(error)
            return ""
        port = next(one["containerPort"] for one in held.pod.ports if one["name"] == probe["httpGet"]["port"])
        url = f"http://{held.address}:{port}{probe['httpGet']['path']}"

        def ask() -> str:
            answer = httpx.get(url, timeout=probe.get("timeoutSeconds", 1), trust_env=False)
            return "" if answer.is_success else answer.text

        try:
            return held.network.inside(ask)
        except httpx.HTTPError as error:
            return repr(error)


def _turn(held: RunningPod) -> int:
    name = held.pod.name
    return FIRST_PODS.index(name) if name in FIRST_PODS else len(FIRST_PODS)


def _image(name: str) -> str:
    """As the engine knows it: ours as compose names them, other people's with their registry."""
    return images.full(name.removeprefix("localhost/"))


@contextlib.contextmanager
def running_cluster(
    engine: Engine, objects: Objects, environ: Mapping[str, str], hosts: Mapping[str, str], model_port: int
) -> Iterator[Cluster]:
    """The pods, for the length of the block; nothing is left of them."""
    for found in of_kind(objects, "EndpointSlice", "NetworkPolicy"):
        _at_the_node(found, model_port)
    cluster = Cluster(engine, objects, environ, hosts)
    _clear(engine)
    engine.run("network", "create", f"--subnet={SUBNET}.0/24", f"--gateway={NODE}", NETWORK)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.keep_logs(CACHE / "logs" / "pods")
        _clear(engine)
        shutil.rmtree(cluster.folder, ignore_errors=True)


def _at_the_node(found: Node, port: int) -> None:
    """What a person writes into model-server.yaml, which kustomize carries on into the policy."""
    if found["metadata"]["name"] == "model-server":
        found["endpoints"][0]["addresses"], found["ports"][0]["port"] = [NODE], port
    if found["kind"] == "NetworkPolicy" and found["metadata"]["name"] == "agent":
        rule: dict[str, Any] = found["spec"]["egress"][0]
        rule["to"][0]["ipBlock"]["cidr"], rule["ports"][0]["port"] = f"{NODE}/32", port


def _clear(engine: Engine) -> None:
    names = engine.run("ps", "--all", "--format", "{{.Names}}", check=False).split()
    # Those first whose network is another's.
    for one in sorted((name for name in names if name.startswith("k8s-")), key=lambda name: -len(name)):
        engine.run("rm", "--force", "--time", "0", one, check=False)
    engine.run("network", "rm", "--force", NETWORK, check=False)
