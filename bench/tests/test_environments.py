"""What is compared with is installed once, as it is pinned, and never passed over in silence."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench.environments import Environment, NotInstalledError
from bench.peers.environment import PACKAGES as PEERS


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """One with a uv of ours in a place of its own, which makes a Python and notes each call."""
    place = tmp_path / ".tools" / "peers"
    program = tmp_path / ".tools" / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nmkdir -p {place}/bin && touch {place}/bin/python\n')
    program.chmod(0o755)
    return Environment("peers", PEERS.requirements, tmp_path)


def test_it_is_installed_once_for_the_same_requirements(environment: Environment) -> None:
    calls = environment.root / "calls"
    assert environment.installed() == environment.installed()
    assert [line.split()[0] for line in calls.read_text().splitlines()] == ["venv", "pip"]
    assert "--require-hashes" in calls.read_text()
    other = environment.root / "requirements.txt"
    other.write_text("openai==1 \\\n")
    replace(environment, requirements=other).installed()
    assert len(calls.read_text().splitlines()) == 4


def test_what_cannot_be_installed_is_said_and_tried_again(environment: Environment) -> None:
    uv = environment.root / ".tools" / "bin" / "uv"
    uv.write_text('#!/bin/sh\nmkdir -p "$0.d"; echo "no such package" >&2; exit 1\n')
    for _ in range(2):
        with pytest.raises(NotInstalledError, match="no such package"):
            environment.installed()


def test_without_uv_it_says_where_that_comes_from(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    (environment.root / ".tools" / "bin" / "uv").unlink()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalledError, match="make sync"):
        environment.installed()


def test_every_peer_is_pinned_to_one_version() -> None:
    wanted = {"openai", "pydantic-ai-slim", "openai-agents", "langchain", "langgraph", "smolagents", "nats-py"}
    assert wanted <= PEERS.versions().keys()
