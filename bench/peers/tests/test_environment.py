"""The peers' own environment: made once, and never passed over in silence."""

from pathlib import Path

import pytest
from bench.peers import environment
from bench.peers.environment import NotInstalledError, installed, versions


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv of ours in a place of its own, which makes a Python and notes each call."""
    place = tmp_path / ".tools" / "peers"
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "PLACE", place)
    program = tmp_path / ".tools" / "bin" / "uv"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nmkdir -p {place}/bin && touch {place}/bin/python\n')
    program.chmod(0o755)
    return program


def test_it_is_installed_once_for_the_same_requirements(uv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = uv.parent.parent.parent / "calls"
    assert installed() == installed()
    assert [line.split()[0] for line in calls.read_text().splitlines()] == ["venv", "pip"]
    assert "--require-hashes" in calls.read_text()
    other = uv.parent / "requirements.txt"
    other.write_text("openai==1 \\\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", other)
    installed()
    assert len(calls.read_text().splitlines()) == 4


def test_what_cannot_be_installed_is_said_and_tried_again(uv: Path) -> None:
    uv.write_text('#!/bin/sh\nmkdir -p "$0.d"; echo "no such package" >&2; exit 1\n')
    for _ in range(2):
        with pytest.raises(NotInstalledError, match="no such package"):
            installed()


def test_without_uv_it_says_where_that_comes_from(uv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv.unlink()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalledError, match="make sync"):
        installed()


def test_every_peer_is_pinned_to_one_version() -> None:
    wanted = {"openai", "pydantic-ai-slim", "openai-agents", "langchain", "langgraph", "smolagents", "nats-py"}
    assert wanted <= versions().keys()
