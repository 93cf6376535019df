"""Every installation that the suite looks at, rendered by kubectl as `kubectl apply -k` would."""

import shutil
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from policy.k8s.objects import Node, parsed

ROOT: Final = Path(__file__).parents[2]
K8S: Final = ROOT / "k8s"
KUBECTL: Final = ROOT / ".tools" / "bin" / "kubectl"
RENDERED: Final = K8S / "all.yaml"
HEAD: Final = (
    "# kubectl kustomize k8s/overlays/local. Made by `.venv/bin/python -m policy.k8s.rendered`; do not edit.\n"
)

Edit = tuple[str, str, str]
"""A file of the overlay, what is there once, and what a person writes in its place; nothing, where it is a new file."""


def with_component(name: str) -> Edit:
    """Its line is there already, behind a `#`."""
    return "kustomization.yaml", f"  # - ../../components/{name}\n", f"  - ../../components/{name}\n"


def without_component(name: str) -> Edit:
    return "kustomization.yaml", f"  - ../../components/{name}\n", ""


MODEL_SERVER: Final[tuple[Edit, ...]] = (
    ("model-server.yaml", "addresses: [192.0.2.1]", "addresses: [10.9.8.7]"),
    ("model-server.yaml", "ports:\n  - name: http\n    port: 1234\n", "ports:\n  - name: http\n    port: 11434\n"),
)
VARIANTS: Final[Mapping[str, tuple[str, tuple[Edit, ...]]]] = {
    "local": ("local", ()),
    "local, observed": ("local", (with_component("observability"),)),
    "local, its model server somewhere": ("local", MODEL_SERVER),
    "production": ("production", ()),
    "production, tokens of a provider": ("production", (with_component("auth-jwks"),)),
    "production, a database of its own authority": (
        "production",
        (with_component("database-ca"), ("../../components/database-ca/ca.crt", "", "of an authority")),
    ),
    "production, TURN on nodes": (
        "production",
        (without_component("turn-load-balancer"), with_component("turn-host-network")),
    ),
    "production, at places of its own": (
        "production",
        (*MODEL_SERVER, ("network-policies.yaml", "192.0.2.32/28", "10.9.4.0/24")),
    ),
}
"""Overlays, and what a person makes of a copy of one as its comments and docs/kubernetes.md say."""
OVERLAYS: Final = ("local", "production")


def kustomized(folder: Path) -> str:
    """What kubectl renders of a folder. Raises CalledProcessError."""
    return subprocess.run(  # noqa: S603 - our own folder, and no shell
        [str(KUBECTL), "kustomize", str(folder)], capture_output=True, text=True, check=True, timeout=60
    ).stdout


@cache
def text_of(variant: str) -> str:
    overlay, edits = VARIANTS[variant]
    if not edits:
        return kustomized(K8S / "overlays" / overlay)
    with TemporaryDirectory() as copy:
        shutil.copytree(K8S, copy, dirs_exist_ok=True)
        folder = Path(copy, "overlays", overlay)
        for name, old, new in edits:
            if not old:
                (folder / name).write_text(new, encoding="utf-8")
                continue
            text = (folder / name).read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise ValueError(f"{old!r} is {text.count(old)} times in {overlay}/{name}")
            (folder / name).write_text(text.replace(old, new), encoding="utf-8")
        return kustomized(folder)


def objects_of(variant: str) -> list[Node]:
    """A copy of its own for each caller."""
    return deepcopy(_parsed(variant))


@cache
def _parsed(variant: str) -> list[Node]:
    return parsed(text_of(variant))
