"""Secrets are made once, given to those who need them, and to nobody else."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.permissions import USERS

COTURN = Path(__file__).parents[2] / "coturn"
SURROUNDINGS = {"TURN_IP": "10.9.0.4", "TURN_REALM": "todo.example", "GATEWAY_NETWORK": "10.9.0.5-10.9.0.9"}


def step(into: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "provision", "secrets", "--into", str(into), "--coturn", str(COTURN)],
        env={"PATH": os.defpath, **SURROUNDINGS, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def made(into: Path, **environ: str) -> dict[str, str]:
    """Every file below `into` by its path."""
    done = step(into, **environ)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    return {str(path.relative_to(into)): path.read_text() for path in sorted(into.rglob("*")) if path.is_file()}


def test_every_user_of_the_bus_has_a_password_that_the_server_knows_and_no_other_service_does(tmp_path: Path) -> None:
    files = made(tmp_path)
    known = {user["user"]: user["password"] for user in json.loads(files["nats/nats.conf"])["authorization"]["users"]}
    assert set(known) == {permissions.user for permissions in USERS}
    assert len(set(known.values())) == len(known)
    for user, password in known.items():
        assert files[f"{user}/nats_password"] == password
        holders = {path.split("/")[0] for path, text in files.items() if password in text}
        assert holders == {user, "nats", "kept"}


def test_the_second_time_nothing_changes(tmp_path: Path) -> None:
    assert made(tmp_path) == made(tmp_path)


def test_what_was_lost_but_for_what_is_kept_comes_back(tmp_path: Path) -> None:
    before = made(tmp_path)
    for path in before:
        if not path.startswith("kept/"):
            (tmp_path / path).unlink()
    assert made(tmp_path) == before


def test_a_persons_password_of_the_database_is_its_superusers_and_the_store_has_another(tmp_path: Path) -> None:
    files = made(tmp_path, POSTGRES_PASSWORD="p@ss/wörd", POSTGRES_DB="my lists", POSTGRES_HOST="db")
    assert files["postgres/superuser_password"] == "p@ss/wörd"
    assert "p@ss" not in files["todo-store/database_url"]
    url = f"postgresql+asyncpg://todo_store:{files['postgres/store_password']}@db:5432/my%20lists"
    assert files["todo-store/database_url"] == url


def test_a_password_that_is_given_later_does_not_take_the_place_of_the_one_that_the_database_has(
    tmp_path: Path,
) -> None:
    before = made(tmp_path, POSTGRES_PASSWORD="of the first start")
    assert made(tmp_path, POSTGRES_PASSWORD="of the first start") == before
    assert made(tmp_path) == before
    done = step(tmp_path, POSTGRES_PASSWORD="of a later one")
    assert (done.returncode, done.stdout) == (0, "")
    assert "kept and holds" in done.stderr
    assert "RENEW=superuser" in done.stderr
    assert "of a later one" not in done.stderr
    assert "of the first start" not in done.stderr
    assert made(tmp_path) == before
    # Changed in the database, it is told to this step, which says no more of it.
    after = made(tmp_path, POSTGRES_PASSWORD="of a later one", RENEW="superuser")
    assert after["postgres/superuser_password"] == "of a later one"
    assert made(tmp_path, POSTGRES_PASSWORD="of a later one") == after
    assert {name for name in before if before[name] != after[name]} == {
        "postgres/superuser_password",
        "kept/secrets.json",
    }


def test_signaling_and_coturn_share_a_secret_and_the_one_before_is_never_empty(tmp_path: Path) -> None:
    files = made(tmp_path)
    lines = [line for line in files["coturn/turnserver.conf"].splitlines() if line.startswith("static-auth-secret=")]
    assert lines == [f"static-auth-secret={files['signaling/turn_secret']}"] * 2


def test_what_only_a_person_has_is_passed_on_to_those_who_need_it_until_it_is_given_no_longer(tmp_path: Path) -> None:
    files = made(tmp_path, AUTH_SECRET="of a person, 32 characters or more", MODEL_API_KEY="of the model")
    holders = {word: {path for path, text in files.items() if word in text} for word in ("of a person", "of the model")}
    assert holders == {
        "of a person": {"signaling/auth_secret", "mcp-bridge/auth_secret"},
        "of the model": {"agent/model_api_key"},
    }
    after = made(tmp_path)
    assert not {path for found in holders.values() for path in found} & set(after)


def test_the_stores_own_role_cannot_be_the_superuser(tmp_path: Path) -> None:
    done = step(tmp_path, POSTGRES_USER="todo_store")
    assert (done.returncode, done.stdout) == (1, "")
    assert "POSTGRES_USER is todo_store" in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_kept_is_for_its_owner_alone(tmp_path: Path) -> None:
    made(tmp_path)
    assert stat.S_IMODE((tmp_path / "kept" / "secrets.json").stat().st_mode) == 0o600


def test_no_other_user_of_the_host_gets_to_what_each_container_may_read(tmp_path: Path) -> None:
    into = tmp_path / "secrets"
    for mode in (None, 0o755):
        if mode is not None:
            into.chmod(mode)  # as an earlier release or a person made it
        made(into)
        assert stat.S_IMODE(into.stat().st_mode) == 0o700
    # A container, of whatever user, mounts the folder alone, and does not pass through what is above it.
    assert stat.S_IMODE((into / "agent").stat().st_mode) & 0o005 == 0o005
    assert stat.S_IMODE((into / "agent" / "nats_password").stat().st_mode) == 0o444


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"TURN_IP": "turn.example"}, "TURN_IP"),
        ({"GATEWAY_NETWORK": "10.0.0.0/24"}, "GATEWAY_NETWORK"),
        ({"POSTGRES_PORT": "many"}, "POSTGRES_PORT"),
    ],
)
def test_what_is_unusable_is_named_and_nothing_is_written(tmp_path: Path, environ: dict[str, str], word: str) -> None:
    done = step(tmp_path, **environ)
    assert done.returncode == 1
    assert word in done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "secrets.json").write_text("[]")
    done = step(tmp_path)
    assert done.returncode == 1
    assert "secrets.json" in done.stderr
    assert (tmp_path / "kept" / "secrets.json").read_text() == "[]"
