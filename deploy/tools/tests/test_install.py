"""install.sh takes the machine's tools where they are new enough, and names what is missing."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[1] / "install.sh"
BOUND_S = 60
TOOLS = ("sh", "sed", "sort", "head", "mkdir", "dirname", "chmod", "rm")
Install = Callable[..., "subprocess.CompletedProcess[str]"]
Machine = Callable[[str, str], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the script in a repository of its own."""
    folder = tmp_path / "repository/deploy/tools"
    folder.mkdir(parents=True)
    shutil.copy(INSTALL, folder)
    return tmp_path / "repository"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH without apt, Docker and kubectl."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (folder / tool).symlink_to(found)
    return folder


@pytest.fixture
def install(root: Path, path: Path) -> Install:
    def run(*tools: str, ci: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", root / "deploy/tools/install.sh", *tools],
            env={"PATH": str(path), "CI": "true" if ci else ""},
            capture_output=True,
            text=True,
            timeout=BOUND_S,
            check=False,
        )

    return run


def says(path: Path, command: str, answer: str) -> None:
    """A program that says this whatever it is asked, and its arguments after it."""
    program = path / command
    program.write_text(f'#!/bin/sh\necho "{answer}" "$@"\n')
    program.chmod(0o755)


def asked(program: Path, path: Path) -> str:
    return subprocess.run(
        [program, "config"], env={"PATH": str(path)}, capture_output=True, text=True, timeout=BOUND_S, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("command", "answer", "words"),
    [
        ("docker", "v2.40.3-desktop.1", "compose config"),
        ("docker", "5.0.1", "compose config"),
        ("docker-compose", "2.20.0", "config"),
    ],
)
def test_compose_of_the_machine_is_taken(
    install: Install, root: Path, path: Path, *, command: str, answer: str, words: str
) -> None:
    says(path, command, answer)
    assert install("compose").returncode == 0
    assert asked(root / ".tools/bin/compose", path) == f"{answer} {words}"


def test_kubectl_of_the_machine_is_taken(install: Install, root: Path, path: Path) -> None:
    says(path, "kubectl", "Client Version: v1.34.2")
    assert install("kubectl").returncode == 0
    assert asked(root / ".tools/bin/kubectl", path).endswith("v1.34.2 config")


@pytest.mark.parametrize(
    ("command", "answer", "tool"),
    [
        ("docker-compose", "1.29.2", "compose"),
        ("docker", "2.19.9", "compose"),
        ("kubectl", "Client Version: v1.20.2", "kubectl"),
        ("docker", "docker: 'compose' is not a docker command.", "compose"),
    ],
)
def test_one_that_is_too_old_is_not_taken_and_named(
    install: Install, root: Path, path: Path, *, command: str, answer: str, tool: str
) -> None:
    says(path, command, answer)
    done = install(tool)
    assert f"not checked: what needs {tool} >= " in done.stderr
    assert not os.path.lexists(root / ".tools/bin" / tool)


def test_what_is_missing_is_named_and_fails_in_ci_alone(install: Install) -> None:
    done, in_ci = install(), install(ci=True)
    for tool in ("compose", "kubectl"):
        assert f"not checked: what needs {tool} >= " in done.stderr
    assert done.returncode == 0
    assert in_ci.returncode != 0


def test_one_that_has_become_too_old_is_replaced(install: Install, root: Path, path: Path) -> None:
    says(path, "docker-compose", "2.20.0")
    assert install("compose").returncode == 0
    says(path, "docker-compose", "2.0.0")
    says(path, "docker", "2.30.0")
    assert install("compose").returncode == 0
    assert asked(root / ".tools/bin/compose", path) == "2.30.0 compose config"
