"""A pod's volumes as folders of this machine, laid out and owned as the kubelet does."""

import os
from collections.abc import Mapping
from pathlib import Path

from policy.k8s.objects import Node, Objects, Pod, of_kind


class InMemory:
    """Secrets of a namespace."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, str]] = {}

    def read(self, name: str) -> dict[str, str] | None:
        return self.held.get(name)

    def make(self, name: str, values: Mapping[str, str]) -> bool:
        self.held[name] = dict(values)
        return True

    def add(self, name: str, values: Mapping[str, str]) -> None:
        self.held[name] |= values


def fill(folder: Path, volume: Node, pod: Pod, objects: Objects, secrets: InMemory) -> None:
    """One volume of a pod: a Secret's or a ConfigMap's files, or an empty folder."""
    empty(folder, pod)
    if "secret" in volume:
        held = secrets.read(volume["secret"]["secretName"])
        assert held is not None or volume["secret"].get("optional"), volume
        _project(folder, held or {}, volume["secret"]["defaultMode"], pod)
    if "configMap" in volume:
        wanted = volume["configMap"]["name"]
        data = next(one["data"] for one in of_kind(objects, "ConfigMap") if one["metadata"]["name"] == wanted)
        _project(folder, data, volume["configMap"]["defaultMode"], pod)


def empty(folder: Path, pod: Pod) -> None:
    """A folder of root's, which the pod's group may write."""
    group = pod.spec["securityContext"].get("fsGroup")
    folder.mkdir(parents=True)
    os.chown(folder, 0, 0 if group is None else group)
    folder.chmod(0o2777 if group is None else 0o2775)


def _project(folder: Path, data: Mapping[str, str], mode: int, pod: Pod) -> None:
    """Files behind links, so that all change at once."""
    kept = folder / "..2026_11_30"
    kept.mkdir()
    group = pod.spec["securityContext"].get("fsGroup", 0)
    for name, content in data.items():
        (kept / name).write_text(content)
        os.chown(kept / name, 0, group)
        (kept / name).chmod(mode)
        (folder / name).symlink_to(Path("..data", name))
    (folder / "..data").symlink_to(kept.name)
