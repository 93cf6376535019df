"""Where a service's settings come from."""

from pathlib import Path

import pytest

from runtime.settings import ServiceSettings


@pytest.fixture
def secrets_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nats_password").write_text("out of a file\n")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("NATS_PASSWORD", raising=False)
    return tmp_path


def test_a_secret_is_read_from_the_file_of_its_name(secrets_dir: Path) -> None:
    assert ServiceSettings().nats_password.get_secret_value() == "out of a file"


def test_the_environment_comes_before_the_files(secrets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_PASSWORD", "out of the environment")
    assert ServiceSettings().nats_password.get_secret_value() == "out of the environment"


def test_without_the_folders_name_no_file_is_read(secrets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRETS_DIR")
    monkeypatch.chdir(secrets_dir)
    assert ServiceSettings().nats_password.get_secret_value() == ""
