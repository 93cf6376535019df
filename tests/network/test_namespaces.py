"""The laboratory leaves nothing behind, however a run ends."""

import subprocess
import sys
from pathlib import Path

import pytest
from bench.lab import namespace
from bench.lab.laboratory import Ground

ROOT = Path(__file__).parents[2]
A_RUN = """
import sys
from bench.lab.network import running_network
with running_network() as network:
    print(network.client.name.rpartition("-")[0], flush=True)
    sys.stdin.read()
"""


def namespaces(run: str) -> list[str]:
    return [path.name for path in namespace.DIRECTORY.glob(f"{run}-*")]


def test_what_a_killed_run_left_is_removed_by_the_next_and_what_a_living_one_has_is_not(ground: Ground) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", A_RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as run:
        assert run.stdout is not None
        name = run.stdout.readline().strip()
        assert len(namespaces(name)) == 5
        namespace.sweep()
        assert len(namespaces(name)) == 5
        run.kill()
        run.wait(timeout=10)
    assert len(namespaces(name)) == 5
    assert set(namespace.sweep()) >= {f"{name}-client", f"{name}-server"}
    assert namespaces(name) == []
    assert ground.network.client.path.exists()


@pytest.mark.usefixtures("ground")
def test_a_run_that_ends_removes_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", A_RUN], check=True, input="", capture_output=True, text=True, timeout=20, cwd=ROOT
    )
    assert namespaces(done.stdout.strip()) == []
