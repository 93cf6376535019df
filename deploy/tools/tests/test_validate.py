"""deploy/tools/validate.sh says of each kind of file what its own tool finds wrong."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / ".tools/bin/compose"
BOUND_S = 60
GOOD = {
    "compose.yml": "services: {one: {image: 'one:${TAG:-1.0}'}}\n",
    "compose.dev.yml": "services: {one: {scale: 1}}\n",
    "deploy/observability/compose.yml": "services: {two: {image: 'two:1.0'}}\n",
    ".env.example": "TAG=1.0\n",
    "deploy/images/Dockerfile": "FROM debian:13.1\nUSER 10001\n",
    "deploy/some.sh": '#!/bin/sh\necho "$1"\n',
    "run": '#!/usr/bin/env bash\necho "$1"\n',
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With every kind of file, and nothing wrong. Without Compose skipped by name, and a failure where CI=true."""
    if not COMPOSE.exists():
        reason = "Compose v2 is not here: make deploy-tools"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    for name, text in GOOD.items():
        write(tmp_path, name, text)
    for name in (".hadolint.yaml", ".yamllint.yaml", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "deploy/tools").mkdir()
    shutil.copy(ROOT / "deploy/tools/validate.sh", tmp_path / "deploy/tools")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / ".tools/bin").mkdir(parents=True)
    (tmp_path / ".tools/bin/compose").symlink_to(COMPOSE.resolve())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def write(repository: Path, name: str, text: str) -> None:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_text(text)


def validate(repository: Path) -> subprocess.CompletedProcess[str]:
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    return subprocess.run(
        [repository / "deploy/tools/validate.sh"],
        cwd=repository,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


def test_it_says_nothing_where_all_is_well(repository: Path) -> None:
    done = validate(repository)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("compose.yml", "services: {one: {image: 'one:${TAG}'}}\n", "variable is not set"),
        ("compose.yml", "services: {one: {image: 'one:1.0', depends_on: [two]}}\n", "depends on undefined service"),
        ("compose.dev.yml", "services: {one: {scael: 1}}\n", "scael"),
        ("deploy/observability/compose.yml", "services: {two: {image: 'two:1.0', networks: [none]}}\n", "none"),
        (".env.example", "TAG='1.0\n", ".env.example"),
        ("deploy/images/Dockerfile", "FROM debian:latest\nUSER 10001\n", "DL3007"),
        ("deploy/images/page.Dockerfile", "FROM quay.io/some/image:1.0\n", "DL3026"),
        ("any.yml", "a: 1\na: 2\n", "duplication of key"),
        (".github/some.yaml", "a:   1\n", "too many spaces"),
        ("deploy/some.sh", "#!/bin/sh\necho $1\n", "SC2086"),
        ("run", "#!/usr/bin/env bash\necho $1\n", "SC2086"),
    ],
)
def test_what_is_wrong_is_said_and_fails(repository: Path, name: str, text: str, said: str) -> None:
    write(repository, name, text)
    done = validate(repository)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
