"""Whether each volume is where its program looks for it: data, configuration, /tmp, certificates."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise, permutations
from pathlib import PurePosixPath
from typing import Final

from policy.k8s.objects import Complaints, Node, Objects, Pod, name_of, pods, title
from policy.k8s.services import DRIVERS

from provision.cluster import servers

DATA: Final[Mapping[str, str]] = {"nats": "/data", "postgres": "/var/lib/postgresql"}
"""Where the servers keep what is to last: a claim. PostgreSQL 18's image has a folder for each version in it."""
WITHOUT_TMP: Final = {("nats", "exporter"), ("cluster-secrets", "made")}
"""Who writes nothing at all."""


def are_where_programs_look(objects: Objects) -> Complaints:
    for pod in pods(objects):
        parts = (
            _own_group(pod),
            _data(pod),
            _configured(pod),
            *(part(pod, one) for one in pod.all_containers for part in (_of, _named)),
        )
        yield from (f"{title(pod.workload)}: {complaint}" for part in parts for complaint in part)


def _named(pod: Pod, container: Node) -> Iterator[str]:
    """The file that the environment names is one that is mounted."""
    for one in container.get("env", ()):
        if one["name"] != DRIVERS:
            continue
        path = PurePosixPath(one["value"])
        if not any(PurePosixPath(mount["mountPath"]) == path.parent for mount in _places(container)):
            yield f"{container['name']}: {path} is not mounted"


def _own_group(pod: Pod) -> Iterator[str]:
    """Volumes are the group's of whoever runs; without a Secret or a claim, nobody needs that."""
    context = pod.spec.get("securityContext") or {}
    closed = any({"secret", "projected"} & set(volume) for volume in pod.spec.get("volumes", ()))
    needed = closed or "volumeClaimTemplates" in pod.workload["spec"]
    if context.get("fsGroup") != (context.get("runAsGroup") if needed else context.get("fsGroup")):
        yield f"fsGroup {context.get('fsGroup')} is not its runAsGroup {context.get('runAsGroup')}"


def _of(pod: Pod, container: Node) -> Iterator[str]:
    name, places = container["name"], _places(container)
    temporary = {volume["name"] for volume in pod.spec.get("volumes", ()) if "emptyDir" in volume}
    held = next((mount for mount in places if mount["mountPath"] == "/tmp"), None)  # noqa: S108 - the pod's
    if (pod.name, name) not in WITHOUT_TMP and (
        held is None or held["name"] not in temporary or held.get("readOnly") or "subPath" in held
    ):
        yield f"{name}: has no /tmp that it may write"
    for path, count in Counter(mount["mountPath"] for mount in places).items():
        if count > 1:
            yield f"{name}: has {count} volumes at {path}"
    for outer, inner in permutations((PurePosixPath(mount["mountPath"]) for mount in places), 2):
        if outer in inner.parents:
            yield f"{name}: {inner} is inside of {outer}, where a runtime may not be able to make its place"


def _data(pod: Pod) -> Iterator[str]:
    wanted = DATA.get(pod.name) if pod.workload["kind"] == "StatefulSet" else None
    claims = [name_of(claim) for claim in pod.workload["spec"].get("volumeClaimTemplates", ())]
    if wanted is None:
        return
    found = [mount["mountPath"] for mount in _places(pod.main) if mount["name"] in claims and not mount.get("readOnly")]
    if found != [wanted]:
        yield f"keeps its data at {wanted}, but its claims are at {found}"


def _configured(pod: Pod) -> Iterator[str]:
    """What the init container writes is what the server is told to read, and in memory alone: it holds secrets."""
    configure = next((one for one in pod.spec.get("initContainers", ()) if one["name"] == "configure"), None)
    if configure is None:
        return
    written = _after(configure["args"], "--into")
    if written != _after(pod.main["args"], "-c", "--config"):
        yield f"{written} is written, and another file read"
    shared = [
        mount["name"]
        for one in (configure, pod.main)
        for mount in _places(one)
        if PurePosixPath(mount["mountPath"]) in PurePosixPath(written).parents
    ]
    kinds = [volume["emptyDir"] for volume in pod.spec["volumes"] if volume["name"] in shared and "emptyDir" in volume]
    if len(shared) != 2 or len(set(shared)) != 1 or [kind.get("medium") for kind in kinds] != ["Memory"]:
        yield f"{written} is not in a folder in memory that both have"
    if pod.name == "coturn" and not any(
        mount["mountPath"] == str(PurePosixPath(servers.CERTIFICATE).parent) for mount in _places(pod.main)
    ):
        yield f"its certificate is not at {servers.CERTIFICATE}"


def _places(container: Node) -> list[Node]:
    return list(container.get("volumeMounts", ()))


def _after(words: list[str], *options: str) -> str:
    return next((value for word, value in pairwise(words) if word in options), "")
