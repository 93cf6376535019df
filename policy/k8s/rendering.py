"""Every installation that the suite looks at, rendered by kubectl as `kubectl apply -k` would."""

import os
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

VARIANTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "local": ("local", ()),
    "local, observed": ("local", ("observability",)),
    "production": ("production", ()),
    "production, tokens of a provider": ("production", ("auth-jwks",)),
    "production, TURN on nodes": ("production", ("turn-host-network",)),
}
"""Overlays, and those that a person makes of one and further components."""
OVERLAYS: Final = ("local", "production")


def kustomized(folder: Path) -> str:
    """What kubectl renders of a folder. Raises CalledProcessError."""
    return subprocess.run(  # noqa: S603 - our own folder, and no shell
        [str(KUBECTL), "kustomize", str(folder)], capture_output=True, text=True, check=True, timeout=60
    ).stdout


@cache
def text_of(variant: str) -> str:
    overlay, components = VARIANTS[variant]
    if not components:
        return kustomized(K8S / "overlays" / overlay)
    # Within the repository, since kustomize takes no absolute path.
    with TemporaryDirectory(dir=K8S, prefix=".variant-") as folder:
        lines = ["resources:", f"  - ../overlays/{overlay}", "components:"]
        lines += [f"  - ../components/{component}" for component in components]
        Path(folder, "kustomization.yaml").write_text(os.linesep.join(lines), encoding="utf-8")
        return kustomized(Path(folder))


def objects_of(variant: str) -> list[Node]:
    """A copy of its own for each caller."""
    return deepcopy(_parsed(variant))


@cache
def _parsed(variant: str) -> list[Node]:
    return parsed(text_of(variant))
