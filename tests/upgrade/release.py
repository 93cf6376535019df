"""The release before this one, out of the repository's own history: its commit stands in RELEASE_BEFORE."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMIT = (Path(__file__).parent / "RELEASE_BEFORE").read_text().strip()
HOLDS = ("packages", "services", "deploy")


def release_before() -> str:
    """A PYTHONPATH on which the release before runs, with the libraries of this one. Fails where history lacks it."""
    checkout = ROOT / "build" / "release-before" / COMMIT
    if not checkout.is_dir():
        asked = ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"]
        known = subprocess.run(asked, cwd=ROOT, check=False, capture_output=True)
        if known.returncode != 0:
            pytest.fail(
                f"the release before, {COMMIT[:12]}, is not in this clone: fetch its history (git fetch --unshallow), "
                "or name a commit that is there in tests/upgrade/RELEASE_BEFORE"
            )
        fresh = checkout.with_suffix(".new")
        fresh.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["git", "archive", COMMIT, *HOLDS], cwd=ROOT, check=True, capture_output=True)
        subprocess.run(["tar", "-x"], cwd=fresh, input=packed.stdout, check=True)
        fresh.rename(checkout)
    folders = [folder for holds in HOLDS for folder in sorted((checkout / holds).glob("*/src"))]
    return os.pathsep.join(map(str, folders))
